"""Small pieces of syntax trees, of which rewritten code is made."""

from __future__ import annotations

import ast
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

#: How all names begin that rewriting adds.
OURS = "__holdfast_"
#: Under this name a rewritten module has what it calls: see `hooks`.
HOOKS = "__holdfast__"


def name(named: str) -> ast.Name:
    """The variable's value."""
    return ast.Name(named, ast.Load())


def hook(attribute: str) -> ast.Attribute:
    """What the module's hooks have by that name."""
    return ast.Attribute(name(HOOKS), attribute, ast.Load())


def call(attribute: str, *arguments: ast.expr) -> ast.Call:
    """A call of a hook."""
    return ast.Call(hook(attribute), list(arguments), [])


def assign(named: str, value: ast.expr) -> ast.Assign:
    """The value gets a name."""
    return ast.Assign(targets=[ast.Name(named, ast.Store())], value=value)


def forget(place: ast.AST, *names: str) -> ast.stmt:
    """Nothing lives longer for having had a name for a moment."""
    return at(ast.Delete([ast.Name(one, ast.Del()) for one in names]), place)


def statement(value: ast.expr, place: ast.AST) -> ast.stmt:
    """The expression, for itself."""
    return at(ast.Expr(at(value, place)), place)


def at(node: Node, place: ast.AST) -> Node:
    """The node, where *place* stands in the source."""
    return ast.copy_location(node, place)
