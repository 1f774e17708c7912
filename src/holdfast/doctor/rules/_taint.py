"""What of a function's values comes from the request."""

from __future__ import annotations

import ast

from ..file import Defined
from ..index import REQUEST_DATA
from ..names import everything, walk


def of_request(function: Defined) -> set[str]:
    """Its parameters that are called as data of a request is, and what it makes of them."""
    given = set(REQUEST_DATA).intersection(function.parameters)
    return request_data(function, given) if given else set()


def request_data(method: Defined, given: set[str]) -> set[str]:
    """The function's variables that were made from what it was *given*."""
    tainted = set(given)
    for _ in range(3):
        for part in walk(method.node):
            targets: list[ast.expr] = []
            value: ast.expr | None = None
            if isinstance(part, ast.Assign):
                targets, value = part.targets, part.value
            elif isinstance(part, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
                targets, value = [part.target], part.value
            elif isinstance(part, ast.For | ast.AsyncFor | ast.comprehension):
                targets, value = [part.target], part.iter
            elif isinstance(part, ast.withitem) and part.optional_vars is not None:
                targets, value = [part.optional_vars], part.context_expr
            if value is None or not mentions(value, tainted):
                continue
            for target in targets:
                tainted |= {
                    name.id
                    for name in everything(target)
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                }
    return tainted


def mentions(node: ast.AST, names: set[str]) -> bool:
    """Whether one of the names is used in *node*."""
    return any(isinstance(part, ast.Name) and part.id in names for part in everything(node))
