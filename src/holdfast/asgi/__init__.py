"""How a request enters on an ASGI server: open the scope, close it at the true end."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .. import startup
from ..scope.scope import Scope, scope_var

if TYPE_CHECKING:
    from .request_log import RequestLog as RequestLog

ASGIScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[ASGIScope, Receive, Send], Awaitable[None]]

#: Where the wrapper leaves the scope for middleware of the same request.
SCOPE_KEY = "holdfast.scope"

# The wrappers that were made in this process: the system checks ask whether there are any.
wrappers: weakref.WeakSet[RequestScope] = weakref.WeakSet()

_get = scope_var.get
_set = scope_var.set


class RequestScope:
    """Gives every request and websocket of an ASGI application a scope of its own.

        application = holdfast.asgi.RequestScope(application)

    Put it outermost. The scope is open until the application returns: after the last byte was sent,
    or the client's leaving was dealt with; it is closed on errors and cancellation, too. Lifespan
    messages pass by. A request inside of a request has a scope of its own; the outer one is current
    again after it.

    `holdfast.request` is the ASGI scope (a dict), until middleware or the application sets
    `holdfast.current().request`.

    Adds about two microseconds to a request, no task and no thread; never blocks.

    Args:
        application: the ASGI application (version 3).
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        startup.note_forks()
        wrappers.add(self)

    # The parameters have the specification's names: daphne passes them by name.
    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Serve one request, websocket or lifespan."""
        kind = scope["type"]
        if kind not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        if startup.is_first_request:
            startup.log_problems_once()
        method = scope.get("method") or kind.upper()
        opened = Scope(None, (method, " ", scope.get("path", "")), may_await=True)
        # A copy, as the specification asks for: what is above us must not see the mark.
        opened.request = scope = {**scope, SCOPE_KEY: opened}
        outer = _get()
        _set(opened)
        try:
            await self.application(scope, receive, send)
        finally:
            try:
                await opened.aclose()
            finally:
                if _get() is opened:
                    _set(outer)


def __getattr__(name: str) -> Any:
    # Who writes no request log doesn't load it.
    if name == "RequestLog":
        return import_module(".request_log", __name__).RequestLog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
