"""A result that `per_request` remembers, and a key that `bulk_loader` does."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

import holdfast

from .report import Part, Row, Table, at_most, nanoseconds, times
from .rounds import Effort, measure
from .snippets import awaiting, nothing, snippet

NAME = "remembering"

_CALLS = {
    "no argument": "none()",
    "one argument": "one(7)",
    "three arguments": "three(7, 8, 9)",
    "a keyword argument": "one(a=7)",
    "a method with one argument": "thing.method(7)",
    "coroutine, one argument": "await one_async(7)",
}
_OURS, _FLOOR, _BY_HAND = "holdfast.per_request", "functools.cache", "a dict in a ContextVar"
_BOUNDED = "per_request(maxsize=100), one argument"
_LRU = "functools.lru_cache(100), one argument"


def run(effort: Effort) -> Part:
    """Measure hits; what is remembered is there already."""
    part = Part(NAME, "A result that is remembered already")
    with holdfast.open_scope(), asyncio.Runner() as runner:
        part.tables = [_per_request(effort, runner, part), _bulk_loader(effort, runner)]
    return part


def _per_request(effort: Effort, runner: asyncio.Runner, part: Part) -> Table:
    kinds = {
        _FLOOR: _decorated(functools.cache),
        _OURS: _decorated(holdfast.per_request),
        _BY_HAND: _decorated(_by_hand),
    }
    # Nothing caches a coroutine: the least is a coroutine function that asks functools.cache.
    cached = kinds[_FLOOR]["one"]

    async def one_async(a: int) -> Any:
        return cached(a)

    kinds[_FLOOR]["one_async"] = one_async
    kinds[_BY_HAND].pop("one_async")
    subjects = [
        awaiting(f"{kind}, {call}", statement, names, runner)
        if "await" in statement
        else snippet(f"{kind}, {call}", statement, names)
        for call, statement in _CALLS.items()
        for kind, names in kinds.items()
        if "await" not in statement or "one_async" in names
    ]
    bounded = _decorated(holdfast.per_request(maxsize=100))
    subjects.append(snippet(_BOUNDED, "one(7)", bounded))
    subjects.append(snippet(_LRU, "one(7)", _decorated(functools.lru_cache(100))))
    measured = measure(subjects, effort, overhead=nothing())

    note = (
        "The floor of the coroutine is `async def` around functools.cache, awaited."
        " functools.cache lives as long as the process and calls twice where two threads come at"
        " once; `a dict in a ContextVar` is what one writes by hand, with *args as the key."
    )
    columns = ("functools.cache, ns", "per_request, ns", "x functools.cache", "by hand, ns")
    table = Table("A per_request hit", columns, note=note)
    for call in _CALLS:
        ratio = measured.ratio(f"{_OURS}, {call}", f"{_FLOOR}, {call}")
        by_hand = f"{_BY_HAND}, {call}"
        cells = (
            nanoseconds(measured.each(f"{_FLOOR}, {call}")),
            nanoseconds(measured.each(f"{_OURS}, {call}")),
            times(ratio),
            nanoseconds(measured.each(by_hand)) if by_hand in measured.seconds else "",
        )
        table.rows.append(Row(call, cells))
        text = f"per_request hit, {call}: at most 3x functools.cache"
        part.goals.append(at_most(text, ratio, 3, times))
    cells = (
        nanoseconds(measured.each(_LRU)),
        nanoseconds(measured.each(_BOUNDED)),
        times(measured.ratio(_BOUNDED, _LRU)),
        "",
    )
    table.rows.append(Row("one argument, at most 100 kept (lru_cache)", cells))
    return table


def _bulk_loader(effort: Effort, runner: asyncio.Runner) -> Table:
    @holdfast.bulk_loader
    def square(numbers: Iterable[int]) -> Mapping[int, int]:
        return {number: number * number for number in numbers}

    @holdfast.bulk_loader
    async def square_async(numbers: Iterable[int]) -> Mapping[int, int]:
        return {number: number * number for number in numbers}

    many = list(range(100))
    names = {"square": square, "square_async": square_async, "many": many}
    square.many(many)

    async def load() -> None:
        await square_async.many(many)

    # Within this scope: a runner's task has a copy of the context that it is run from.
    runner.run(load())
    calls = {
        "label(key)": snippet("label(key)", "square(7)", names),
        "label.many(100 keys)": snippet("label.many(100 keys)", "square.many(many)", names),
        "await label(key)": awaiting("await label(key)", "await square_async(7)", names, runner),
    }
    measured = measure(list(calls.values()), effort, overhead=nothing())
    rows = [Row(name, (nanoseconds(measured.each(name)),), ours=True) for name in calls]
    return Table("A bulk_loader hit", ("ns",), rows)


def _decorated(decorator: Callable[[Any], Any]) -> dict[str, Any]:
    """The same functions under one decorator or another."""

    def method(self: object, a: int) -> int:
        return a

    def none() -> int:
        return 0

    def one(a: int) -> int:
        return a

    def three(a: int, b: int, c: int) -> int:
        return a + b + c

    async def one_async(a: int) -> int:
        return a

    decorated = {f.__name__: decorator(f) for f in (none, one, three, one_async)}
    thing = type("Thing", (), {"method": decorator(method)})()
    return {**decorated, "thing": thing}


_memos: ContextVar[dict[Any, Any]] = ContextVar("memos", default={})  # noqa: B039 - only measured


def _by_hand(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        memo = _memos.get()
        key = (function, args, tuple(kwargs.items()))
        try:
            return memo[key]
        except KeyError:
            value = memo[key] = function(*args, **kwargs)
            return value

    return wrapper
