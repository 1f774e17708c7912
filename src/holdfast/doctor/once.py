"""Whether a write only fills in what isn't there yet: a memo, or what is made once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .names import FunctionNode, everything, walk

#: The name of what a node reads of the place in question; empty, if it reads nothing of it.
Reads = Callable[[ast.AST], str]

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_MISSING = ("KeyError", "AttributeError", "LookupError", "IndexError", "NameError")


@dataclass(frozen=True, slots=True)
class Guard:
    """What is looked at before a write runs, and all that runs or doesn't with it.

    Attributes:
        looks: the test, or the statements of a `try`.
        block: what runs.
        around: whether the test stands around the block, and doesn't leave before it.
    """

    looks: Sequence[ast.AST]
    block: Sequence[ast.stmt]
    around: bool = False


def guards(body: Sequence[ast.stmt], write: ast.AST) -> Iterator[Guard]:
    """The tests that decide whether *write* runs: around it, and those that leave before it."""
    for number, statement in enumerate(body):
        if not _within(statement, write):
            continue
        for earlier in body[:number]:
            if isinstance(earlier, ast.If) and isinstance(earlier.body[-1], _LEAVES):
                yield Guard([earlier.test], body[number:])
            elif isinstance(earlier, ast.Try) and any(map(_of_missing, earlier.handlers)):
                if any(isinstance(part, ast.Return) for one in earlier.body for part in walk(one)):
                    yield Guard(earlier.body, body[number:])
        for block in _blocks(statement):
            if not any(_within(inner, write) for inner in block):
                continue
            if isinstance(statement, ast.If):
                yield Guard([statement.test], block, around=True)
            elif isinstance(statement, ast.Try) and any(
                handler.body is block and _of_missing(handler) for handler in statement.handlers
            ):
                yield Guard(statement.body, block)
            yield from guards(block, write)
        return


def _within(statement: ast.AST, write: ast.AST) -> bool:
    return any(part is write for part in walk(statement))


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    """The statements within a statement, block by block."""
    found = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
    found += [handler.body for handler in getattr(statement, "handlers", ())]
    found += [case.body for case in getattr(statement, "cases", ())]
    return found


def _of_missing(handler: ast.ExceptHandler) -> bool:
    said = "" if handler.type is None else ast.unparse(handler.type)
    return any(name in said for name in _MISSING)


def is_looked_for(
    function: FunctionNode, write: ast.AST, name: str, reads: Reads, writes: Reads
) -> bool:
    """Whether *write* waits for what is called *name*, or what comes with it, to be missing or old.

    A test of something that nobody writes there, such as an option, is no such look: it is the
    same for all requests.

    Args:
        function: the function around it.
        write: the statement or the call.
        name: of the attribute that is written, as *reads* has it.
        reads: what a node reads of the object.
        writes: what a statement or a call writes there.
    """
    variables: dict[str, str] = {}
    for part in walk(function):
        if isinstance(part, ast.Assign | ast.NamedExpr):
            read = next(filter(None, map(reads, everything(part.value))), "")
            for target in part.targets if isinstance(part, ast.Assign) else [part.target]:
                if read and isinstance(target, ast.Name):
                    variables.setdefault(target.id, read)
    value = getattr(write, "value", None)
    if isinstance(value, ast.BoolOp | ast.IfExp):
        first = value.values[0] if isinstance(value, ast.BoolOp) else value.test
        if any(reads(part) == name for part in everything(first)):
            return True  # `self.x = self.x or make()`
    for guard in guards(function.body, write):
        looked = {
            variables.get(part.id, "") if isinstance(part, ast.Name) else reads(part)
            for look in guard.looks
            for part in everything(look)
        }
        written = {writes(part) for one in guard.block for part in walk(one)} | {name}
        if (looked & written) - {""}:
            return True
    return False
