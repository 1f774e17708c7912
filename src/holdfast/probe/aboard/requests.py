"""The requests under way in this process, and which of them the running code works for.

Code finds its request by a context variable: the context of a WSGI server's thread or greenlet, or
of a task. Into threads, executors and greenlets that a request starts, `threads` carries it.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from ..events import HEADER, Served
from . import native, orders, places, ticking, writing

#: How names begin that we gave, as the request came without `events.HEADER`.
UNNAMED = "~"
#: The header's name in a WSGI environ, and in an ASGI scope.
ENVIRON_NAME = "HTTP_" + HEADER.upper().replace("-", "_")
SCOPE_NAME = HEADER.lower().encode()


class Runner:
    """Who works for a request: a thread, a greenlet or a task, and how to look at its stack."""

    __slots__ = ("greenlet", "lane", "task", "thread")

    def __init__(self) -> None:
        self.thread = native.get_ident()
        self.greenlet = _greenlet()
        self.task = _task() if self.greenlet is None else None
        self.lane = _name(self.greenlet, self.task)


class Request:
    """A request under way.

    Attributes:
        name: the value of `events.HEADER`, or one that we gave.
        known: whether it had the header.
        lane: what it came in by, and what runs it unless others do.
        runners: who works for it; the last one is where its own code runs now.
        waits: what it waits for, as far as observers see: how many waits are open now.
    """

    __slots__ = (
        "__weakref__",
        "cpu",
        "ended",
        "entered",
        "error",
        "known",
        "lane",
        "name",
        "pid",
        "route",
        "runners",
        "started",
        "view",
        "waits",
    )

    def __init__(self, name: str) -> None:
        self.known = bool(name)
        self.pid = native.getpid()
        self.name = name or f"{UNNAMED}{self.pid}-{next(_unnamed)}"
        self.entered = native.monotonic()
        first = Runner()
        self.lane = first.lane
        self.runners: tuple[Runner, ...] = (first,)
        alone = first.greenlet is None and first.task is None
        self.cpu = native.thread_time() if alone and measured else None
        self.started = first.thread
        self.view = self.route = self.error = ""
        self.ended = False
        self.waits = 0

    def served(self) -> Served:
        """What there is to say of it, at its end."""
        cpu = None
        if self.cpu is not None and native.get_ident() == self.started:
            cpu = native.thread_time() - self.cpu
        return Served(
            request=self.name,
            pid=self.pid,
            lane=self.lane,
            entered=self.entered,
            left=native.monotonic(),
            cpu=cpu,
            view=self.view,
            route=self.route,
            error=self.error,
        )


#: Whether a request's processor time is taken: asking for it costs some microseconds.
measured = True

#: Those under way, by `id`. Only single steps are taken on it, so that no lock is needed.
under_way: dict[int, Request] = {}

_current: ContextVar[Request | None] = ContextVar("holdfast_probe_request", default=None)
_at_begin: list[Callable[[Request], object]] = []
_at_end: list[Callable[[Request], object]] = []
_unnamed = itertools.count(1)
_ended = 0


def current() -> Request | None:
    """The request that the calling code works for. None: for none, or for one that has ended."""
    request = _current.get()
    return None if request is None or request.ended else request


def latest() -> Request | None:
    """As `current`, also after its end: a background task belongs to the request it is from."""
    return _current.get()


def enter(request: Request | None) -> Request | None:
    """Have the calling context work for *request*. Who worked before: for `enter` afterwards."""
    before = _current.get()
    _current.set(request)
    return before


def begin(name: str) -> Request:
    """A request comes in; *name* is the value of its header."""
    request = Request(name)
    under_way[id(request)] = request
    _current.set(request)
    if ticking.pid != request.pid:
        ticking.begin()
    for act in _at_begin:
        act(request)
    return request


def on_begin(act: Callable[[Request], object]) -> None:
    """Call *act* with each request that comes in, in the code that serves it."""
    _at_begin.append(act)


def on_end(act: Callable[[Request], object]) -> None:
    """Call *act* with each request that ends."""
    _at_end.append(act)


def end(request: Request, error: BaseException | None = None) -> None:
    """It has ended: its last byte was given to the server. Further calls do nothing."""
    global _ended
    if request.ended:
        return
    if error is not None and not request.error:
        request.error = repr(error)[:200]
    request.ended = True
    _ended += 1
    under_way.pop(id(request), None)
    for act in _at_end:
        act(request)
    request.runners = ()
    writing.write(request.served())
    if not ticking.lately():
        # The thread that does it doesn't run in this server, or can't at the moment.
        orders.look()
        writing.flush()


def ended() -> int:
    """How many requests have ended in this process."""
    return _ended


def forget() -> None:
    """In a process that was forked: the requests under way are the parent's."""
    global _ended
    under_way.clear()
    _ended = 0


