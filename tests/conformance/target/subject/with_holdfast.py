"""holdfast: the wrapper and the middleware open the scope and close it; nothing to clear here."""

import os
import time
from collections.abc import Callable
from typing import Any

import holdfast


def put(name: str, value: str) -> None:
    setattr(holdfast.state, name, value)


def read(name: str = "marker") -> str | None:
    """What holdfast.state says, if holdfast.request agrees that this is the request."""
    scope = holdfast.current(None)
    if scope is None:
        return None
    try:
        value: str | None = holdfast.state.get(name, None)
        path = _path_of(scope.request)
    except holdfast.RequestEnded as ended:
        return f"ended: {ended}".replace("\n", " ")
    if value is not None and path is not None and f"/{value}/" not in path:
        return f"{value}, but the request is {path}"
    return value


def _path_of(request: Any) -> str | None:
    """Of an HttpRequest, of a WSGI environ, of an ASGI scope; None where there is no request."""
    if isinstance(request, dict):
        return str(request.get("PATH_INFO") or request.get("path"))
    return getattr(request, "path", None)


def clear() -> None:
    pass


def carry(work: Callable[..., Any]) -> Callable[..., Any]:
    """The work, carried; unchanged where the setting CARRY has to do it."""
    return work if os.environ.get("CONFORMANCE_CARRY") else holdfast.carry(work)


def wait_until_over() -> bool:
    """Wait (at most 5 s) in carried work until its request has ended; whether it has."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if holdfast.current().closed:
            return True
        time.sleep(0.005)
    return False
