"""Writes events into the file of this process. No lock is taken: any code may write at any time."""

from __future__ import annotations

import atexit
import os
from collections import deque
from pathlib import Path

from .. import events
from ..events import Event, Trouble
from . import native

#: Seconds after which what was written is to be in the file, while somebody looks.
WITHIN = 0.1
#: Events that are kept for the file; then who writes the next one writes them all down.
MOST = 2_000
#: Each trouble is told once, and not more than this many of them.
_MOST_TROUBLES = 100


class _File:
    """The file of one process; a forked process opens its own."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.pid = 0
        self.number = -1
        self.flushed = 0.0
        self.waiting: deque[Event] = deque()
        self.troubles: set[str] = set()

    def opened(self) -> int:
        """The number of the open file; -1 where there can't be one."""
        pid = native.getpid()
        if self.pid != pid:
            number = -1
            if self.folder is not None:
                flags = native.O_WRONLY | native.O_APPEND | native.O_CREAT
                number = native.open_file(events.file_of(self.folder), flags, 0o600)
            # In this order: who comes meanwhile opens it once more, rather than find none.
            self.number = number
            self.pid = pid
        return self.number


_file = _File()


def begin(folder: Path) -> None:
    """Write into *folder* from here on."""
    _file.folder = folder
    atexit.register(flush)
    os.register_at_fork(before=flush, after_in_child=forget)


def forget() -> None:
    """In a process that was forked: what waited here is the parent's to write."""
    _file.waiting.clear()
    _file.pid = 0


def write(event: Event) -> None:
    """Have *event* written soon. Never raises."""
    waiting = _file.waiting
    waiting.append(event)
    if len(waiting) > MOST:
        flush()


def trouble(what: str, error: BaseException | None = None) -> None:
    """Say, once, that an observer can't do its work."""
    said = f"{what}: {error!r}" if error is not None else what
    if said in _file.troubles or len(_file.troubles) >= _MOST_TROUBLES:
        return
    _file.troubles.add(said)
    write(Trouble(native.getpid(), native.monotonic(), said[:1000]))


def flush() -> None:
    """Put what waits into the file. Never raises."""
    waiting = _file.waiting
    if waiting:
        lines: list[str] = []
        try:
            while True:
                lines.append(events.line_of(waiting.popleft()))
        except IndexError:
            pass
        except Exception as error:  # noqa: BLE001 - no event may break the server
            trouble("an event was not written", error)
        try:
            number = _file.opened()
            if number >= 0 and lines:
                # At once, so that lines of two threads don't mix.
                native.write_file(number, "".join(lines).encode("utf-8", "backslashreplace"))
        except OSError:
            pass  # a full disk, or the folder is gone: the run is over
    _file.flushed = native.monotonic()


def flush_if_due() -> None:
    """As `flush`, where it was not done lately."""
    if _file.waiting and native.monotonic() - _file.flushed >= WITHIN:
        flush()
