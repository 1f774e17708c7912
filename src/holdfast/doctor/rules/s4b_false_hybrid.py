"""S4b: a middleware that says it is async, and isn't."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..names import FunctionNode, everything
from ._middleware import async_capable, leaves_it_to_super, looks_at_async, middlewares, own

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
        if _returns_what_it_was_given(call) or _hands_on(class_.node, call):
            continue
        if leaves_it_to_super(call):
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


def _hands_on(class_: ast.ClassDef, call: ast.FunctionDef) -> bool:
    """Whether a class that asks what `get_response` is leaves all to one that it has chosen."""
    if not any(looks_at_async(one) for one in class_.body if isinstance(one, FunctionNode)):
        return False
    returned = [part.value for part in everything(call) if isinstance(part, ast.Return)]
    asked = [
        part
        for part in everything(call)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr == "get_response"
    ]
    return all(isinstance(value, ast.Call) for value in returned) and all(
        one in returned for one in asked
    )
