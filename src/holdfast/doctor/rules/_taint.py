"""What of a function's values comes from the request."""

from __future__ import annotations

import ast

from ..file import Defined, File
from ..frameworks import Kind
from ..index import REQUEST_DATA
from ..names import dotted, everything, walk

#: What objects that are made for a request, or for a connection, are given of it.
_GIVEN_TO = {
    Kind.VIEW: ("request",),
    Kind.REQUEST: ("request", "user", "context[request]"),
    Kind.CONSUMER: ("scope",),
}


def of_request(file: File, function: Defined) -> set[str]:
    """What the function has of its request, and what it makes of that.

    It may have it as a parameter, by its name, from its own object, such as `self.request`, or
    from open parameters: `kwargs.pop("user")`, here `kwargs[user]`.
    """
    given: set[str] = set()
    if function.class_name and function.self_name:
        kind = file.lifetimes.kind(function.class_name)
        given.update(f"{function.self_name}.{name}" for name in _GIVEN_TO.get(kind, ()))
    if function.node.args.kwarg is not None:
        given.update(f"{function.node.args.kwarg.arg}[{name}]" for name in REQUEST_DATA)
    if given:
        given.intersection_update(map(_spelled, walk(function.node)))
    given |= REQUEST_DATA.intersection(function.parameters)
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
    parts = everything(node)
    if any(isinstance(part, ast.Name) and part.id in names for part in parts):
        return True
    return any("." in name or "[" in name for name in names) and any(
        _spelled(part) in names for part in parts
    )


def _spelled(node: ast.AST) -> str:
    """`self.request` as it is; `kwargs["user"]`, and `kwargs.pop("user")`, as `kwargs[user]`."""
    if isinstance(node, ast.Attribute):
        return dotted(node)
    if isinstance(node, ast.Subscript):
        return _under(node.value, node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr in {"get", "pop"}:
            return _under(node.func.value, node.args[0])
    return ""


def _under(holder: ast.expr, key: ast.expr) -> str:
    known = isinstance(key, ast.Constant) and isinstance(key.value, str)
    return f"{dotted(holder)}[{ast.literal_eval(key)}]" if known else ""
