"""Event loops and hubs of greenlets that stand still, and what ran meanwhile.

While requests are under way, the observers' thread asks each loop, again and again, to answer. As
long as it doesn't, whatever its thread stands in blocks it. A loop that a request has begun is its
own (`asyncio.run`, `async_to_sync`), and left alone, unless it outlives the request.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from ...on_import import on_import
from . import native, places, requests, spans, ticking
from .requests import Request
from .settings import Settings

#: Seconds between two looks.
LOOK = 0.01
#: Seconds that a loop may stand still.
LONGEST = 0.03
_COROUTINE = 0x80 | 0x200  # inspect.CO_COROUTINE, CO_ASYNC_GENERATOR

#: Whose request a task works for, where it was made in one.
_of_task: WeakKeyDictionary[Any, Request] = WeakKeyDictionary()


def install(settings: Settings) -> None:
    """Watch the loops that run from here on."""
    os.register_at_fork(after_in_child=forget)
    on_import("asyncio.base_events", lambda module: _loops(module.BaseEventLoop))
    on_import("uvloop", _uvloop)
    requests.on_begin(_find_hub)
    ticking.every(LOOK, look)


def forget() -> None:
    """In a process that was forked: the loops are the parent's."""
    watched.clear()
    _hubs.clear()


class _Blocking:
    """Something that a loop's thread stands in, since when."""

    __slots__ = ("begun", "cpu", "key", "request", "seen")

    def __init__(
        self, begun: float, key: object, request: Request | None, frame: FrameType
    ) -> None:
        self.begun = begun
        self.cpu = native.process_time()
        self.key = key
        self.request = request
        self.seen: dict[CodeType | None, list[Any]] = {}
        self.look(frame)

    def look(self, frame: FrameType) -> None:
        """Remember where it stands, and how often it stood there."""
        frames = places.outwards(frame)
        users = places.users_frame(frames)
        key = users and users.f_code
        known = self.seen.get(key)
        if known is None:
            named = places.packages_frame(frames) if users is None else _movable(users)
            name = "" if named is None else places.name_at(named)
            self.seen[key] = [1, name, places.place_at(users), places.stack_of(frames)]
        else:
            known[0] += 1


def _movable(frame: FrameType) -> FrameType:
    """The innermost coroutine of the user's code: that is what could be moved elsewhere."""
    found: FrameType | None = frame
    while found is not None:
        if found.f_code.co_flags & _COROUTINE and places.users_file(found.f_code):
            return found
        found = found.f_back
    return frame


class Watched:
    """A loop or a hub, and whether it turns."""

    def __init__(
        self,
        what: str,
        wake: Callable[[Callable[[], None]], object],
        owner: Request | None = None,
    ) -> None:
        self.what = what
        self._owner = owner
        self.thread = native.get_ident()
        self._wake = wake
        self._asked = 0.0
        self._answered = 0.0
        self._blocking: _Blocking | None = None
        self._looked = native.monotonic()

    def answer(self) -> None:
        """Called by the loop itself."""
        self._answered, self._asked = native.monotonic(), 0.0

    @property
    def stands(self) -> bool:
        """Whether something was seen to block it that has not been told yet."""
        return self._blocking is not None

    def look(self, frames: dict[int, FrameType], running: Callable[[], Request | None]) -> None:
        """Called by the observers' thread."""
        if self._owner is not None and not self._owner.ended:
            return  # it keeps nobody else waiting
        now = native.monotonic()
        if not self._asked:
            self._end(min(self._answered, now))
            self._asked = now
            try:
                self._wake(self.answer)
            except RuntimeError:  # it is closed, or stops
                watched.pop(id(self), None)
        else:
            frame = frames.get(self.thread)
            if frame is None or _is_idle(frame):
                # It is about to turn, or this machine doesn't let it.
                self._end(now)
                self._asked = now
            elif now - self._asked >= LOOK / 2:
                self._stands(frame, running(), now)
        self._looked = now

    def _stands(self, frame: FrameType, request: Request | None, now: float) -> None:
        key: object = request if request is not None else _outermost(frame)
        blocking = self._blocking
        if blocking is not None and blocking.key is key:
            blocking.look(frame)
            return
        begun = self._asked if blocking is None else (self._looked + now) / 2
        self._end(begun)
        self._blocking = _Blocking(begun, key, request, frame)

    def _end(self, now: float) -> None:
        """What blocked it does so no more."""
        blocking, self._blocking = self._blocking, None
        if blocking is None or now - blocking.begun < LONGEST:
            return
        _, name, place, stack = max(blocking.seen.values(), key=lambda one: one[0])
        spans.note(
            "blocked",
            name or (stack[0].partition(" ")[2] if stack else ""),
            blocking.begun,
            ended=now,
            request=blocking.request or _NOBODY,
            lane=self.what,
            place=place,
            stack=stack,
            detail={"what": self.what, "cpu": native.process_time() - blocking.cpu},
        )


