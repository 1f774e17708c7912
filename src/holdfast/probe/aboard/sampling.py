"""Where requests stand, a hundred times a second, and how their process does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ..events import Load
from . import native, places, requests, spans, ticking, writing
from .requests import Request
from .settings import Settings

#: Seconds between two looks, and between two `Load`s.
LOOK, LOAD = 0.01, 0.1
#: Requests that are looked at each time; of more, some each time.
MOST = 50


def install(settings: Settings) -> None:
    """Look from the first request on."""
    ticking.every(LOOK, _looking.look)
    requests.on_end(_looking.ended)
    os.register_at_fork(after_in_child=_looking.standing.clear)
    ticking.every(LOAD, _loads.write)


class _Standing:
    """Where a request has stood for a while."""

    __slots__ = ("at", "begun", "key", "lane", "moved", "name", "place", "stack")

    def __init__(
        self, now: float, frames: list[FrameType], users: FrameType | None, lane: str, key: object
    ) -> None:
        self.begun = now
        self.key = key
        self.lane = lane
        self.at = _at(frames[0])
        self.moved = False
        # Not the frames themselves: they would keep alive whatever is in them.
        self.name = places.name_at(frames[0] if users is None else users)
        self.place = places.place_at(users)
        self.stack = places.stack_of(frames)


def _at(frame: FrameType) -> tuple[int, int]:
    return id(frame), frame.f_lasti


class _Looking:
    """What was seen at the last looks."""

    def __init__(self) -> None:
        self.standing: dict[int, _Standing] = {}
        self._turn = 0

    def look(self) -> None:
        """At the stacks of the requests under way."""
        if not requests.under_way:
            self.standing.clear()
            return
        frames = sys._current_frames()
        now = native.monotonic()
        under_way = dict(requests.under_way)
        for known in [key for key in self.standing if key not in under_way]:
            self.standing.pop(known)
        for key, request in self._some(under_way):
            self._look_at(key, request, frames, now)

    def _some(self, under_way: dict[int, Request]) -> list[tuple[int, Request]]:
        every = list(under_way.items())
        if len(every) <= MOST:
            return every
        begin = self._turn % len(every)
        self._turn += MOST
        return (every + every)[begin : begin + MOST]

    def _look_at(
        self, key: int, request: Request, frames: dict[int, FrameType], now: float
    ) -> None:
        runners = request.runners
        if not runners:
            return
        stands = requests.frames_of(runners[-1], frames)
        if not stands:
            return
        users = places.users_frame(stands)
        # As far as is told of it: the function, and the line of the user's code.
        where = (stands[0].f_code, users and users.f_code, users and users.f_lineno)
        known = self.standing.get(key)
        if known is not None and known.key == where:
            at = _at(stands[0])
            if known.at != at:
                known.at, known.moved = at, True
            return
        if known is not None:
            self._end(request, known, now)
        one = self.standing[key] = _Standing(now, stands, users, runners[-1].lane, where)
        one.moved = known is not None

    def _end(self, request: Request, known: _Standing, now: float) -> None:
        spans.note(
            "sample",
            known.name,
            known.begun,
            ended=now,
            request=request,
            lane=known.lane,
            place=known.place,
            stack=known.stack,
            shortest=0.0,
        )

    def ended(self, request: Request) -> None:
        """The request has ended where it stood last."""
        known = self.standing.pop(id(request), None)
        if known is not None:
            self._end(request, known, native.monotonic())

    def runnable(self) -> int:
        """How many requests have moved since it was asked last, and wait for nothing now."""
        found = 0
        for key, one in list(self.standing.items()):
            request = requests.under_way.get(key)
            if request is not None and one.moved and not request.waits:
                found += 1
            one.moved = False
        return found


_looking = _Looking()


class _Loads:
    """How the process does."""

    def __init__(self) -> None:
        self._begun = 0.0
        self._cpu = 0.0
        self._starved = 0.0

    def write(self) -> None:
        """What was since the last time."""
        now, cpu = native.monotonic(), native.process_time()
        if not requests.under_way:
            if self._begun:
                self._tell(now, cpu)
            self._begun = 0.0
            return
        if self._begun:
            self._tell(now, cpu)
        self._begun, self._cpu, self._starved = now, cpu, starved()

    def _tell(self, now: float, cpu: float) -> None:
        writing.write(
            Load(
                pid=native.getpid(),
                begun=self._begun,
                ended=now,
                cpu=cpu - self._cpu,
                working=len(requests.under_way),
                runnable=_looking.runnable(),
                starved=max(0.0, starved() - self._starved),
            )
        )


_loads = _Loads()
_TASKS = Path("/proc/self/task")
#: Threads whose waiting is added up; reading it takes some microseconds each.
_MOST_TASKS = 100


def starved() -> float:
    """Seconds that the machine let threads of this process stand ready; 0.0 where nobody knows.

    The thread that asks is ours. It wakes a hundred times a second, and on a busy machine waits
    each time: nobody else waits with it.
    """
    found, ours = 0, str(native.get_native_id())
    try:
        for number, task in enumerate(_TASKS.iterdir()):
            if number >= _MOST_TASKS:
                break
            if task.name != ours:
                found += _waited(task)
    except OSError:
        pass
    return found / 1e9


def _waited(task: Any) -> int:
    try:
        return int((task / "schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):  # it has ended
        return 0
