"""What is still to be written when a process ends: by itself, stopped, or aborted by its server."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType
from typing import Any

from .entry import CANCELLED, COMPLETE, ERROR, TIME_OUT, Entry, open_entries
from .writer import end_threads, flush_all

# In which processes these were done: a forked child has to do them again.
_watching_in = 0
_taken_in = 0
_before: Any = None


def watch() -> None:
    """From now on, write what is left when this process ends. Asked with its first record."""
    global _watching_in
    if _watching_in != os.getpid():
        _watching_in = os.getpid()
        atexit.register(end_all, CANCELLED)
        # Children of multiprocessing may end without atexit. Some servers' workers are such.
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, end_all, (CANCELLED,), exitpriority=0)
    take_abort()


def end_all(outcome: str, seconds: float = 2.0) -> None:
    """The process ends: end the requests that run, and write all that waits, in this thread."""
    end_threads()
    for entry in list(open_entries.values()):
        entry.recorder.end(entry, _outcome_by_now(entry, outcome))
    flush_all(seconds)


def _outcome_by_now(entry: Entry, outcome: str) -> str:
    if not entry.ended_at:
        return outcome
    # All of the answer was sent before; the application has only not returned yet.
    return ERROR if entry.exception else COMPLETE


def take_abort() -> None:
    """In a worker of Gunicorn: note which requests were under way when it is killed for being late.

    Gunicorn's arbiter sends SIGABRT, and a second later SIGKILL. What stood there for the signal is
    called afterwards.
    """
    global _taken_in, _before
    if _taken_in == os.getpid() or "gunicorn" not in sys.modules:
        return
    try:
        before = signal.getsignal(signal.SIGABRT)
        if before is _aborted:
            # Inherited over a fork.
            _taken_in = os.getpid()
            return
        signal.signal(signal.SIGABRT, _aborted)
    except (ValueError, OSError):
        return  # not the main thread: the first request that comes in that one does it
    _before, _taken_in = before, os.getpid()


def _aborted(number: int, frame: FrameType | None) -> None:
    end_all(TIME_OUT, 0.5)
    if callable(_before):
        _before(number, frame)
        return
    _die_of(number)


def take_stop() -> None:
    """Where nobody minds SIGTERM, have it write what waits before it ends the process.

    Python would run nothing then, and some servers leave it at that. Who sets a handler later
    replaces ours. Not under uWSGI and mod_wsgi: their own handlers are none that Python knows.
    """
    if "uwsgi" in sys.modules or "mod_wsgi" in sys.modules:
        return
    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _stopped)
    except (ValueError, OSError):
        return  # not the main thread


def _stopped(number: int, frame: FrameType | None) -> None:
    end_all(CANCELLED, 0.5)
    _die_of(number)


def _die_of(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
