"""FIFOs as bells: whoever waits hears at once, and nobody polls.

A reader of a FIFO sees its end when the last writer has closed it. The kernel closes it for a
process that dies, however it dies. So who holds a lock keeps a FIFO open for writing, and who
waits reads: that it is released, and that its holder was killed, are one and the same event. And a
topic's bell is rung by opening it for writing and closing it again.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

#: Enough for each of as many waiters to take one away.
_RING = b"!" * 4096


def hold(path: str) -> int:
    """Make a FIFO and keep it open for writing: the descriptor."""
    make(path)
    # Also for reading: then it opens although nobody waits yet.
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def make(path: str) -> None:
    """Make the FIFO, if it isn't there."""
    with suppress(FileExistsError):
        os.mkfifo(path, 0o600)


def listen(path: str) -> int | None:
    """Open for reading: the descriptor; None, if there is no such FIFO."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def held(descriptor: int) -> bool:
    """Whether anybody has the FIFO open for writing."""
    try:
        os.read(descriptor, 1)
    except BlockingIOError:
        return True  # nothing to read, but somebody who could write
    return False  # the end; or a ring, and then it was released


def ring(path: str) -> None:
    """Wake all that listen, by opening and closing. Costs a system call where nobody does."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno not in {errno.ENXIO, errno.ENOENT}:
            raise


def ring_for_another(path: str) -> None:
    """Wake all that listen, although another process still has the FIFO open for writing."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in {errno.ENXIO, errno.ENOENT}:
            raise
        return
    try:
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(descriptor, _RING)
    finally:
        os.close(descriptor)
