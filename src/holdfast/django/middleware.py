"""`"holdfast.django.middleware.RequestScope"`: first in MIDDLEWARE.

Behind `holdfast.wsgi.RequestScope` or `holdfast.asgi.RequestScope` the middleware has little to do:
it makes `holdfast.request` the `HttpRequest`. Alone it opens the scope itself and ends it with the
response. What no middleware can see is then missing: see "Without the wrapper" in the docs.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .. import startup
from ..asgi import SCOPE_KEY
from ..scope.iteration import ScopedAsyncIterator, ScopedIterator
from ..scope.scope import NOWHERE, Scope, scope_var
from ..wsgi import ENVIRON_KEY

if TYPE_CHECKING:
    # A name of this module: see __getattr__.
    from .request_log import RequestLog as RequestLog  # noqa: PLC0414

_get = scope_var.get
_set = scope_var.set


class RequestScope:
    """Makes the request known as `holdfast.request`, and gives it a scope where it has none.

    Sync and async by nature: it adds no thread switch to either. Costs about one microsecond behind
    a wrapper, and five alone.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response: Callable[[HttpRequest], Any] = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Respond; what is returned is to be awaited where the next middleware is async."""
        if self.is_async:
            return self._respond_async(request)
        scope = _wrappers_scope(request)
        if scope is not None:
            scope.request = request
            response: HttpResponseBase = self.get_response(request)
            if response.streaming:
                _keep_body_inside(response, scope, request)
            return response
        entered = _Entered(request)
        try:
            response = self.get_response(request)
        except BaseException:
            entered.abandon()
            raise
        entered.leave_to(response)
        return response

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        scope = _wrappers_scope(request)
        if scope is not None:
            scope.request = request
            response: HttpResponseBase = await self.get_response(request)
            if response.streaming:
                _keep_body_inside(response, scope, request)
            return response
        entered = _Entered(request)
        try:
            response = await self.get_response(request)
        except BaseException:
            entered.abandon()
            raise
        entered.leave_to(response)
        return response


def _wrappers_scope(request: HttpRequest) -> Scope | None:
    """The scope that a wrapper opened for this very request.

    The mark stands in the environ or ASGI scope, so that a request inside of a request, which has
    one of its own, is told from the outer one.
    """
    asgi_scope = getattr(request, "scope", None)
    if asgi_scope is not None:
        scope: Scope | None = asgi_scope.get(SCOPE_KEY)
    else:
        environ: Any = getattr(request, "environ", None)
        scope = environ.get(ENVIRON_KEY) if environ is not None else None
    if scope is None or not scope.usable or isinstance(scope.request, HttpRequest):
        return None  # none, over, or taken by the outer request, whose environ was copied
    return scope


def _keep_body_inside(
    response: HttpResponseBase, scope: Scope, request: HttpRequest
) -> ScopedAsyncIterator[Any] | None:
    """Have a streamed body run inside the scope, whoever consumes, closes or collects it."""
    if not response.streaming or getattr(response, "file_to_stream", None) is not None:
        return None
    streaming: Any = response
    # `_iterator` and not the public `streaming_content`: reading that wraps the view's generator
    # once more, and closing the wrapper would not close the generator.
    under_asgi = hasattr(request, "scope")
    # Under ASGI Django does not close a response whose body raised; where the wrapper is there, it
    # ends the scope.
    on_error = scope.close if under_asgi and not scope.may_await else None
    if streaming.is_async:
        body = ScopedAsyncIterator(scope, streaming._iterator, on_error=on_error)  # noqa: SLF001
        streaming._iterator = body  # noqa: SLF001
        scope.on_close(body.aclose if scope.may_await else body.close_soon)
        return body
    if under_asgi or isinstance(response.close, _Entered):
        # Otherwise the WSGI wrapper runs each step of the body inside the scope.
        sync_body = ScopedIterator(scope, streaming._iterator, on_error=on_error)  # noqa: SLF001
        streaming._iterator = sync_body  # noqa: SLF001
        scope.on_close(sync_body.close)
    return None


def _leave_out_who_calls(response: HttpResponseBase) -> None:
    """Have the response not close the generator that closes it right now.

    Django's test client closes a streamed response at the end of a generator which the response
    means to close, too. For a generator that runs this is an error (which Django swallows), and
    now and then CPython 3.11 and 3.12 crash of it instead.
    """
    closers = response._resource_closers  # type: ignore[attr-defined]  # noqa: SLF001
    for closer in list(closers):
        if getattr(getattr(closer, "__self__", None), "gi_running", False):
            closers.remove(closer)


class _Entered:
    """A scope that the middleware has opened itself.

    Later it stands for `response.close`, until that is called, and ends the scope with it.
    """

    __slots__ = ("before", "body", "outer", "request", "response", "scope")

    response: HttpResponseBase
    body: ScopedAsyncIterator[Any] | None
    before: Any

    def __init__(self, request: HttpRequest) -> None:
        if startup.is_first_request:
            startup.log_problems_once()
        self.request = request
        self.scope = Scope(request, (request.method or "", " ", request.path))
        self.outer = _get()
        # Unconditionally: what is there may be an earlier request's, handed on by a thread pool, a
        # keep-alive greenlet or the server.
        _set(self.scope)

    def abandon(self) -> None:
        try:
            self.scope.close()
        finally:
            _set(self.outer if self.outer.usable else NOWHERE)

    def leave_to(self, response: HttpResponseBase) -> None:
        """From here on the scope belongs to the response, and ends with it."""
        self.response = response
        # Middleware below us may have put a close() of its own there.
        self.before = vars(response).get("close")
        response.close = self  # type: ignore[method-assign]
        self.body = _keep_body_inside(response, self.scope, self.request)
        if self.outer.usable:
            _set(self.outer)  # a request inside of a request

    @property
    def never_blocks(self) -> bool:
        """Whether the response can be closed in the event loop: see `house_keeping`."""
        from .house_keeping import closes_at_once

        if self.before is not None or (self.body is not None and not self.body.finished):
            return False
        return self.scope.closes_at_once and closes_at_once(self.response)

    def __call__(self) -> None:
        if self.before is not None:
            self.response.close = self.before  # type: ignore[method-assign]
        else:
            # No circle is to keep response and request until the next collection.
            vars(self.response).pop("close", None)
        before = _get()
        _set(self.scope)
        try:
            if self.body is not None:
                self._close_async_body(self.body)
            _leave_out_who_calls(self.response)
            self.response.close()
        finally:
            try:
                self.scope.close()
            finally:
                _set(NOWHERE if before is self.scope else before)

    def _close_async_body(self, body: ScopedAsyncIterator[Any]) -> None:
        if body.finished:
            return
        try:
            async_to_sync(body.aclose)()
        except RuntimeError:
            # Called in the event loop's own thread; the generator is closed when it is collected.
            return

    def __reduce__(self) -> tuple[Any, ...]:
        # A cache that stands above us pickles the response; the copy has no scope to end.
        return functools.partial, (type(self.response).close, self.response)


def __getattr__(name: str) -> Any:
    # Who writes no request log doesn't load it.
    if name == "RequestLog":
        return import_module(".request_log", __package__).RequestLog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
