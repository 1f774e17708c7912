"""Ways through a function: whether something happens on all of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .names import FunctionNode, walk


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is known at the end of some statements.

    Attributes:
        done: whether it has happened on every way that gets there.
        falls: whether any way gets there.
        escaped: whether a way has left the function without it.
    """

    done: bool
    falls: bool
    escaped: bool


def on_every_path(body: Sequence[ast.stmt], does: Callable[[ast.AST], bool]) -> bool:
    """Whether each way through *body* that ends without an exception has *does* on it."""
    ways = _through(body, does)
    return not ways.escaped and (ways.done or not ways.falls)


def _through(body: Sequence[ast.stmt], does: Callable[[ast.AST], bool]) -> _Ways:
    escaped = False
    for statement in body:
        ways = _statement(statement, does)
        escaped = escaped or ways.escaped
        if ways.done or not ways.falls:
            return _Ways(ways.done, ways.falls, escaped)
    return _Ways(done=False, falls=True, escaped=escaped)


def _statement(statement: ast.stmt, does: Callable[[ast.AST], bool]) -> _Ways:
    if isinstance(statement, FunctionNode | ast.ClassDef):
        return _Ways(done=False, falls=True, escaped=False)
    if isinstance(statement, ast.If):
        return _branches(statement, does)
    if isinstance(statement, ast.Try):
        return _attempt(statement, does)
    if isinstance(statement, ast.With | ast.AsyncWith):
        return _through(statement.body, does)
    if isinstance(statement, ast.For | ast.AsyncFor | ast.While):
        inner = _through(statement.body, does)
        return _Ways(done=False, falls=True, escaped=inner.escaped)
    done = any(does(part) for part in walk(statement))
    if isinstance(statement, ast.Return):
        return _Ways(done, falls=False, escaped=not done)
    if isinstance(statement, ast.Raise):
        return _Ways(done, falls=False, escaped=False)
    return _Ways(done, falls=True, escaped=False)


def _branches(statement: ast.If, does: Callable[[ast.AST], bool]) -> _Ways:
    if any(does(part) for part in walk(statement.test)):
        return _Ways(done=True, falls=True, escaped=False)
    yes = _through(statement.body, does)
    no = _through(statement.orelse, does)
    return _Ways(
        done=(yes.done or not yes.falls) and (no.done or not no.falls) and (yes.done or no.done),
        falls=yes.falls or no.falls,
        escaped=yes.escaped or no.escaped,
    )


def _attempt(statement: ast.Try, does: Callable[[ast.AST], bool]) -> _Ways:
    final = _through(statement.finalbody, does)
    if final.done:
        return final
    tried = _through([*statement.body, *statement.orelse], does)
    handled = [_through(handler.body, does) for handler in statement.handlers]
    return _Ways(
        done=tried.done and all(one.done or not one.falls for one in handled),
        falls=tried.falls or any(one.falls for one in handled),
        escaped=tried.escaped or any(one.escaped for one in handled),
    )
