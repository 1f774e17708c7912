"""Whether an event's times are those that the client saw."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11

from tests.conformance.client import Connection

#: How far an event may be from what the client saw.
WITHIN_SECONDS = 0.002
_PATIENCE_SECONDS = 30.0
_NEVER = float("inf")
_BUSY_PATIENCE_SECONDS = 3.0
KINDS = ("timed", "timed_stream")


@dataclass
class Times:
    """Of each kind of request: how far total and first byte were off, one pair for each."""

    off: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    #: Whether the server sends a stream part by part, and not once it has all of it.
    sends_parts: bool = True
    #: Whether the machine was, before or after it.
    busy: bool = False

    def best(self, kind: str) -> float:
        """The request that nothing held up on its way."""
        off = self.off.get(kind, [])
        return min((max(pair) if self.sends_parts else pair[0] for pair in off), default=_NEVER)


def is_busy() -> bool:
    """Whether more wants to run here than can."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


async def measured(
    port: int, read: Callable[[], list[dict[str, Any]]], tries: int, *, sends_parts: bool
) -> Times:
    """Send requests, and hold their events to the client's own clock.

    A machine may hold up client or server at any moment. So one request in which it did not is
    waited for (unless it is so busy that there may be none), or, with `tries`, that many are made.
    """
    times = Times(sends_parts=sends_parts, busy=is_busy())
    for kind in KINDS:
        patience = _BUSY_PATIENCE_SECONDS if is_busy() else _PATIENCE_SECONDS
        deadline = time.monotonic() + patience
        seen: dict[str, tuple[float, float]] = {}
        while time.monotonic() < deadline:
            for _ in range(tries or 5):
                path = f"/{kind}/{len(seen)}/"
                seen[path] = await _timed(port, path)
            times.off[kind] = await _compared(seen, read)
            if tries or times.best(kind) <= WITHIN_SECONDS:
                break
    times.busy = times.busy or is_busy()
    return times


async def _timed(port: int, path: str) -> tuple[float, float]:
    """Seconds to the end, and to the first byte of the body."""
    connection = Connection(port, keeps=False)
    await connection.open()
    began = time.perf_counter()
    await connection.send(path)
    async with asyncio.timeout(30):
        await connection._events_until(h11.Data)
        first = time.perf_counter()
        await connection._events_until(h11.EndOfMessage)
    ended = time.perf_counter()
    connection.close()
    return ended - began, first - began


async def _compared(
    seen: dict[str, tuple[float, float]], read: Callable[[], list[dict[str, Any]]]
) -> list[tuple[float, float]]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    events: dict[str, dict[str, Any]] = {}
    while time.monotonic() < deadline and not seen.keys() <= events.keys():
        await asyncio.sleep(0.05)
        events = {event["path"]: event for event in read()}
    return [
        (abs(events[path]["seconds"] - total), abs(events[path]["first_byte"] - first))
        for path, (total, first) in seen.items()
        if path in events
    ]
