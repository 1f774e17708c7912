"""Which handler serves the project under ASGI: what its `asgi.py` makes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler as DjangosHandler

from ..asgi import ASGIHandler

_DEEPEST = 20
#: What wrappers call the application that they wrap.
_INNER = ("application", "app", "inner", "_app", "_application", "__wrapped__")


@dataclass(frozen=True)
class Application:
    """The project's ASGI application.

    Attributes:
        where: such as `shop.asgi.application`; None where there is none.
        wrappers: the classes around the handler, from the outermost on.
        ours: whether the handler is `holdfast.django.asgi`'s.
        problem: why it isn't known; None where it is.
    """

    where: str | None
    wrappers: tuple[str, ...] = ()
    ours: bool = False
    problem: str | None = None


def find() -> Application:
    """Import it, as a server does, and look for the handler inside of it."""
    named = getattr(settings, "ASGI_APPLICATION", None)
    package = str(getattr(settings, "ROOT_URLCONF", "")).rpartition(".")[0]
    where = named or (f"{package}.asgi.application" if package else None)
    if where is None:
        return Application(None, problem="ASGI_APPLICATION is not set")
    module, _, name = where.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # noqa: BLE001 - whatever the project's module does
        return Application(where, problem=f"{where} can't be imported: {error}")
    return _looked_into(where, found)


def _looked_into(where: str, application: Any) -> Application:
    wrappers: list[str] = []
    for _ in range(_DEEPEST):
        if isinstance(application, DjangosHandler):
            return Application(where, tuple(wrappers), ours=isinstance(application, ASGIHandler))
        inner = next((name for name in _INNER if hasattr(application, name)), None)
        if inner is None:
            break
        kind = type(application)
        wrappers.append(f"{kind.__module__}.{kind.__qualname__}")
        application = getattr(application, inner)
    return Application(where, tuple(wrappers), problem=f"no Django handler was found in {where}")
