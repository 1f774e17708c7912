"""S7a: the body read before the view asks for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import Defined, File
from ..findings import Finding
from ..names import FunctionNode, everything, walk
from ._middleware import factories, middlewares

CODE = "S7a"
TITLE = "The body read in middleware, before the view"
REASON = """`request.body` and `request.POST` read all that the client sends into memory before the
view decides whether it wants it. A view that reads the upload as a stream then fails
(`RawPostDataException`), limits set in the view come too late, and a slow client holds the
worker."""
WRONG = """
class Audit:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        size = len(request.body)
        return self.get_response(request)
"""
RIGHT = """
class Audit:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        size = request.headers.get("Content-Length")
        return self.get_response(request)
"""
_READS = frozenset({"body", "POST", "FILES", "_body"})
_CALLS = frozenset({"read", "readline", "readlines"})
_BEFORE = ("process_request", "process_view", "__call__", "__acall__")
_ONE_PLACE = frozenset({"path", "path_info", "resolver_match", "get_full_path", "view_name"})
_DEEPEST = 3


def check(file: File) -> Iterator[Finding]:
    """Reads in the part of a middleware that runs before the view, also through its helpers."""
    seen: set[int] = set()
    by_name = {function.name: function for function in file.functions}
    roots: list[tuple[Defined, str]] = []
    for class_ in middlewares(file):
        for method in file.methods(class_):
            if method.own_name in _BEFORE and method.parameters:
                roots.append((method, class_.name))
    for function, inner in factories(file):
        defined = by_name.get(f"{function.name}.{inner.name}")
        if defined is not None and defined.parameters:
            roots.append((defined, function.name))
    for root, owner in roots:
        for node, within, what in _reads(file, root, root.parameters[0], by_name, 0):
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield file.finding(
                CODE,
                node,
                f"{owner} reads {what} before the view: the whole upload is in memory, and a view"
                " that reads it as a stream fails.",
                "Read it after the view, look at Content-Length only, or have it copied as the view"
                " reads it (holdfast's request log does).",
                symbol=within,
                attribute=what,
            )


def _reads(
    file: File, function: Defined, request: str, by_name: dict[str, Defined], depth: int
) -> Iterator[tuple[ast.AST, str, str]]:
    view_at = _view_call(function.node)
    for part, guarded in _guarded(function.node):
        if guarded or getattr(part, "lineno", 0) > view_at:
            continue
        if (
            isinstance(part, ast.Attribute)
            and isinstance(part.value, ast.Name)
            and part.value.id == request
            and isinstance(part.ctx, ast.Load)
        ):
            if part.attr in _READS:
                yield part, function.name, f"request.{part.attr}"
        elif isinstance(part, ast.Call):
            if (
                isinstance(part.func, ast.Attribute)
                and isinstance(part.func.value, ast.Name)
                and part.func.value.id == request
                and part.func.attr in _CALLS
            ):
                yield part, function.name, f"request.{part.func.attr}()"
            elif depth < _DEEPEST:
                callee, parameter = _callee(file, function, part, request, by_name)
                if callee is not None and callee.node is not function.node:
                    yield from _reads(file, callee, parameter, by_name, depth + 1)


def _callee(
    file: File, function: Defined, call: ast.Call, request: str, by_name: dict[str, Defined]
) -> tuple[Defined | None, str]:
    """The function of this file that is called with the request, and what it calls it."""
    place = next(
        (
            number
            for number, argument in enumerate(call.args)
            if isinstance(argument, ast.Name) and argument.id == request
        ),
        None,
    )
    if place is None:
        return None, ""
    found: Defined | None = None
    if isinstance(call.func, ast.Name):
        found = by_name.get(call.func.id)
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        if call.func.value.id == function.self_name and function.class_name:
            method = file.project.method(function.class_name, call.func.attr)
            if method is not None and method.module is file.index:
                found = by_name.get(method.index.name)
    if found is None or place >= len(found.parameters):
        return None, ""
    return found, found.parameters[place]


def _view_call(node: FunctionNode) -> float:
    """The line at which the view runs; infinity, if it isn't called here.

    An early `return get_response(request)` is another path: what comes after it runs before the
    view all the same.
    """
    early = {
        id(part.value)
        for outer in walk(node)
        if isinstance(outer, ast.If)
        for part in everything(outer)
        if isinstance(part, ast.Return)
    }
    calls = [
        part
        for part in walk(node)
        if isinstance(part, ast.Call)
        and (
            part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        )
        == "get_response"
    ]
    last = [part.lineno for part in calls if id(part) not in early]
    return min(last, default=max((part.lineno for part in calls), default=float("inf")))


def _guarded(node: ast.AST, *, guarded: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """All parts, and whether they run for certain addresses only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda):
            continue
        inside = guarded
        if isinstance(child, ast.If) and _leaves_others_alone(child):
            guarded = True  # what follows is for these addresses only
        elif isinstance(child, ast.If):
            inside = guarded or any(
                isinstance(part, ast.Attribute) and part.attr in _ONE_PLACE
                for part in everything(child.test)
            )
        yield child, guarded
        yield from _guarded(child, guarded=inside)


def _leaves_others_alone(statement: ast.If) -> bool:
    """`if request.path not in PATHS: return …`."""
    return (
        isinstance(statement.body[-1], ast.Return)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.ops[0], ast.NotIn | ast.NotEq)
        and any(
            isinstance(part, ast.Attribute) and part.attr in _ONE_PLACE
            for part in everything(statement.test.left)
        )
    )
