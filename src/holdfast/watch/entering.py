"""Gives each request a scope where the project gives it none: the watch tells requests by it.

It is opened around the application, where the server calls it, and around Django's handlers, which
also test clients call. Where the project opens a scope of its own within, both are one request.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

from ..aboard import servers
from ..asgi import SCOPE_KEY
from ..asgi import RequestScope as AsgiRequestScope
from ..on_import import on_import
from ..scope.open_scope import open_scope
from ..scope.scope import current
from ..wsgi import ENVIRON_KEY
from ..wsgi import RequestScope as WsgiRequestScope
from .trouble import trouble
from .visits import WATCH_KEY, failed, visit_of

_MARK = "_holdfast_watched"

Environ = dict[str, Any]

_entered = False


def enter_requests() -> None:
    """Open a scope around applications, and in Django's test clients, once they are imported.

    Further calls do nothing.
    """
    global _entered
    if _entered:
        return
    _entered = True
    wrappers = servers.Wrappers(_wsgi, _asgi, _wsgi_method, _asgi_method, bridged=_wsgi)
    servers.follow(wrappers, trouble)
    on_import("django.core.handlers.base", _base)
    on_import("django.core.handlers.exception", _exception)
    on_import("django.test.client", _test_client)


# Around applications


class _Wsgi:
    """A WSGI application whose requests have scopes. It has the application's attributes."""

    def __init__(self, application: Any) -> None:
        self.__wrapped__ = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        return _in_wsgi_scope(self.__wrapped__, environ, start_response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


class _Asgi:
    """An ASGI application whose requests have scopes. It has the application's attributes."""

    def __init__(self, application: Any) -> None:
        self.__wrapped__ = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _in_asgi_scope(self.__wrapped__, scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def _wsgi(application: Any) -> Any:
    is_plain = callable(application) and not isinstance(application, _Wsgi)
    return _Wsgi(application) if is_plain else application


def _asgi(application: Any) -> Any:
    return application if isinstance(application, _Asgi) else _Asgi(application)


def _wsgi_method(original: Any) -> Any:
    @functools.wraps(original)
    def call(self: Any, environ: Environ, start_response: Any) -> Iterable[bytes]:
        return _in_wsgi_scope(functools.partial(original, self), environ, start_response)

    return call


def _asgi_method(original: Any) -> Any:
    if not iscoroutinefunction(original):
        return original

    @functools.wraps(original)
    async def call(self: Any, scope: Any, receive: Any, send: Any, *more: Any) -> None:
        def inner(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
            found: Awaitable[None] = original(self, scope, receive, send, *more)
            return found

        await _in_asgi_scope(inner, scope, receive, send)

    return call


def _in_wsgi_scope(call: Any, environ: Environ, start_response: Any) -> Iterable[bytes]:
    if _is_open(environ, ENVIRON_KEY) or _is_bridged(environ):
        found: Iterable[bytes] = call(environ, start_response)
        return found

    def within(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ[WATCH_KEY] = environ[ENVIRON_KEY]
        visit_of(environ[ENVIRON_KEY]).count()
        try:
            body: Iterable[bytes] = call(environ, start_response)
        except BaseException as error:
            failed(error)
            raise
        return body

    return WsgiRequestScope(within)(environ, start_response)


async def _in_asgi_scope(call: Any, scope: Any, receive: Any, send: Any) -> None:
    if scope.get("type") not in {"http", "websocket"} or _is_open(scope, SCOPE_KEY):
        await call(scope, receive, send)
        return

    async def within(scope: Any, receive: Any, send: Any) -> None:
        scope[WATCH_KEY] = scope[SCOPE_KEY]
        visit_of(scope[SCOPE_KEY]).count()
        try:
            await call(scope, receive, send)
        except BaseException as error:
            failed(error)
            raise

    await AsgiRequestScope(within)(scope, receive, send)


def _is_open(request: Any, key: str) -> bool:
    """Whether a layer further out has opened a scope: ours, or the project's."""
    known = [request.get(name) for name in (WATCH_KEY, key)]
    return any(one is not None and one.usable for one in known)


def _is_bridged(environ: Environ) -> bool:
    """Whether a server's bridge made the environ from an ASGI scope whose request is open."""
    scope = current(None)
    outer = None if scope is None else scope.request
    if type(outer) is not dict or WATCH_KEY not in outer or "path" not in outer:
        return False
    inside = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return bool(outer["path"].endswith(inside))


# Django


def _base(module: ModuleType) -> None:
    _replace(module.BaseHandler, "get_response", _with_request)
    _replace(module.BaseHandler, "get_response_async", _with_request)


def _exception(module: ModuleType) -> None:
    original = module.response_for_exception

    @functools.wraps(original)
    def response_for_exception(request: Any, error: Exception) -> Any:
        response = original(request, error)
        if response.status_code >= 500:  # noqa: PLR2004 - the server failed
            failed(error)
        return response

    module.response_for_exception = response_for_exception  # type: ignore[attr-defined]


def _test_client(module: ModuleType) -> None:
    _replace(module.ClientHandler, "__call__", _in_client_scope)
    _replace(module.AsyncClientHandler, "__call__", _in_async_client_scope)


def _replace(kind: type, name: str, wrap: Callable[[Any], Any]) -> None:
    original = getattr(kind, name)
    if not hasattr(original, _MARK):
        wrapped = functools.wraps(original)(wrap(original))
        setattr(wrapped, _MARK, True)
        setattr(kind, name, wrapped)


def _with_request(original: Any) -> Any:
    """Have the scope's request be Django's, as behind Holdfast's middleware."""

    def call(self: Any, request: Any) -> Any:
        scope = current(None)
        if scope is not None:
            visit_of(scope).count()
            if scope.request is None or type(scope.request) is dict:
                scope.request = request
        return original(self, request)

    return call


def _in_client_scope(original: Any) -> Any:
    def call(self: Any, environ: dict[str, Any]) -> Any:
        with open_scope() as scope:
            scope.name = f"{environ.get('REQUEST_METHOD', '')} {environ.get('PATH_INFO', '')}"
            return original(self, environ)

    return call


def _in_async_client_scope(original: Any) -> Any:
    async def call(self: Any, scope: dict[str, Any]) -> Any:
        async with open_scope() as opened:
            opened.name = f"{scope.get('method', '')} {scope.get('path', '')}"
            return await original(self, scope)

    return call
