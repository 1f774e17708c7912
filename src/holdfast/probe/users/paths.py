"""Where paths come from that nobody typed: a description of the API, or the URLconf."""

from __future__ import annotations

from collections.abc import Iterable

from ..events import Route
from .plan import SAFE, Step

#: Pages that log people out, or change something although they are asked by GET.
_NOT_ASKED = ("logout", "log-out", "signout", "sign-out")


def from_routes(routes: Iterable[Route], *, unsafe: bool) -> list[Step]:
    """Steps from Django's URLconf, each path once.

    Args:
        routes: as the observers wrote them.
        unsafe: also those that GET isn't for.
    """
    found: dict[str, Step] = {}
    for route in routes:
        methods = [method.upper() for method in route.methods] or ["GET"]
        chosen = "GET" if "GET" in methods else methods[0]
        if (chosen in SAFE or unsafe) and is_asked(route.path):
            found.setdefault(route.path, Step(route.path, chosen, named=f"/{route.route}"))
    return list(found.values())


def is_asked(path: str) -> bool:
    """Whether users may ask for it unasked: a logout would end their sessions."""
    return not any(word in path.lower() for word in _NOT_ASKED)
