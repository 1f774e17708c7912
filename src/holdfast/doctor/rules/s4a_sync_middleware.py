"""S4a: a middleware that can't run on the event loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import DefinedClass, File
from ..findings import Finding
from ..names import everything, parameters
from ._middleware import (
    async_capable,
    factories,
    leaves_it_to_super,
    looks_at_async,
    middlewares,
    own,
)

CODE = "S4a"
TITLE = "Middleware that forces a thread under ASGI"
REASON = """Django asks a middleware whether it is `async_capable`. One that doesn't say so is given
a thread for every request, and the request changes threads before and behind it, also if the view
is async and nothing in it waits."""
WRONG = """
class Timing:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)
"""
RIGHT = """
from asgiref.sync import iscoroutinefunction, markcoroutinefunction

class Timing:
    sync_capable = async_capable = True

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
_DECORATORS = ("sync_and_async_middleware", "async_only_middleware")
_MEND = "Make it sync and async: async_capable = True, and a coroutine where get_response is one."


def check(file: File) -> Iterator[Finding]:
    """Classes with a synchronous `__call__`, and functions of `get_response`."""
    for class_ in middlewares(file):
        call = own(class_, "__call__")
        if call is None or isinstance(call, ast.AsyncFunctionDef):
            continue
        if async_capable(file, class_) or not _can_be_djangos(file, class_, call):
            continue
        if any(own(class_, name) for name in ("__acall__", "acall")) or _marks(class_.node):
            continue  # S4c
        if async_capable(file, class_) is None and (
            looks_at_async(call) or leaves_it_to_super(call)
        ):
            continue
        yield file.finding(
            CODE,
            class_.node,
            f"Under ASGI, {class_.name} gets a thread for every request: its __call__ is"
            " synchronous and it doesn't say async_capable.",
            _MEND,
            symbol=class_.name,
            attribute="__call__",
        )
    for function, inner in factories(file):
        decorators = {
            file.names.of(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2]
            for d in function.node.decorator_list
        }
        if decorators & set(_DECORATORS) or _said_later(file.tree, function.node.name):
            continue
        if isinstance(inner, ast.AsyncFunctionDef):
            continue
        yield file.finding(
            CODE,
            function.node,
            f"Under ASGI, {function.name} gets a thread for every request: it isn't decorated with"
            " @sync_and_async_middleware.",
            "Decorate it with @sync_and_async_middleware, and return a coroutine function where"
            " get_response is one.",
            symbol=function.name,
            attribute=function.name,
        )


def _can_be_djangos(file: File, class_: DefinedClass, call: ast.FunctionDef) -> bool:
    """Whether it can be made with `get_response`, and called with a request."""
    ancestors = file.project.ancestors(class_.full_name)
    if any(name.startswith("channels.") for name in ancestors):
        return False
    if parameters(call)[1:2] in (["scope"], ["environ"]):
        return False
    unknown = any(
        name not in {"object", "builtins.object"} and file.project.class_(name) is None
        for name in ancestors[1:]
    )
    decorated = bool(class_.node.decorator_list)  # as a dataclass
    return unknown or decorated or file.project.method(class_.full_name, "__init__") is not None


def _marks(node: ast.ClassDef) -> bool:
    return any(
        isinstance(part, ast.Attribute | ast.Name)
        and (getattr(part, "attr", "") or getattr(part, "id", ""))
        in {"markcoroutinefunction", "_is_coroutine"}
        for part in everything(node)
    )


def _said_later(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(part, ast.Assign)
        and any(
            isinstance(target, ast.Attribute)
            and target.attr == "async_capable"
            and isinstance(target.value, ast.Name)
            and target.value.id == name
            for target in part.targets
        )
        for part in tree.body
    )
