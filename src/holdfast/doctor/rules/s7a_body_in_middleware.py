"""S7a: the body read before the view asks for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..before_view import aliases, before_view
from ..file import Defined, File
from ..findings import Finding

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


def check(file: File) -> Iterator[Finding]:
    """Reads in the part of a middleware that runs before the view, also through its helpers."""
    early = file.lifetimes.given_early
    for function in file.functions:
        for request, owner in early.get(f"{file.index.name}.{function.name}", {}).items():
            for node, what in _reads(function, request):
                yield file.finding(
                    CODE,
                    node,
                    f"{owner} reads {what} before the view: the whole upload is in memory, and a"
                    " view that reads it as a stream fails.",
                    "Read it after the view, look at Content-Length only, or have it copied as the"
                    " view reads it (holdfast's request log does).",
                    symbol=function.name,
                    attribute=what,
                )


def _reads(function: Defined, request: str) -> Iterator[tuple[ast.AST, str]]:
    names = aliases(function.node, request)
    for part, guarded in before_view(function.node):
        if guarded:
            continue
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load):
            if _is_request(part.value, names) and part.attr in _READS:
                yield part, f"request.{part.attr}"
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            if part.func.attr in _CALLS and _is_request(part.func.value, names):
                yield part, f"request.{part.func.attr}()"
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            if part.func.id == "getattr" and part.args and _is_request(part.args[0], names):
                said = part.args[1] if len(part.args) > 1 else None
                if isinstance(said, ast.Constant) and said.value in _READS:
                    yield part, f"request.{said.value}"


def _is_request(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names
