"""Whether a function changes a container as a memo, or as a figure of its process."""

from __future__ import annotations

import ast

from ..effects import is_empty
from ..file import Defined
from ..names import everything, walk
from ._taint import mentions

_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SEVERAL = (ast.List, ast.Set, ast.Tuple, ast.ListComp, ast.SetComp)


def is_memo(
    function: Defined, place: ast.expr, key: ast.expr | None, change: ast.AST, tainted: set[str]
) -> bool:
    """Whether the function looks the key up first and returns what it finds: its own cache.

    A figure that the process keeps about itself counts as one, too; not one that is kept of each
    client and compared with a limit, since each worker has its own.
    """
    if _limits(function, place, key, change, tainted):
        return False
    if isinstance(change, ast.AugAssign):
        return not isinstance(change.value, _SEVERAL)
    return _fills_and_uses(function, change, tainted) or _looks_up(function, place, key, change)


def _fills_and_uses(function: Defined, change: ast.AST, tainted: set[str]) -> bool:
    """`lock = locks.setdefault(name, Lock())`."""
    return (
        isinstance(change, ast.Call)
        and isinstance(change.func, ast.Attribute)
        and change.func.attr == "setdefault"
        and not any(is_empty(given) or mentions(given, tainted) for given in change.args[1:])
        and not any(
            isinstance(part, ast.Expr) and part.value is change for part in walk(function.node)
        )
    )


def _looks_up(function: Defined, place: ast.expr, key: ast.expr | None, change: ast.AST) -> bool:
    """Whether the function asks for what is there, and gives that back."""
    written = ast.unparse(place)
    one = "" if key is None else ast.unparse(key)
    for part in walk(function.node):
        if (
            key is not None
            and isinstance(part, ast.Call)
            and isinstance(part.func, ast.Attribute)
            and part.func.attr == "get"
            and part.args
            and ast.unparse(part.func.value) == written
            and ast.unparse(part.args[0]) == one
        ):
            return True
        if isinstance(part, ast.Compare) and any(
            isinstance(op, ast.In | ast.NotIn) for op in part.ops
        ):
            if ast.unparse(part.comparators[-1]) == written:
                return True
        if isinstance(part, ast.Return) and part.value is not None and key is not None:
            given = ast.unparse(part.value)
            if f"{written}[{one}]" in given or given == written or part.value is change:
                return True
        if isinstance(part, ast.Try) and any(
            "KeyError" in ast.unparse(handler.type) for handler in part.handlers if handler.type
        ):
            if written in ast.unparse(part.body[0]):
                return True
        if key is None and isinstance(part, ast.If) and written in ast.unparse(part.test):
            return True
    return False


def _limits(
    function: Defined, place: ast.expr, key: ast.expr | None, change: ast.AST, tainted: set[str]
) -> bool:
    """Whether what grows under a key of the request is compared with a limit: a throttle."""
    holder = place
    if isinstance(place, ast.Subscript):
        holder, key = place.value, place.slice
        grows = isinstance(change, ast.Call)  # `hits[address].append(now)`
    else:
        grows = isinstance(change, ast.AugAssign)
    if key is None or not mentions(key, tainted):
        return False
    written = ast.unparse(holder)
    figures: set[str] = set()

    def is_figure(node: ast.AST) -> bool:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return node.func.attr == "get" and ast.unparse(node.func.value) == written
        if isinstance(node, ast.Subscript):
            return ast.unparse(node.value) == written
        return isinstance(node, ast.Name) and node.id in figures

    for _ in range(2):
        for part in walk(function.node):
            if isinstance(part, ast.Assign) and any(map(is_figure, everything(part.value))):
                figures |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    if isinstance(change, ast.Assign):
        grows = any(map(is_figure, everything(change.value)))
    return grows and any(
        isinstance(part, ast.Compare)
        and isinstance(part.ops[0], _ORDERS)
        and any(is_figure(_counted(side)) for side in (part.left, *part.comparators))
        for part in walk(function.node)
    )


def _counted(node: ast.expr) -> ast.expr:
    """What `len(...)` counts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return node.args[0] if node.args else node
    return node
