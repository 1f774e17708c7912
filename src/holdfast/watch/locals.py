"""Values that belong to a thread, a greenlet, a task or a context, and not to the object itself."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

#: Locals of a context: what is set there is seen by what inherits the context.
_CONTEXTUAL = (
    ("asgiref.local", "Local"),
    ("werkzeug.local", "Local"),
    ("werkzeug.local", "LocalStack"),
)

#: As it was before a monkey patch.
_NATIVE = threading.local
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})

_kinds: dict[type, str] = {}


def thread_cells(owner: Any) -> dict[str, Any] | None:
    """This thread's (or greenlet's) own values of a `threading.local`; None for other objects."""
    if _kind(type(owner)) != "thread":
        return None
    try:
        values = owner.__dict__
    except AttributeError:
        return None
    return values if type(values) is dict else None


def values_of(owner: object) -> Mapping[str, Any]:
    """An object's own attributes, as they stand: nothing of the user's is run, also for proxies."""
    try:
        values = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return _NO_VALUES
    return values if type(values) in {dict, MappingProxyType} else _NO_VALUES


def is_lazy(kind: type) -> bool:
    """Whether it is one of Django's classes whose objects are made when they are first needed."""
    return any(
        base.__module__ == "django.utils.functional" and base.__name__ == "LazyObject"
        for base in kind.__mro__
    )


def wrapped(lazy: object) -> object | None:
    """What a lazy object stands for; None: it isn't there yet."""
    found = values_of(lazy).get("_wrapped")
    return None if type(found) is object else found


def contextual(owner: Any) -> bool:
    """Whether the object's attributes live in the context."""
    return _kind(type(owner)) == "context"


def is_local(owner: Any) -> bool:
    """Whether its attributes are not its own, for one reason or the other."""
    return bool(_kind(type(owner)))


def _kind(kind: type) -> str:
    known = _kinds.get(kind)
    if known is None:
        known = _kinds[kind] = _found(kind)
    return known


def _found(kind: type) -> str:
    if issubclass(kind, _native_locals()):
        return "thread"
    names = {(base.__module__, base.__name__) for base in kind.__mro__}
    if issubclass(kind, ContextVar) or names & set(_CONTEXTUAL):
        return "context"
    return ""


def _native_locals() -> tuple[type, ...]:
    found: list[Any] = [_NATIVE, threading.local]
    for module in ("gevent.local", "_threading_local", "eventlet.corolocal"):
        kind = getattr(sys.modules.get(module), "local", None)
        if isinstance(kind, type):
            found.append(kind)
    return tuple(found)
