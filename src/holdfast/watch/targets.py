"""What rewritten code stores, binds and deletes, and under which names others see it."""

from __future__ import annotations

import ast
from typing import Any

from .syntax import assign, at, call, forget, hook, name, statement
from .variables import Function, captured_name

CELLS_OF = "__holdfast_cells_%d__"


class Targets(ast.NodeTransformer):
    """Rewrites targets. What follows a statement is added to it as statements of their own.

    Args:
        changing: names of the module that some function binds anew.
    """

    def __init__(self, changing: frozenset[str]) -> None:
        self._changing = changing
        self._function: Function | None = None
        self._classes: list[str] = []
        self._count = 0

    # One value, and where it goes

    def _stored(self, target: Any, value: ast.expr, place: ast.AST) -> list[ast.stmt]:
        """Statements that store *value*: from left to right, as Python does."""
        if isinstance(target, ast.Attribute | ast.Subscript):
            return [statement(self._store(target, value), place)]
        if not holds_places(target):
            bound = at(ast.Assign(targets=[target], value=value), place)
            return [bound, *self._bound_in(target, place)]
        # An object and a key are evaluated when all that stands before them is stored.
        parts = [self._temporary() for _ in target.elts]
        elements: list[ast.expr] = [
            ast.Starred(_stored_name(part), ast.Store())
            if isinstance(element, ast.Starred)
            else _stored_name(part)
            for element, part in zip(target.elts, parts, strict=True)
        ]
        unpacked = ast.Tuple(elements, ast.Store())
        found: list[ast.stmt] = [at(ast.Assign(targets=[unpacked], value=value), place)]
        for element, part in zip(target.elts, parts, strict=True):
            inner = element.value if isinstance(element, ast.Starred) else element
            found += [*self._stored(inner, name(part), place), forget(place, part)]
        return found

    def _target(self, node: Any, place: ast.AST) -> tuple[Any, list[ast.stmt]]:
        """The target of a loop or a `with` as it is to stand there, and what has to follow."""
        if not holds_places(node):
            return node, self._bound_in(node, place)
        value = self._temporary()
        after = [*self._stored(node, name(value), place), forget(place, value)]
        return at(_stored_name(value), node), after

    def _bound_in(self, target: ast.AST, place: ast.AST) -> list[ast.stmt]:
        """Names that others see, among those that a target or a pattern binds."""
        return [statement(one, place) for one in self._bindings(target)]

    def _bindings(self, target: ast.AST) -> list[ast.expr]:
        calls = [self._binding(one, name(one)) for one in bound_names(target)]
        return [one for one in calls if one is not None]

    def _binding(self, named: str, value: ast.expr) -> ast.expr | None:
        holder = self._holder(named)
        return None if holder is None else call("bound", holder, ast.Constant(named), value)

    def _store(self, target: Any, value: ast.expr) -> ast.expr:
        owner = self.visit(target.value)
        if isinstance(target, ast.Attribute):
            return call("set", value, owner, ast.Constant(self._mangled(target.attr)))
        return call("set_item", value, owner, self._key(target.slice))

    # Targets whose old value counts

    def _counted(self, target: Any, place: ast.stmt, value: ast.expr) -> list[ast.stmt]:
        """`self.n = self.n + 1`, as if it were `self.n += 1`."""
        named = self._temporary()
        first = at(assign(named, value), place)
        before, held, after = self._held(target, place, "added", "added_item")
        held.ctx = ast.Store()
        stored = at(ast.Assign(targets=[held], value=name(named)), place)
        return [first, *before, stored, *after, forget(place, named)]

    def _held(
        self, target: Any, place: ast.AST, attribute: str, item: str
    ) -> tuple[list[ast.stmt], Any, list[ast.stmt]]:
        """The target with its object (and key) evaluated before, and what is to follow."""
        names = [holder := self._temporary()]
        before: list[ast.stmt] = [at(assign(holder, self.visit(target.value)), place)]
        target.value = name(holder)
        if isinstance(target, ast.Attribute):
            note = call(attribute, name(holder), ast.Constant(self._mangled(target.attr)))
        else:
            names.append(key := self._temporary())
            before.append(at(assign(key, self._key(target.slice)), place))
            target.slice = name(key)
            note = call(item, name(holder), name(key))
        return before, target, [statement(note, place), forget(place, *names)]

    # Names

    def _holder(self, named: str) -> ast.expr | None:
        """What holds a variable that other requests see: the module, or a function's cells."""
        function = self._function
        if function is None:
            return None
        owner = function.owner(named)
        if owner is None:
            return hook("module") if named in self._changing else None
        if owner is not function and named in owner.shared:
            return name(CELLS_OF % owner.number)
        return None

    def _key(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Slice):
            ends = [
                self.visit(end) if end is not None else ast.Constant(None)
                for end in (node.lower, node.upper, node.step)
            ]
            return at(call("slice", *ends), node)
        if isinstance(node, ast.Tuple) and any(isinstance(e, ast.Slice) for e in node.elts):
            elements = [self._key(element) for element in node.elts]
            return at(ast.Tuple(elements, ast.Load()), node)
        found: ast.expr = self.visit(node)
        return found

    def _mangled(self, named: str) -> str:
        """A private name as the compiler would have it in this class."""
        if named.startswith("__") and not named.endswith("__") and self._classes:
            owner = self._classes[-1].lstrip("_")
            if owner:
                return f"_{owner}{named}"
        return named

    def _temporary(self) -> str:
        self._count += 1
        return f"__holdfast_{self._count}__"


def _stored_name(named: str) -> ast.Name:
    return ast.Name(named, ast.Store())


def holds_places(target: ast.expr) -> bool:
    """Whether it is, or has in it, an attribute or an item."""
    if isinstance(target, ast.Tuple | ast.List):
        return any(holds_places(element) for element in target.elts)
    if isinstance(target, ast.Starred):
        return holds_places(target.value)
    return isinstance(target, ast.Attribute | ast.Subscript)


def bound_names(target: ast.AST) -> list[str]:
    """Names that a target without places, or a pattern, binds, in their order."""
    found = []
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.append(part.id)
        elif captured := captured_name(part):
            found.append(captured)
    return found
