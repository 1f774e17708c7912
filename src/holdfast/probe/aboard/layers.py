"""The time in Django's middleware, and in the view of any framework; and which view it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import native, places, requests, spans, writing
from .settings import Settings


def install(settings: Settings) -> None:
    """Note these times from here on."""
    on_import("django.core.handlers.base", _handlers)
    on_import("starlette.routing", _starlette)
    on_import("flask.app", _flask)


def _handlers(module: ModuleType) -> None:
    _name_layers(module)
    _name_views(module.BaseHandler)


def _name_layers(module: Any) -> None:
    """In `load_middleware`, a path is imported, made an instance, and then wrapped, in turn."""
    load, find = module.BaseHandler.load_middleware, module.import_string
    convert = module.convert_exception_to_response
    path = ""

    @functools.wraps(load)
    def load_middleware(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal path
        path = ""
        load(self, *args, **kwargs)

    @functools.wraps(find)
    def import_string(dotted_path: str) -> Any:
        nonlocal path
        path = dotted_path
        return find(dotted_path)

    @functools.wraps(convert)
    def convert_exception_to_response(get_response: Any) -> Any:
        handler = convert(get_response)
        return _timed(handler, "layer", path) if path else handler

    module.BaseHandler.load_middleware = load_middleware
    module.import_string = import_string
    module.convert_exception_to_response = convert_exception_to_response


def _name_views(kind: Any) -> None:
    resolve, atomic = kind.resolve_request, kind.make_view_atomic

    @functools.wraps(resolve)
    def resolve_request(self: Any, request: Any) -> Any:
        match = resolve(self, request)
        try:
            known = requests.current()
            if known is not None and not known.view:
                known.view = _view(match.func, request.method)
                known.route = match.route or ""
        except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
            writing.trouble("a view has no name", error)
        return match

    @functools.wraps(atomic)
    def make_view_atomic(self: Any, view: Any) -> Any:
        return _timed(atomic(self, view), "view", "")

    kind.resolve_request, kind.make_view_atomic = resolve_request, make_view_atomic


def _view(function: Any, method: str) -> str:
    """The dotted name of a view: of its class, and of an API's action, where it is of one."""
    actions = getattr(function, "actions", None)
    kind = getattr(function, "view_class", None) or getattr(function, "cls", None)
    if kind is None:
        return places.name_of(function)
    name = places.name_of(kind)
    action = actions.get(method.lower()) if isinstance(actions, dict) else None
    return f"{name}.{action}" if action else name


def _timed(call: Any, kind: str, name: str) -> Any:
    """*call*, its time noted; *name* empty: what the request's view is called."""
    if _is_async(call):

        @functools.wraps(call)
        async def timed_async(*args: Any, **kwargs: Any) -> Any:
            begun, request = native.monotonic(), requests.current()
            try:
                return await call(*args, **kwargs)
            finally:
                if request is not None:
                    spans.note(kind, name or request.view, begun, request=request)

        made: Callable[..., Any] = timed_async
    else:

        @functools.wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            begun, request = native.monotonic(), requests.current()
            try:
                return call(*args, **kwargs)
            finally:
                if request is not None:
                    spans.note(kind, name or request.view, begun, request=request)

        made = timed
    if name:
        setattr(made, places.NAME, name)
    return made


def _is_async(call: Any) -> bool:
    if iscoroutinefunction(call):
        return True
    # Python 3.11 has no mark for what only behaves as a coroutine function; asgiref has its own.
    return getattr(call, "_is_coroutine", None) is not None


def _starlette(module: ModuleType) -> None:
    """A route's endpoint is the view."""
    kind: Any = module.Route
    handle = kind.handle

    @functools.wraps(handle)
    async def timed(self: Any, scope: Any, receive: Any, send: Any) -> None:
        begun, request = native.monotonic(), requests.current()
        if request is not None:
            request.view = places.name_of(self.endpoint)
            request.route = str(self.path)
        try:
            await handle(self, scope, receive, send)
        finally:
            if request is not None:
                spans.note("view", request.view, begun, request=request)

    kind.handle = timed


def _flask(module: ModuleType) -> None:
    """An endpoint's function is the view."""
    kind: Any = module.Flask
    dispatch = kind.dispatch_request

    @functools.wraps(dispatch)
    def timed(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun, request = native.monotonic(), requests.current()
        if request is None:
            return dispatch(self, *args, **kwargs)
        try:
            rule = module.request.url_rule
            if rule is not None:
                request.route = str(rule.rule)
                request.view = places.name_of(self.view_functions[rule.endpoint])
        except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
            writing.trouble("a view has no name", error)
        try:
            return dispatch(self, *args, **kwargs)
        finally:
            spans.note("view", request.view, begun, request=request)

    kind.dispatch_request = timed
