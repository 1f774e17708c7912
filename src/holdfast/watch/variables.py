"""Whose a name in a function is: its own, an outer function's, or the module's."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: From Python 3.12 on: `def first[T](...)`.
_TYPE_PARAMETERS = frozenset({"TypeVar", "TypeVarTuple", "ParamSpec"})


def globals_that_change(tree: ast.Module) -> frozenset[str]:
    """Names of the module that some function binds anew."""
    return frozenset(
        name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names
    )


class Function:
    """What a function's names are, for those inside it."""

    def __init__(self, node: ast.AST, outer: Function | None, number: int) -> None:
        self.outer = outer
        self.number = number
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.bound: set[str] = set()
        #: Own variables that a function inside binds anew.
        self.shared: set[str] = set()
        for part in _own_parts(node):
            if isinstance(part, ast.Global):
                self.globals.update(part.names)
            elif isinstance(part, ast.Nonlocal):
                self.nonlocals.update(part.names)
            else:
                self.bound.update(_bound_by(part))
        self.bound -= self.globals | self.nonlocals

    def owner(self, name: str) -> Function | None:
        """The function whose variable this is, if it's one of a function's."""
        function: Function | None = self
        while function is not None:
            if name in function.globals:
                return None
            if name in function.bound:
                return function
            function = function.outer
        return None


def _bound_by(part: Any) -> Iterable[str]:
    """Names that this one node binds."""
    if isinstance(part, ast.Name):
        if isinstance(part.ctx, ast.Store | ast.Del):
            yield part.id
    elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield part.name
    elif isinstance(part, ast.arg):
        yield part.arg
    elif isinstance(part, ast.alias):
        yield (part.asname or part.name).partition(".")[0]
    elif isinstance(part, ast.ExceptHandler) or type(part).__name__ in _TYPE_PARAMETERS:
        if part.name:
            yield part.name
    elif captured := captured_name(part):
        yield captured


def captured_name(pattern: ast.AST) -> str | None:
    """The name that this part of a `case` binds, if it is one that does."""
    if isinstance(pattern, ast.MatchAs | ast.MatchStar):
        return pattern.name
    return pattern.rest if isinstance(pattern, ast.MatchMapping) else None


def _own_parts(node: ast.AST) -> Iterable[ast.AST]:
    """All nodes of a function, without those of functions and classes inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(node))
    while waiting:
        part = waiting.pop()
        yield part
        if not isinstance(part, (*_FUNCTIONS, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(part))


def bound_inside(node: ast.AST) -> set[str]:
    """Names that functions within *node* declare nonlocal."""
    return {
        name for part in ast.walk(node) if isinstance(part, ast.Nonlocal) for name in part.names
    }
