"""Which locks code holds at a line: by `with lock:`, and by what ends with `lock.release()`.

Looked up in the source only when something is about to be told, so nothing is paid for it before.
"""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType, MemberDescriptorType
from typing import Any

from .locals import values_of
from .places import DEPTH, Stack, innermost

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: What gives a lock is told by its name: a call isn't made again to look at what it gives.
_NAME_OF_LOCKS = re.compile(r"(?<![bc])lock|mutex|semaphore", re.IGNORECASE)
_NOTHING: Any = object()


@dataclass(frozen=True, eq=False, slots=True)
class Section:
    """Lines of a function that run under a lock.

    Attributes:
        function: by its first line and name.
        lock: the expression that gives it.
        name: what the lock is called there, without whose it is.
        first, last: lines.
    """

    function: tuple[str, int, str]
    lock: ast.expr
    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Locked:
    """What was written twice and read, all of it under one lock.

    Attributes:
        anew: whether the request had left the section that wrote, and reads as it runs the same
            lines anew, before it writes there again.
    """

    anew: bool


def locked(mine: Stack, theirs: Stack) -> Locked | None:
    """Whether the code that reads right now holds a lock that both writings held.

    Args:
        mine: where the request that reads had written.
        theirs: where the other one has.
    """
    wrote = {section.name: section for section in _held_at(mine)}
    others = {section.name for section in _held_at(theirs)}
    if not wrote.keys() & others:
        return None
    for section in _held_here():
        written = wrote.get(section.name)
        if written is not None and section.name in others:
            anew = section.function == written.function and section.first <= written.first
            return Locked(anew)
    return None


def _held_at(stack: Stack) -> Iterator[Section]:
    for code, line in stack:
        yield from _sections(code, line)


def _held_here() -> Iterator[Section]:
    """The sections that are run right now, those of what turns out to be a lock."""
    frame = innermost()
    for _ in range(DEPTH):
        if frame is None:
            return
        for section in _sections(frame.f_code, frame.f_lineno):
            if _is_lock(section, frame):
                yield section
        frame = frame.f_back


@lru_cache(maxsize=4096)
def _sections(code: CodeType, line: int) -> tuple[Section, ...]:
    """The innermost first."""
    function = code.co_filename, code.co_firstlineno, code.co_name
    found = [
        one
        for one in _sections_in(code.co_filename)
        if one.function == function and one.first <= line <= one.last
    ]
    return tuple(reversed(found))


@lru_cache(maxsize=256)
def _sections_in(filename: str) -> tuple[Section, ...]:
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    return tuple(
        section
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for section in _sections_of(node, filename)
    )


def _sections_of(
    function: ast.FunctionDef | ast.AsyncFunctionDef, filename: str
) -> Iterator[Section]:
    begins = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    key = filename, begins, function.name
    for node in _own(function.body):
        body: list[ast.stmt] = []
        locks: list[ast.expr] = []
        if isinstance(node, (ast.With, ast.AsyncWith)):
            body, locks = node.body, [item.context_expr for item in node.items]
        elif isinstance(node, ast.Try):
            body, locks = node.body, list(_released(node.finalbody))
        for lock in locks:
            name = _name(lock)
            if name:
                yield Section(key, lock, name, body[0].lineno, body[-1].end_lineno or 0)


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All that runs in the function itself, outer statements first."""
    for node in nodes:
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield from _own(ast.iter_child_nodes(node))


def _released(body: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    for statement in body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=lock, attr="release"))):
                yield lock


def _name(lock: ast.expr) -> str:
    match lock:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return _name(inner)
    return ""


def _is_lock(section: Section, frame: FrameType) -> bool:
    found = _value(section.lock, frame)
    if found is _NOTHING:
        return _NAME_OF_LOCKS.search(section.name) is not None
    # A condition has those of its lock, as attributes.
    names = {name for kind in type(found).__mro__ for name in vars(kind)} | values_of(found).keys()
    return {"acquire", "release"} <= names


def _value(expression: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute as it stands, is in this frame. None of the user's code runs."""
    if isinstance(expression, ast.Name):
        for names in (frame.f_locals, frame.f_globals):
            if expression.id in names:
                return names[expression.id]
    elif isinstance(expression, ast.Attribute):
        owner = _value(expression.value, frame)
        if owner is _NOTHING:
            return _NOTHING
        values = values_of(owner)
        if expression.attr in values:
            return values[expression.attr]
        for kind in type(owner).__mro__:
            found = vars(kind).get(expression.attr, _NOTHING)
            if type(found) is MemberDescriptorType:
                return found.__get__(owner)
            if found is not _NOTHING and not isinstance(found, property):
                return found
    return _NOTHING
