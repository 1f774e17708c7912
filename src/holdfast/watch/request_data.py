"""Whether a value is, or holds, data of one request: a request, a user, a session, a marker."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from types import FunctionType, MethodType
from typing import Any

from ..scope.scope import Scope
from ..scope.state import State
from .locals import values_of

#: What requests of tests carry (see `holdfast.testing.requests`), and users of the probe (see
#: `holdfast.probe.markers`).
MARKER = re.compile(r"hf-canary-[0-9a-f]{16}|\bhf[a-z0-9]{10}[qhcbl]\d{9}[a-z0-9]{6}\b")
#: How deep containers and objects are looked into, and at how many values in all.
DEPTH = 3
MOST = 200

_CLASSES = (
    ("django.http.request", "HttpRequest"),
    ("django.contrib.auth.base_user", "AbstractBaseUser"),
    ("django.contrib.auth.models", "AnonymousUser"),
    ("django.contrib.sessions.backends.base", "SessionBase"),
    ("rest_framework.request", "Request"),
    ("starlette.requests", "HTTPConnection"),
    ("werkzeug.wrappers", "Request"),
)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def request_data_in(value: object, mine: Iterable[object] = ()) -> object | None:
    """The first piece of request data that *value* is or holds, or None.

    Args:
        value: looked at to a depth of three, at most 200 values. No code of the user's is run.
        mine: what belongs to the request that asks.
    """
    return next(all_request_data_in(value, mine), None)


def leaks(value: object, mine: Iterable[object] = ()) -> bool:
    """Whether *value* is or holds request data that others have no business with.

    A WebSocket, and what holds one, is kept so that others write to it.
    """
    found = list(all_request_data_in(value, mine))
    return bool(found) and not any(_is_websocket(one) for one in found)


def all_request_data_in(
    value: object, mine: Iterable[object] = (), *, calls: bool = False
) -> Iterator[object]:
    """Each piece of request data, as above; *calls*: also in what a function carries with it."""
    kinds = _kinds()
    own = {id(one) for one in mine if one is not None}
    waiting: deque[tuple[object, int]] = deque([(value, 0)])
    seen: set[int] = set()
    while waiting and len(seen) < MOST:
        one, depth = waiting.popleft()
        if id(one) in own or id(one) in seen:
            continue
        seen.add(id(one))
        if issubclass(type(one), kinds) or _is_plain_request(one):
            yield one
        elif type(one) is str:
            if MARKER.search(one):
                yield one
        elif depth < DEPTH and not issubclass(type(one), _PLAIN):
            inside = _carried(one) if calls and callable(one) else _within(one)
            waiting.extend((inner, depth + 1) for inner in inside)


def _kinds() -> tuple[type, ...]:
    found: list[type] = [Scope, State]
    for module, name in _CLASSES:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            found.append(kind)
    return tuple(found)


def _is_websocket(value: Any) -> bool:
    kind = getattr(sys.modules.get("starlette.websockets"), "WebSocket", ())
    return issubclass(type(value), kind) or (
        type(value) is dict and value.get("type") == "websocket"
    )


def _is_plain_request(value: object) -> bool:
    """A WSGI environ, or an ASGI scope."""
    if type(value) is not dict:
        return False
    return "wsgi.input" in value or (
        "headers" in value and value.get("type") in {"http", "websocket"}
    )


def _within(value: Any) -> Iterable[object]:
    if issubclass(type(value), dict):
        return [*dict.keys(value), *dict.values(value)]
    if issubclass(type(value), (list, tuple, set, frozenset, deque)):
        return list(value)
    # Attributes as they stand; classes, modules and functions hold what isn't a request's.
    if issubclass(type(value), type) or callable(value):
        return ()
    return list(values_of(value).values())


def _carried(value: Any) -> Iterable[object]:
    """What a function brings along: arguments that are set already, its object, its variables."""
    if type(value) is partial:
        return [value.func, *value.args, *value.keywords.values()]
    if type(value) is MethodType:
        return [value.__self__]
    if type(value) is FunctionType:
        found: list[object] = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        for cell in value.__closure__ or ():
            try:
                found.append(cell.cell_contents)
            except ValueError:
                continue
        return found
    return ()
