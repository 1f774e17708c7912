"""Statements as subjects: `holdfast.request.user` is measured as a user writes it.

A statement is written out many times into one loop, so that the loop itself hardly counts; what it
does count is measured by a loop around nothing, and taken off.
"""

from __future__ import annotations

import asyncio
import itertools
import textwrap
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any

from .rounds import Subject, cpu_seconds

_COPIES = 20

_SYNC = """
def sample(count):
    start = clock()
    for _ in repeat(None, count):
{statements}
    return clock() - start
"""

_ASYNC = "async " + _SYNC.lstrip()


def snippet(name: str, statement: str, names: dict[str, Any]) -> Subject:
    """A subject that runs *statement*, which sees *names* as its module's globals.

    The statement runs in whatever context the measuring runs in.
    """
    return Subject(name, _compiled(_SYNC, statement, names), _COPIES)


def awaiting(name: str, statement: str, names: dict[str, Any], runner: asyncio.Runner) -> Subject:
    """The same for a statement with `await` or `async with`, in the event loop of *runner*."""
    sample: Callable[[int], Coroutine[Any, Any, float]] = _compiled(_ASYNC, statement, names)

    def run(count: int) -> float:
        # A task of its own, in this very context: it has the request that is current here.
        context: Context = copy_context()
        return runner.run(sample(count), context=context)

    return Subject(name, run, _COPIES)


def nothing() -> Subject:
    """The overhead of the loops above."""
    return Subject("(the loop itself)", _compiled(_SYNC, "pass", {}), _COPIES)


def _compiled(template: str, statement: str, names: dict[str, Any]) -> Callable[..., Any]:
    statements = textwrap.indent("\n".join([statement] * _COPIES), " " * 8)
    namespace = {**names, "clock": cpu_seconds, "repeat": itertools.repeat}
    code = compile(template.format(statements=statements), statement, "exec")
    exec(code, namespace)  # noqa: S102 - our own statements
    sample: Callable[..., Any] = namespace["sample"]
    return sample
