"""Gives each request a scope where the project gives it none: the watch tells requests by it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..asgi import SCOPE_KEY
from ..asgi import RequestScope as AsgiRequestScope
from ..on_import import on_import
from ..scope.open_scope import open_scope
from ..scope.scope import current
from ..wsgi import ENVIRON_KEY
from ..wsgi import RequestScope as WsgiRequestScope
from .visits import visit_of

_MARK = "_holdfast_watched"


def enter_requests() -> None:
    """Open a scope in Django's handlers, and in those of its test client, once they are imported.

    Applications without Django are wrapped in `holdfast.wsgi.RequestScope` or
    `holdfast.asgi.RequestScope` by themselves, or by the probe.
    """
    on_import("django.core.handlers.base", _base)
    on_import("django.core.handlers.wsgi", _wsgi)
    on_import("django.core.handlers.asgi", _asgi)
    on_import("django.test.client", _test_client)


def _base(module: ModuleType) -> None:
    _replace(module.BaseHandler, "get_response", _with_request)
    _replace(module.BaseHandler, "get_response_async", _with_request)


def _wsgi(module: ModuleType) -> None:
    _replace(module.WSGIHandler, "__call__", _in_wsgi_scope)


def _asgi(module: ModuleType) -> None:
    _replace(module.ASGIHandler, "__call__", _in_asgi_scope)


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
            visit_of(scope)
            if scope.request is None or type(scope.request) is dict:
                scope.request = request
        return original(self, request)

    return call


def _in_wsgi_scope(original: Any) -> Any:
    def call(self: Any, environ: dict[str, Any], start_response: Any) -> Any:
        known = environ.get(ENVIRON_KEY)
        if known is not None and known.usable:
            return original(self, environ, start_response)
        return WsgiRequestScope(functools.partial(original, self))(environ, start_response)

    return call


def _in_asgi_scope(original: Any) -> Any:
    async def call(self: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
        known = scope.get(SCOPE_KEY)
        if known is not None and known.usable:
            await original(self, scope, receive, send)
        else:
            await AsgiRequestScope(functools.partial(original, self))(scope, receive, send)

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
