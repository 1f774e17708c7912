"""What is still to be written when a process ends, and when its server aborts it."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType
from typing import Any

from .entry import CANCELLED, COMPLETE, ERROR, TIME_OUT, Entry, open_entries
from .writer import end_threads, flush_all

_watching = False
# In which process the signal was taken over.
_taken_in = 0
_before: Any = None


def watch() -> None:
    """From now on, write what is left when this process ends."""
    global _watching
    if not _watching:
        _watching = True
        atexit.register(end_all, CANCELLED)
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
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
