"""A trace that Perfetto's UI opens, in the Trace Event Format.

Each run has a process `users` with a lane for each user, and the server's processes with their
threads, greenlets and tasks. Arrows lead from a user's request to where it was served, and from
whoever held something to who waited for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from ..run import Run
from .bars import Bar, rows_of
from .lanes import Block, Worker, workers_of
from .looks import look_of

Event = dict[str, Any]


def written(runs: Sequence[Run]) -> str:
    """The trace as text.

    Args:
        runs: at least one; all begin at the same time in the trace.
    """
    events: list[Event] = []
    numbers = count(1)
    flows = count(1)
    for run in runs:
        events.extend(_Drawn(run, numbers, flows).events())
    # The viewers want metadata first, and times in order.
    events.sort(key=lambda one: (one["ph"] != "M", one.get("ts", 0), -one.get("dur", 0)))
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, separators=(",", ":"))


class _Drawn:
    """One run; its processes have numbers of their own, so that runs can be beside each other."""

    def __init__(self, run: Run, numbers: count[int], flows: count[int]) -> None:
        self._run = run
        self._numbers = numbers
        self._flows = flows
        # Requests are sent at or after it, so that no time is below zero.
        self._zero = run.begun
        self._served: dict[str, tuple[int, int, float, float]] = {}

    def events(self) -> Iterator[Event]:
        users = next(self._numbers)
        for worker in workers_of(self._run):
            yield from self._worker(worker, next(self._numbers))
        yield from self._users(users)

    def _users(self, pid: int) -> Iterator[Event]:
        yield from _named(pid, f"users: {self._run.name}", pid)
        for row in sorted(rows_of(self._run), key=lambda one: one.user):
            lane = row.user + 1
            yield from _lane(pid, lane, f"user {lane}")
            for bar in row.bars:
                yield from self._bar(bar, pid, lane)

    def _bar(self, bar: Bar, pid: int, lane: int) -> Iterator[Event]:
        asked = bar.asked
        about = {"request": asked.request, "status": asked.status, "error": asked.error}
        yield self._slice(
            pid, lane, f"{asked.method} {asked.path}", "request", asked.sent, asked.done, about
        )
        for piece in bar.pieces:
            name = look_of(piece.cause).title + (f": {piece.name}" if piece.name else "")
            told = {"place": piece.place, "holder": piece.holder, "stack": "\n".join(piece.stack)}
            yield self._slice(pid, lane, name, piece.cause, piece.begun, piece.ended, told)
            if piece.holder in self._served:
                at = self._served[piece.holder]
                then = min(max(piece.ended, at[2]), at[3])
                yield from self._flow("let go", at[:2], then, (pid, lane), piece.ended)
        if asked.request in self._served:
            to = self._served[asked.request]
            yield from self._flow("served", (pid, lane), asked.sent, to[:2], to[2])

    def _worker(self, worker: Worker, pid: int) -> Iterator[Event]:
        yield from _named(pid, f"{worker.name}: {self._run.name}", pid)
        for place, lane in enumerate(worker.lanes, 1):
            number = 2 * place
            yield from _lane(pid, number, lane.name)
            if lane.stacks:
                # They nest in nothing, and so have a lane to themselves.
                yield from _lane(pid, number + 1, f"{lane.name}: stacks")
                for block in lane.stacks:
                    yield self._block(block, pid, number + 1)
            for block in lane.blocks:
                yield self._block(block, pid, number)
                if block.kind == "request":
                    self._served[block.request] = (pid, number, block.begun, block.ended)
        for load in worker.loads:
            seconds = load.ended - load.begun
            if seconds > 0:
                # What was true of the while that ends here is drawn from its begin on.
                at = max(load.begun, self._zero)
                yield self._counter(pid, "cores in use", at, load.cpu / seconds)
                yield self._counter(pid, "requests in it", at, load.working)

    def _block(self, block: Block, pid: int, lane: int) -> Event:
        about = {
            "request": block.request,
            "place": block.place,
            "holder": block.holder,
            "stack": "\n".join(block.stack),
        }
        return self._slice(pid, lane, block.name, block.kind, block.begun, block.ended, about)

    def _slice(  # noqa: PLR0913, PLR0917 - the format has so many
        self, pid: int, lane: int, name: str, kind: str, begun: float, ended: float, about: Event
    ) -> Event:
        at = self._at(begun)
        return {
            "ph": "X",
            "pid": pid,
            "tid": lane,
            "name": name,
            "cat": kind,
            "ts": at,
            "dur": max(0, self._at(ended) - at),
            "args": {key: value for key, value in about.items() if value not in {"", None}},
        }

    def _flow(
        self, name: str, source: tuple[int, int], then: float, to: tuple[int, int], arrival: float
    ) -> Iterator[Event]:
        number = next(self._flows)
        begun = self._at(then)
        for phase, (pid, lane), at in (
            ("s", source, begun),
            ("f", to, max(begun, self._at(arrival))),
        ):
            event = {"ph": phase, "pid": pid, "tid": lane, "name": name, "cat": "flow"}
            event |= {"id": number, "ts": at}
            # The arrow ends at the slice that is there, not at the next one that begins.
            yield event | ({"bp": "e"} if phase == "f" else {})

    def _counter(self, pid: int, name: str, at: float, value: float) -> Event:
        args = {"value": round(value, 3)}
        return {"ph": "C", "pid": pid, "tid": 0, "name": name, "ts": self._at(at), "args": args}

    def _at(self, seconds: float) -> int:
        """Microseconds."""
        return max(0, round((seconds - self._zero) * 1e6))


def _named(pid: int, name: str, order: int) -> Iterator[Event]:
    yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": name}}
    yield _order(pid, 0, "process_sort_index", order)


def _lane(pid: int, lane: int, name: str) -> Iterator[Event]:
    yield {"ph": "M", "pid": pid, "tid": lane, "name": "thread_name", "args": {"name": name}}
    yield _order(pid, lane, "thread_sort_index", lane)


def _order(pid: int, lane: int, name: str, order: int) -> Event:
    return {"ph": "M", "pid": pid, "tid": lane, "name": name, "args": {"sort_index": order}}
