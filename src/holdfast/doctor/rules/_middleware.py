"""What several rules ask of a middleware."""

from __future__ import annotations

import ast

from ..file import Defined, DefinedClass, File
from ..frameworks import Kind
from ..names import FunctionNode, everything

_MIXIN = "django.utils.deprecation.MiddlewareMixin"
_TESTS_FOR_ASYNC = frozenset(
    {
        "async_mode", "is_async", "isawaitable", "iscoroutine", "iscoroutinefunction",
        "markcoroutinefunction",
    }
)  # fmt: skip


def middlewares(file: File) -> list[DefinedClass]:
    """The middleware classes in the file."""
    return [c for c in file.classes if file.lifetimes.kind(c.full_name) is Kind.MIDDLEWARE]


def async_capable(file: File, class_: DefinedClass) -> bool | None:
    """What Django will read: True, False, or None where a base is not known."""
    found = file.project.attribute(class_.full_name, "async_capable")
    ancestors = file.project.ancestors(class_.full_name)
    mixin = _MIXIN in ancestors
    if found is not None:
        owner, value = found
        if not mixin or ancestors.index(owner) < ancestors.index(_MIXIN):
            return value != "constant:False"
    if mixin:
        return True
    if any(
        name not in {"object", "builtins.object"} and file.project.class_(name) is None
        for name in ancestors[1:]
    ):
        return None
    return False


def own(class_: DefinedClass, name: str) -> FunctionNode | None:
    """The method that the class itself defines."""
    for statement in class_.node.body:
        if isinstance(statement, FunctionNode) and statement.name == name:
            return statement
    return None


def looks_at_async(node: ast.AST) -> bool:
    """Whether code asks if it runs for async, or hands over to a coroutine."""
    for part in everything(node):
        name = part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")
        if (
            name in _TESTS_FOR_ASYNC
            or name in {"__acall__", "acall"}
            or "is_coroutine" in str(name)
        ):
            return True
    return False


def leaves_it_to_super(call: ast.FunctionDef) -> bool:
    """Whether `super().__call__` answers, and nothing is done to what it or the view gives."""
    asked = [
        part
        for part in everything(call)
        if isinstance(part, ast.Call)
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in {"__call__", "get_response"}
    ]
    supers = [one for one in asked if ast.unparse(one.func).startswith("super(")]
    returned = {id(part.value) for part in everything(call) if isinstance(part, ast.Return)}
    return bool(supers) and all(id(one) in returned for one in asked)


def factories(file: File) -> list[tuple[Defined, FunctionNode]]:
    """Middleware that is a function of `get_response`, with the function that it returns."""
    found = []
    for function in file.functions:
        if function.class_name or function.parameters[:1] not in (["get_response"], ["get_resp"]):
            continue
        inner = {s.name: s for s in everything(function.node) if isinstance(s, FunctionNode)}
        returned = [
            part.value.id
            for part in everything(function.node)
            if isinstance(part, ast.Return) and isinstance(part.value, ast.Name)
        ]
        for name in returned:
            if name in inner and inner[name] is not function.node:
                found.append((function, inner[name]))
                break
    return found
