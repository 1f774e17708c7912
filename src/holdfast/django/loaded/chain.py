"""Middleware as Django resolves it: what forces a thread under ASGI, and what that costs here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.module_loading import import_string

from ..stack import report
from ..stack.report import Report
from .places import Places
from .seen import Seen

_MEND = (
    "Make it sync and async: async_capable = True, and a coroutine where get_response is one."
    " `holdfast doctor --fix` does so where it is sure."
)


def reports() -> list[Report]:
    """How a request is served under ASGI and under WSGI."""
    return report.reports()


def look(found: list[Report], places: Places) -> Iterator[Seen]:
    """Sync-only middleware in the chain of the project's ASGI application."""
    served = [one for one in found if one.interface == "asgi" and one.in_use]
    if not served:
        return
    shown = served[0]
    for blame in shown.blames:
        if "sync-only" not in blame.kinds:
            continue
        factory: Any = import_string(blame.name)
        cost = round(blame.seconds * 1e6)
        yield Seen(
            "S4a",
            places.of_class(factory, "MIDDLEWARE", blame.name),
            getattr(factory, "__qualname__", blame.name),
            blame.name,
            "warning",
            f"In the chain as Django resolves it, {blame.name} is sync only: under ASGI it costs"
            f" each request {_switches(blame.switches)} of threads"
            f" ({cost} µs of processor time here).",
            _MEND,
        )
    if shown.switches:
        yield Seen(
            "H2b",
            places.setting("MIDDLEWARE"),
            "MIDDLEWARE",
            "MIDDLEWARE",
            "info",
            f"Under ASGI a request to an {shown.view} view pays {_switches(shown.switches)} of"
            f" threads{', and a thread of its own' if shown.has_thread else ''}"
            f" ({round(shown.seconds * 1e6)} µs of processor time here).",
            "manage.py holdfast stack shows who causes them, and what would remove them.",
        )


def _switches(count: int) -> str:
    return f"{count} switch{'' if count == 1 else 'es'}"