# Lanes: numbers are given when somebody is first seen, and are never used again.
_threads, _others = itertools.count(1), itertools.count(1)
_greenlets: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_tasks: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


class _Thread(native.thread_local):
    """Of one thread of the system, also where `threading.local` is the greenlet's."""

    def __init__(self) -> None:
        self.number = next(_threads)


_thread = _Thread()


def lane() -> str:
    """What runs the calling code: `thread 7`, `greenlet 3` or `task 12`; unique in the process."""
    greenlet = _greenlet()
    return _name(greenlet, _task() if greenlet is None else None)


def _name(greenlet: Any, task: Any) -> str:
    if greenlet is not None:
        return f"greenlet {_number(_greenlets, greenlet)}"
    if task is not None:
        return f"task {_number(_tasks, task)}"
    return f"thread {_thread.number}"


def _number(numbers: WeakKeyDictionary[Any, int], one: Any) -> int:
    number = numbers.get(one)
    if number is None:
        number = numbers[one] = next(_others)
    return number


def _greenlet() -> Any:
    """The running greenlet; None in a thread's own."""
    module = sys.modules.get("greenlet")
    if module is None:
        return None
    try:
        found = module.getcurrent()
    except AttributeError:  # it is being imported
        return None
    return None if found.parent is None else found


def _task() -> Any:
    """The running task of asyncio; None outside of one."""
    events = sys.modules.get("asyncio.events")
    try:
        # Cheaper than to ask for the task, which raises where no loop runs.
        if events is None or events._get_running_loop() is None:
            return None
        return sys.modules["asyncio.tasks"].current_task()
    except (RuntimeError, AttributeError, KeyError):  # it is being imported
        return None


def frames_of(runner: Runner, threads: dict[int, FrameType]) -> list[FrameType]:
    """Where *runner* stands: its frames, the innermost first.

    Args:
        runner: who works for a request.
        threads: `sys._current_frames()`.
    """
    if runner.greenlet is not None:
        suspended: FrameType | None = runner.greenlet.gr_frame
        if suspended is not None:
            return places.outwards(suspended)
    elif runner.task is not None:
        waiting = _awaiting(runner.task)
        if waiting is not None:
            return waiting
    # It runs, or is a thread by itself: it is where the thread is.
    return places.outwards(threads.get(runner.thread))


def _awaiting(task: Any) -> list[FrameType] | None:
    """The frames of a task that awaits something, the innermost first; None: it runs."""
    found: list[FrameType] = []
    at = task.get_coro()
    while at is not None and len(found) < _DEEPEST:
        kind = next((kind for kind in _COROUTINES if hasattr(at, kind[0])), None)
        if kind is None:
            break
        frame, running, inner = (getattr(at, name) for name in kind)
        if running:
            return None
        if frame is None:
            break
        found.append(frame)
        at = inner
    found.reverse()
    return found


_DEEPEST = 200
_COROUTINES = (
    ("cr_frame", "cr_running", "cr_await"),
    ("gi_frame", "gi_running", "gi_yieldfrom"),
    ("ag_frame", "ag_running", "ag_await"),
)
