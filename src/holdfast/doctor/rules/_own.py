"""What methods read and write on their own object and its class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..file import Defined, DefinedClass
from ..names import FunctionNode, dotted, walk

_MUTATORS = frozenset(
    {"append", "add", "update", "extend", "insert", "setdefault", "pop", "clear", "remove"}
)
_WITH_VALUE = 3


@dataclass(frozen=True, slots=True)
class Write:
    """One place that writes onto the object or its class.

    Attributes:
        node: the statement or the call.
        place: as it is written, such as `self.user`.
        value: what is written; of a method's call, its last argument.
    """

    node: ast.AST
    place: str
    value: ast.expr | None

    @property
    def attribute(self) -> str:
        """The attribute's name alone."""
        return self.place.rpartition(".")[2]

    @property
    def plain(self) -> bool:
        """Whether the attribute itself is assigned, and not something kept under a key in it."""
        return isinstance(self.node, ast.Assign | ast.AnnAssign) and not any(
            isinstance(target, ast.Subscript)
            for target in (
                self.node.targets if isinstance(self.node, ast.Assign) else [self.node.target]
            )
        )


class Own:
    """How a method spells its object and its class, and what it does to them."""

    def __init__(self, class_: DefinedClass, method: Defined) -> None:
        self.names = {class_.node.name, "self.__class__", "type(self)"}
        if method.self_name:
            self.names |= {method.self_name, f"{method.self_name}.__class__"}

    def is_own(self, node: ast.AST) -> bool:
        """Whether the expression is the object, or its class."""
        return _spelled(node) in self.names

    def read(self, node: ast.AST) -> str:
        """The attribute that a node names, or asks for; empty, if it does no such thing."""
        if isinstance(node, ast.Attribute):
            return node.attr if self.is_own(node.value) else ""
        if isinstance(node, ast.Call) and dotted(node.func) in {"getattr", "hasattr"}:
            if len(node.args) > 1 and self.is_own(node.args[0]):
                return _text(node.args[1])
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            held = node.comparators[0]
            if isinstance(held, ast.Attribute) and held.attr == "__dict__":
                return _text(node.left) if self.is_own(held.value) else ""
            if isinstance(held, ast.Call) and dotted(held.func) == "vars" and held.args:
                return _text(node.left) if self.is_own(held.args[0]) else ""
        return ""

    def written(self, node: ast.AST) -> str:
        """The attribute that a node writes, or something in it; empty, if it writes none."""
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            while isinstance(node, ast.Subscript):
                node = node.value
            return self.read(node) if isinstance(node, ast.Attribute) else ""
        return next((write.attribute for write in self._call(node)), "")

    def writes(self, node: FunctionNode) -> Iterator[Write]:
        """All places in the function that write onto the object or its class."""
        for part in walk(node):
            if isinstance(part, ast.Assign | ast.AnnAssign | ast.AugAssign):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                flat = [
                    one
                    for target in targets
                    for one in (
                        target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
                    )
                ]
                for target in flat:
                    place = target
                    while isinstance(place, ast.Subscript):
                        place = place.value
                    if isinstance(place, ast.Attribute) and self.is_own(place.value):
                        yield Write(part, f"{_spelled(place.value)}.{place.attr}", part.value)
            else:
                yield from self._call(part)

    def _call(self, part: ast.AST) -> Iterator[Write]:
        """`setattr(self, ...)`, `self.x.append(...)`."""
        if not isinstance(part, ast.Call):
            return
        if (
            isinstance(part.func, ast.Name)
            and part.func.id == "setattr"
            and len(part.args) == _WITH_VALUE
            and self.is_own(part.args[0])
        ):
            name = part.args[1]
            what = str(name.value) if isinstance(name, ast.Constant) else ast.unparse(name)
            yield Write(part, f"{_spelled(part.args[0])}.{what}", part.args[2])
        elif (
            isinstance(part.func, ast.Attribute)
            and part.func.attr in _MUTATORS
            and isinstance(part.func.value, ast.Attribute)
            and self.is_own(part.func.value.value)
            and part.args
        ):
            held = part.func.value
            yield Write(part, f"{_spelled(held.value)}.{held.attr}", part.args[-1])


def _spelled(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and dotted(node.func) == "type" and len(node.args) == 1:
        return "type(self)"
    return dotted(node)


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
