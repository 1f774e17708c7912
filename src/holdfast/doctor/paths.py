"""Ways through a function: what may be left behind at their ends."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .names import FunctionNode, walk

#: What a part of the code does to something: sets it, takes it back, or nothing.
Effect = Callable[[ast.AST], str]
SETS, SOMETIMES, TAKES_BACK, NOTHING = "sets", "sets for some", "takes back", ""


@dataclass(frozen=True, slots=True)
class State:
    """What may be true at one place: that the thing was left as it was found, or was set."""

    clean: bool = False
    set: bool = False

    def __or__(self, other: State) -> State:
        return State(self.clean or other.clean, self.set or other.set)

    @property
    def reached(self) -> bool:
        """Whether any way gets there."""
        return self.clean or self.set


NOWHERE = State()


@dataclass(frozen=True, slots=True)
class Ends:
    """How ways end: behind the last statement, by `return`, and by an exception of the view's."""

    falls: State
    returns: State = NOWHERE
    raises: State = NOWHERE

    @property
    def done(self) -> State:
        """All ends without an exception."""
        return self.falls | self.returns


def ends(
    body: Sequence[ast.stmt],
    effect: Effect,
    may_raise: Callable[[ast.AST], bool],
    start: State = State(clean=True),
) -> Ends:
    """How the ways through *body* may end.

    Args:
        body: the statements.
        effect: what a node does.
        may_raise: whether a node runs what can fail: the view.
        start: what is true before.
    """
    return _Ways(effect, may_raise).through(body, start)


class _Ways:
    def __init__(self, effect: Effect, may_raise: Callable[[ast.AST], bool]) -> None:
        self.effect = effect
        self.may_raise = may_raise

    def through(self, body: Sequence[ast.stmt], start: State) -> Ends:
        falls, returns, raises = start, NOWHERE, NOWHERE
        for statement in body:
            if not falls.reached:
                break
            one = self.statement(statement, falls)
            falls, returns, raises = one.falls, returns | one.returns, raises | one.raises
        return Ends(falls, returns, raises)

    def statement(self, statement: ast.stmt, start: State) -> Ends:
        if isinstance(statement, FunctionNode | ast.ClassDef):
            return Ends(start)
        if isinstance(statement, ast.If):
            return self.branches(statement, start)
        if isinstance(statement, ast.Try):
            return self.attempt(statement, start)
        if isinstance(statement, ast.With | ast.AsyncWith):
            entered = self.inside(statement.items, start)
            inner = self.through(statement.body, entered.falls)
            return Ends(inner.falls, inner.returns, entered.raises | inner.raises)
        if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
            inner = self.through(statement.body, start)
            return Ends(start | inner.falls, inner.returns, inner.raises)
        after = self.inside([statement], start)
        if isinstance(statement, ast.Return):
            return Ends(NOWHERE, after.falls, after.raises)
        if isinstance(statement, ast.Raise):
            return Ends(NOWHERE, NOWHERE, after.raises | after.falls)
        return after

    def inside(self, nodes: Sequence[ast.AST], start: State) -> Ends:
        state, raises = start, NOWHERE
        for node in nodes:
            for part in walk(node):
                if self.may_raise(part):
                    raises = raises | state
                effect = self.effect(part)
                if effect in {SETS, SOMETIMES}:
                    state = State(set=True)
                elif effect == TAKES_BACK:
                    state = State(clean=True)
        return Ends(state, NOWHERE, raises)

    def branches(self, statement: ast.If, start: State) -> Ends:
        tested = self.inside([statement.test], start)
        yes = self.through(statement.body, tested.falls)
        no = self.through(statement.orelse, tested.falls)
        falls = yes.falls | no.falls
        if not statement.orelse and yes.falls == State(clean=True) and self.takes_back(statement):
            falls = yes.falls  # `if it was set: take it back`
        return Ends(falls, yes.returns | no.returns, tested.raises | yes.raises | no.raises)

    def takes_back(self, statement: ast.If) -> bool:
        return any(self.effect(part) == TAKES_BACK for part in walk(statement))

    def attempt(self, statement: ast.Try, start: State) -> Ends:
        tried = self.through(statement.body, start)
        anywhere = start | tried.falls | tried.raises
        broad = any(_is_broad(handler.type) for handler in statement.handlers)
        falls, returns, raises = NOWHERE, tried.returns, NOWHERE if broad else tried.raises
        if tried.falls.reached:
            otherwise = self.through(statement.orelse, tried.falls)
            falls, returns = otherwise.falls, returns | otherwise.returns
            raises = raises | otherwise.raises
        for handler in statement.handlers:
            # An effect's own failure (`del local.x`: AttributeError) means there is nothing left.
            begin = tried.falls if _is_missing(handler.type) and tried.falls.reached else anywhere
            handled = self.through(handler.body, begin)
            falls, returns = falls | handled.falls, returns | handled.returns
            raises = raises | handled.raises
        if not statement.finalbody:
            return Ends(falls, returns, raises)
        return Ends(
            self.finally_(statement, falls),
            self.finally_(statement, returns),
            self.finally_(statement, raises),
        )

    def finally_(self, statement: ast.Try, state: State) -> State:
        return self.through(statement.finalbody, state).falls if state.reached else state


def _is_broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    return "Exception" in {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} or (
        "BaseException" in ast.unparse(node)
    )


def _is_missing(node: ast.expr | None) -> bool:
    return node is not None and ast.unparse(node) in {"AttributeError", "KeyError", "LookupError"}
