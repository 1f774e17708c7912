"""Which handler serves the project under ASGI: what its `asgi.py` makes."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler as DjangosHandler

from ..asgi import ASGIHandler

#: So many objects are looked into.
_MOST = 1000
#: What wrappers call the application that they wrap, where they have no `__dict__`.
_INNER = ("application", "app", "inner", "_app", "_application")


@dataclass(frozen=True)
class Application:
    """The project's ASGI application.

    Attributes:
        where: such as `shop.asgi.application`; None where there is none.
        wrappers: what is around the handler, from the outermost on.
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
    """Look through wrappers, routers and functions for Django's handler, the nearest first."""
    queue: deque[tuple[Any, tuple[str, ...]]] = deque([(application, ())])
    seen: set[int] = set()
    while queue and len(seen) < _MOST:
        found, around = queue.popleft()
        if isinstance(found, DjangosHandler):
            return Application(where, around, ours=isinstance(found, ASGIHandler))
        if id(found) not in seen:
            seen.add(id(found))
            here = around if isinstance(found, _CONTAINERS) else (*around, _name(found))
            queue.extend((inner, here) for inner in _inside(found) if _may_lead_on(inner))
    return Application(where, problem=f"no Django handler was found in {where}")


_CONTAINERS = (dict, list, tuple)


def _inside(found: Any) -> Iterator[Any]:
    """What *found* may hand a request on to."""
    if isinstance(found, dict):
        yield from found.values()
    elif isinstance(found, list | tuple):
        yield from found
    elif isinstance(found, FunctionType):
        for cell in found.__closure__ or ():
            with suppress(ValueError):  # nothing was put in yet
                yield cell.cell_contents
        for name in found.__code__.co_names:
            yield found.__globals__.get(name)
    elif isinstance(found, MethodType):
        yield found.__self__
    else:
        yield from getattr(found, "__dict__", {}).values()
        for name in _INNER:
            yield getattr(found, name, None)


def _may_lead_on(found: Any) -> bool:
    return isinstance(found, _CONTAINERS) or (callable(found) and not isinstance(found, type))


def _name(found: Any) -> str:
    kind = found if isinstance(found, FunctionType) else type(found)
    return f"{kind.__module__}.{kind.__qualname__}"
