"""The bounded queue between requests and whoever writes, and the thread that empties it.

A request appends, which never blocks: where the queue is full, the record is dropped and counted.
The thread is woken by the first record after a pause, waits a tenth of a second for company, and
writes all that has come with few calls. It starts with the first record of a process, so after the
fork.
"""

from __future__ import annotations

import _thread
import logging
import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from .entry import Entry

logger = logging.getLogger("holdfast")

#: How long records wait for company, in seconds.
GATHERING = 0.1
_AT_ONCE = 256
_URGENT = 2_000
_COUNTING_SECONDS = 0.5


class Writer:
    """Takes entries of requests, and has them handled elsewhere.

    Args:
        limit: how many entries may wait.
        handle: writes a list of entries. What it raises is logged and counted.
        native: whether the thread is a real one also where a green library has replaced threads.
        begin: called with the first entry of a process.
        forget: called in a forked child.
    """

    def __init__(
        self,
        limit: int,
        handle: Callable[[list[Entry]], None],
        *,
        native: bool,
        begin: Callable[[], None],
        forget: Callable[[], None],
    ) -> None:
        self._limit = limit
        self._urgent = min(_URGENT, max(1, limit // 2))
        self._handle = handle
        self._native = native
        self._begin = begin
        self._forget = forget
        self.failed = 0
        self._renew()
        _writers.add(self)

    def _renew(self) -> None:
        self._queue: deque[Entry] = deque()
        self._asleep = True
        self._started = False
        self._inline = False
        self.dropped = 0
        self._counting = native_lock()
        self._writing = native_lock()
        self._bell: Any = None

    def forget_parent(self) -> None:
        """In a forked child: the parent writes what was waiting; its thread is not here."""
        self._renew()
        self._forget()

    def put(self, entry: Entry) -> None:
        """Take *entry*, or drop it. Costs a fraction of a microsecond; never blocks."""
        queue = self._queue
        waiting = len(queue)
        if waiting >= self._limit:
            self._drop()
            return
        queue.append(entry)
        if self._asleep or waiting == self._urgent:
            self._wake()

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return len(self._queue)

    def _drop(self) -> None:
        with self._counting:
            self.dropped += 1

    def taken_drops(self) -> int:
        """How many were dropped since this was asked last."""
        # A signal's handler may have interrupted who counts.
        if not self._counting.acquire(timeout=_COUNTING_SECONDS):
            return 0
        try:
            dropped, self.dropped = self.dropped, 0
        finally:
            self._counting.release()
        return dropped

    def _wake(self) -> None:
        if not self._started:
            self._start()
        bell = self._bell
        if self._inline or bell is None:
            self._asleep = True
            self.flush(0.0)
            return
        self._asleep = False
        try:
            bell.release()
        except RuntimeError:
            pass  # it rings already

    def _start(self) -> None:
        with self._counting:
            if self._started:
                return
            self._started = True
            self._begin()
            if _ending or _threads_stand_still():
                self._inline = True
                return
            start, lock = _threads(native=self._native)
            self._bell = lock()
            self._bell.acquire()
            self._asleep = False
            start(self._run, (self._bell,))

    def end_thread(self) -> None:
        """The process ends, and its threads with it: from now on who puts a record writes."""
        # Without a lock: this may be a signal's handler, and interrupt who holds it.
        self._started = self._inline = self._asleep = True
        self._bell = None

    def _run(self, bell: Any) -> None:
        while bell is self._bell:  # else: forked, and this is the parent's; or the process ends
            try:
                self._asleep = True
                if not self._queue:
                    bell.acquire()
                self._asleep = False
                # More than half full, and the bell rings before that.
                bell.acquire(timeout=GATHERING)
                self.flush(None)
            except Exception:  # noqa: BLE001 - the thread must go on; at exit anything may fail
                if sys.is_finalizing():
                    return
                time.sleep(GATHERING)
        self._asleep = True

    def flush(self, seconds: float | None = 1.0) -> bool:
        """Write what waits, in this thread. False: another one was still writing.

        Args:
            seconds: how long to wait for the writing thread to finish; None: as long as it takes.
        """
        if not self._writing.acquire(timeout=-1 if seconds is None else seconds):
            return False
        try:
            queue = self._queue
            while queue:
                batch: list[Entry] = []
                try:
                    while len(batch) < _AT_ONCE:
                        batch.append(queue.popleft())
                except IndexError:
                    pass  # another thread of a fork, or all there was
                self._write(batch)
            if self.dropped:
                self._write([])
        finally:
            self._writing.release()
        return True

    def _write(self, batch: list[Entry]) -> None:
        try:
            self._handle(batch)
        except Exception as error:  # noqa: BLE001 - the next batch may be better
            self.lose(len(batch), error)

    def lose(self, records: int, error: BaseException) -> None:
        """So many records could not be written, because of *error*: count them, and say so."""
        self.failed += records
        self.complain(f"write {records} records", error)

    def complain(self, what: str, error: BaseException) -> None:
        """Log that the request log could not do something; not more often than once a minute."""
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_EVERY_SECONDS:
            self._complained = now
            logger.error("The request log could not %s", what, exc_info=error)

    _complained = -1e9


_COMPLAIN_EVERY_SECONDS = 60.0

_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
_ending = False


def end_threads() -> None:
    """The process ends: a thread that is started now may come too late for the interpreter."""
    global _ending
    _ending = True
    for writer in list(_writers):
        writer.end_thread()


def flush_all(seconds: float = 1.0) -> None:
    """Write what waits in all queues of this process."""
    for writer in list(_writers):
        writer.flush(seconds)


def _in_child() -> None:
    global _ending
    _ending = False
    for writer in list(_writers):
        writer.forget_parent()


os.register_at_fork(after_in_child=_in_child)


def _threads(*, native: bool) -> tuple[Callable[..., Any], Callable[[], Any]]:
    """How to start a thread, and a lock to wait for: real ones, or those that are there now."""
    if native:
        monkey: Any = sys.modules.get("gevent.monkey")
        if monkey is not None:
            start, lock = monkey.get_original("_thread", ["start_new_thread", "allocate_lock"])
            return start, lock
        patcher: Any = sys.modules.get("eventlet.patcher")
        if patcher is not None:
            original = patcher.original("_thread")
            return original.start_new_thread, original.allocate_lock
    return _thread.start_new_thread, _thread.allocate_lock


def native_lock() -> Any:
    """A lock of the operating system's threads. Held for moments only."""
    return _threads(native=True)[1]()


def _threads_stand_still() -> bool:
    """Whether this is uWSGI without --enable-threads: a thread would never run."""
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None or not hasattr(uwsgi, "opt"):
        return False
    return not any(name in uwsgi.opt for name in _LETS_THREADS_RUN)


_LETS_THREADS_RUN = ("enable-threads", b"enable-threads", "threads", b"threads")
