"""A real thread that looks after things, ten or a hundred times a second.

It is begun at a process's first request: a server's first process forks its workers without
threads of ours, and helpers that serve nobody have none. It takes no lock that others take.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from . import native, writing

#: Seconds between two looks, where nothing asks for more.
SLOW = 0.1


@dataclass(slots=True)
class _Act:
    seconds: float
    act: Callable[[], object]
    due: float = 0.0


#: The process where the thread runs.
pid = 0
_acts: list[_Act] = []
_at_first: list[Callable[[], object]] = []
_last = 0.0
_stops_between = False
_beginning = native.allocate_lock()


def every(seconds: float, act: Callable[[], object]) -> None:
    """Call *act* about every *seconds*, in the thread. What it raises is told once."""
    _acts.append(_Act(seconds, act))


def at_first_request(act: Callable[[], object]) -> None:
    """Call *act* at the first request of each process, in the code that serves it."""
    _at_first.append(act)


def lately() -> bool:
    """Whether the thread did its work in the last fifth of a second, and goes on with it."""
    return not _stops_between and native.monotonic() - _last < 2 * SLOW


def begin() -> None:
    """Begin in this process, if it has not begun here."""
    global pid
    here = native.getpid()
    # Two first requests may come at once; the second one needn't wait.
    if pid == here or not _beginning.acquire(False):
        return
    try:
        if pid != here:
            _begin(here)
            pid = here
    finally:
        _beginning.release()


def _begin(here: int) -> None:
    global _stops_between
    uwsgi = sys.modules.get("uwsgi")
    # Its threads of Python stand still between requests, unless it was told otherwise.
    _stops_between = uwsgi is not None and not {"enable-threads", "threads"} & set(uwsgi.opt)
    for act in _at_first:
        _guarded(act)
    try:
        native.start_new_thread(_run, (here,))
    except RuntimeError as error:
        writing.trouble("no thread can be started here", error)


def forget() -> None:
    """In a process that was forked: the thread is the parent's."""
    global pid, _last, _beginning
    pid, _last = 0, 0.0
    _beginning = native.allocate_lock()


def _run(here: int) -> None:
    global _last
    pause = min((one.seconds for one in _acts), default=SLOW)
    while native.getpid() == here and not sys.is_finalizing():
        now = native.monotonic()
        for one in _acts:
            if now >= one.due:
                # From now on, not from when it was due: what was late is not made up for.
                one.due = now + one.seconds - pause / 2
                _guarded(one.act)
        _last = native.monotonic()
        native.sleep(pause)


def _guarded(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble(f"an observer failed ({getattr(act, '__module__', '')})", error)