class _Nobody:
    """Stands for a request where there is none."""

    name = ""


_NOBODY: Any = _Nobody()

#: Loops and hubs that run, by `id` of what watches them.
watched: dict[int, tuple[Watched, Callable[[], Request | None]]] = {}


def look() -> None:
    """Look at each of them once."""
    if not watched:
        return
    if not requests.under_way and not any(one.stands for one, _ in list(watched.values())):
        return
    frames = sys._current_frames()
    for one, running in list(watched.values()):
        one.look(frames, running)


def _outermost(frame: FrameType) -> object:
    """The outermost frame of the user's code: the same as long as the same call runs."""
    found: FrameType | None = None
    at: FrameType | None = frame
    while at is not None:
        if places.users_file(at.f_code):
            found = at
        at = at.f_back
    return id(found)


_IDLE = ("selectors", "asyncio.", "gevent.", "eventlet.hubs", "uvloop", "twisted.", "daphne.")


def _is_idle(frame: FrameType) -> bool:
    """Whether a loop's thread stands in the loop itself, and in no code that it has called."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.startswith(_IDLE) and places.users_frame(places.outwards(frame)) is None


# asyncio


def _loops(kind: Any) -> None:
    run_forever, create_task = kind.run_forever, kind.create_task

    @functools.wraps(run_forever)
    def run(self: Any) -> Any:
        one = _begin_loop(self)
        try:
            return run_forever(self)
        finally:
            watched.pop(id(one), None)

    @functools.wraps(create_task)
    def create(self: Any, coro: Any, **kwargs: Any) -> Any:
        task = create_task(self, coro, **kwargs)
        request = requests.current()
        if request is not None:
            _of_task[task] = request
        return task

    kind.run_forever, kind.create_task = run, create


def _uvloop(module: ModuleType) -> None:
    _loops(module.Loop)


def _begin_loop(loop: Any) -> Watched:
    one = Watched("loop", loop.call_soon_threadsafe, requests.current())
    tasks = sys.modules.get("asyncio.tasks")

    def running() -> Request | None:
        if tasks is None:
            return None
        task = tasks.current_task(loop)
        return None if task is None else _request_of(task)

    watched[id(one)] = (one, running)
    return one


def _request_of(task: Any) -> Request | None:
    found = _of_task.get(task)
    if found is None or found.ended:
        # The server made the task; the request came in by it.
        for request in list(requests.under_way.values()):
            if any(runner.task is task for runner in request.runners):
                return request
    return found


# gevent and eventlet

_hubs: WeakKeyDictionary[Any, Watched] = WeakKeyDictionary()


def _find_hub(request: Request) -> None:
    """Watch the hub that runs the request, if it is a greenlet."""
    greenlet = request.runners[0].greenlet
    if greenlet is None:
        return
    hub = greenlet.parent
    if hub is None or hub in _hubs:
        return
    wake = _waker(hub)
    if wake is None:
        return
    one = _hubs[hub] = Watched("hub", wake)

    def running() -> Request | None:
        for found in list(requests.under_way.values()):
            for runner in found.runners:
                if (
                    runner.thread == one.thread
                    and runner.greenlet is not None
                    and runner.greenlet.gr_frame is None
                    and not runner.greenlet.dead
                ):
                    return found
        return None

    watched[id(one)] = (one, running)


def _waker(hub: Any) -> Callable[[Callable[[], None]], object] | None:
    """How to have the hub call a function, from another thread."""
    ask = getattr(getattr(hub, "loop", None), "run_callback_threadsafe", None)
    if ask is not None:
        found: Callable[[Callable[[], None]], object] = ask
        return found
    eventlet = sys.modules.get("eventlet.hubs")
    if eventlet is None:
        return None
    return _EventletWaker(eventlet.get_hub()).wake


class _EventletWaker:
    """eventlet's hubs can't be woken from another thread: this one looks by itself.

    It does so as long as requests are under way, and begins again with the next one.
    """

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._waiting: Callable[[], None] | None = None
        self._runs = False
        requests.on_begin(self._begin)
        self._begin(None)

    def wake(self, answer: Callable[[], None]) -> None:
        self._waiting = answer

    def _begin(self, _request: Request | None) -> None:
        if not self._runs:
            self._runs = True
            self._hub.schedule_call_global(0, self._turn)

    def _turn(self) -> None:
        answer, self._waiting = self._waiting, None
        if answer is not None:
            answer()
        if requests.under_way:
            self._hub.schedule_call_global(LOOK / 2, self._turn)
        else:
            self._runs = False
