"""What a switch costs on this machine: measured, in processor time, in about half a second."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async

from .step import Switch

_ROUNDS = 7
_SWITCHES = 100
_T = TypeVar("_T")


@dataclass(frozen=True)
class Costs:
    """Seconds of processor time: of one switch of each kind, and of a request's own thread."""

    switches: dict[Switch, float]
    thread: float


def measure() -> Costs:
    """Measure them, with nothing else running in this process. Takes about half a second.

    Each is the median of a few rounds, so that a busy machine disturbs little. A server's event
    loop (uvloop) may be somewhat faster than the one that is used here.
    """
    # In a thread: the caller's may have an event loop that runs.
    return _in_a_thread(_measured)


def _measured() -> Costs:
    to_thread, to_loop, thread = asyncio.run(_in_a_loop())
    new_loop = _median(_new_loops, _SWITCHES // 5)
    switches = {
        Switch.TO_THREAD: to_thread,
        Switch.TO_LOOP: to_loop,
        Switch.NEW_LOOP: new_loop,
    }
    return Costs(switches, thread)


def _median(sample: Callable[[int], object], count: int) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        sample(count)
        taken.append((time.process_time() - started) / count)
    return statistics.median(taken)


async def _in_a_loop() -> tuple[float, float, float]:
    async with ThreadSensitiveContext():
        await _switches(1)
        to_thread = await _median_async(_switches, _SWITCHES)
        to_loop = await sync_to_async(_median)(_ways_to_the_loop, _SWITCHES)
    with_thread = await _median_async(_threads, _SWITCHES // 5)
    return to_thread, to_loop, max(0.0, with_thread - to_thread)


async def _median_async(sample: Callable[[int], Coroutine[Any, Any, None]], count: int) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        await sample(count)
        taken.append((time.process_time() - started) / count)
    return statistics.median(taken)


async def _switches(count: int) -> None:
    nothing = sync_to_async(_nothing)
    for _ in range(count):
        await nothing()


async def _threads(count: int) -> None:
    # In tasks, so that each has a context of its own: as requests have.
    for _ in range(count):
        await asyncio.create_task(_one_thread())


async def _one_thread() -> None:
    async with ThreadSensitiveContext():
        await sync_to_async(_nothing)()


def _ways_to_the_loop(count: int) -> None:
    nothing = async_to_sync(_nothing_async)
    for _ in range(count):
        nothing()


def _new_loops(count: int) -> None:
    for _ in range(count):
        async_to_sync(_nothing_async)()


def _nothing() -> None:
    pass


async def _nothing_async() -> None:
    pass


def _in_a_thread(function: Callable[[], _T]) -> _T:
    results: list[_T] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    if not results:
        raise RuntimeError("measuring failed: see the traceback above")
    return results[0]
