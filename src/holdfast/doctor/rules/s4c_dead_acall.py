"""S4c: an async half of a middleware that Django never uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..names import everything
from ._middleware import async_capable, middlewares, own

CODE = "S4c"
TITLE = "Middleware whose async half is never used"
REASON = """Django looks at `async_capable` only. A class with `__acall__`, or one that marks itself
as a coroutine function, is still given a synchronous `get_response` and a thread for every request
if it doesn't say so: the async code is dead."""
WRONG = """
from asgiref.sync import iscoroutinefunction, markcoroutinefunction

class Page:
    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        if iscoroutinefunction(self):
            return self.__acall__(request)
        return self.get_response(request)

    async def __acall__(self, request):
        return await self.get_response(request)
"""
RIGHT = WRONG.replace("class Page:\n", "class Page:\n    sync_capable = async_capable = True\n\n")


def check(file: File) -> Iterator[Finding]:
    """Classes with an async half that don't say `async_capable`."""
    for class_ in middlewares(file):
        call = own(class_, "__call__")
        if async_capable(file, class_) or call is None:
            continue
        half: ast.AST | None = own(class_, "__acall__") or own(class_, "acall")
        if not isinstance(half, ast.AsyncFunctionDef):
            half = _mark(class_.node)
        if half is None:
            continue
        yield file.finding(
            CODE,
            class_.node,
            f"{class_.name} has an async half that Django never uses: it doesn't say async_capable,"
            " so every request gets a thread under ASGI.",
            "Add `sync_capable = async_capable = True` to the class.",
            symbol=class_.name,
            attribute=getattr(half, "name", "markcoroutinefunction"),
        )


def _mark(node: ast.ClassDef) -> ast.AST | None:
    for part in everything(node):
        name = part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")
        if name in {"markcoroutinefunction", "_is_coroutine"}:
            return part
    return None
