"""S4b: a middleware that says it is async, and isn't."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..names import everything
from ._middleware import async_capable, looks_at_async, middlewares, own

CODE = "S4b"
TITLE = "Middleware that inherits async_capable, but whose __call__ is synchronous"
REASON = """`MiddlewareMixin` says `async_capable`, and its own `__call__` knows what to do. Who
overrides that with a synchronous one still promises async: under ASGI `get_response` gives a
coroutine, which the code takes for a response, or the work blocks the event loop."""
WRONG = """
from django.utils.deprecation import MiddlewareMixin

class Language(MiddlewareMixin):
    def __call__(self, request):
        response = self.get_response(request)
        response["Content-Language"] = "en"
        return response
"""
RIGHT = """
from django.utils.deprecation import MiddlewareMixin

class Language(MiddlewareMixin):
    def process_response(self, request, response):
        response["Content-Language"] = "en"
        return response
"""


def check(file: File) -> Iterator[Finding]:
    """Classes with a synchronous `__call__` of their own that are async_capable all the same."""
    for class_ in middlewares(file):
        call = own(class_, "__call__")
        if call is None or isinstance(call, ast.AsyncFunctionDef):
            continue
        if not async_capable(file, class_) or looks_at_async(call):
            continue
        if _returns_what_it_was_given(call):
            continue
        yield file.finding(
            CODE,
            class_.node,
            f"{class_.name} is async_capable, so under ASGI get_response returns a coroutine, which"
            " its synchronous __call__ takes for a response.",
            "Move the work into process_request and process_response, or hand over to a coroutine"
            " where get_response is one.",
            symbol=class_.name,
            attribute="__call__",
            severity="error",
        )


def _returns_what_it_was_given(call: ast.FunctionDef) -> bool:
    """`return self.get_response(request)`, with nothing else done to it, serves both."""
    returns = [part for part in everything(call) if isinstance(part, ast.Return)]
    return (
        isinstance(call.body[-1], ast.Return)
        and len(call.body) == len(returns) == 1
        and isinstance(returns[0].value, ast.Call)
    )
