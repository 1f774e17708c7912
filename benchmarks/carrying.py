"""Taking the request along."""

from __future__ import annotations

import contextvars
import functools
from typing import Any

import holdfast

from .report import Part, against_floor
from .rounds import Effort, measure
from .snippets import nothing, snippet

NAME = "carrying"

_MAKING_FLOOR = "bare: partial(copy_context().run, function)"
_CALLING_FLOOR = "bare: copy_context().run(function)"
_MAKING = {
    _MAKING_FLOOR: "partial(copy_context().run, function)",
    "holdfast.carry(function)": "carry(function)",
    "holdfast.carry(coroutine function)": "carry(coroutine_function)",
}
_CALLING = {
    _CALLING_FLOOR: "copy_context().run(function)",
    "calling what holdfast.carry made": "carried()",
    "calling the function itself": "function()",
}


def run(effort: Effort) -> Part:
    """Measure making a carried function, and calling one."""
    part = Part(NAME, "Carrying the request to another thread")
    with holdfast.open_scope():
        names = _names()
        for title, statements, floor in (
            ("Making a carried function", _MAKING, _MAKING_FLOOR),
            ("Calling it, in the same thread", _CALLING, _CALLING_FLOOR),
        ):
            subjects = [snippet(name, statement, names) for name, statement in statements.items()]
            measured = measure(subjects, effort, overhead=nothing())
            ours = tuple(name for name in statements if "holdfast" in name)
            part.tables.append(against_floor(title, measured, floor, ours=ours))
    return part


def _names() -> dict[str, Any]:
    def function() -> None:
        pass

    async def coroutine_function() -> None:
        pass

    return {
        "partial": functools.partial,
        "copy_context": contextvars.copy_context,
        "carry": holdfast.carry,
        "function": function,
        "coroutine_function": coroutine_function,
        "carried": holdfast.carry(function),
    }
