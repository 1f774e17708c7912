"""Whose a name in a function is: its own, an outer function's, or the module's."""

from __future__ import annotations

import ast
from collections.abc import Iterable

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


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
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
                self.bound.add(part.id)
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.bound.add(part.name)
            elif isinstance(part, ast.arg):
                self.bound.add(part.arg)
            elif isinstance(part, ast.alias):
                self.bound.add((part.asname or part.name).partition(".")[0])
            elif isinstance(part, ast.ExceptHandler) and part.name:
                self.bound.add(part.name)
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
