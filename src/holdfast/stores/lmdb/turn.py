"""Whose turn it is to write: one at a time, of all threads of all processes.

LMDB has a lock of its own for that, but whoever finds it taken is blocked in C, with the whole
event loop or gevent hub. So writers take this one first, which is only ever tried; LMDB's is then
free.

Between processes it is `flock`: the kernel gives it up with the process, however it dies. Within
the process, where one open file serves all threads, it is a list of one element: taking that out
is one step, and needs no lock that a monkey patch might have made one of greenlets.
"""

from __future__ import annotations

import fcntl
import os


class Turn:
    """The right to write into one file.

    Args:
        path: the lock file. Made if missing, never removed.
    """

    __slots__ = ("_descriptor", "_free", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._free = [None]
        self._descriptor = -1

    def __del__(self) -> None:
        self.shut()

    def take_here(self) -> bool:
        """Only among the threads of this process."""
        try:
            self._free.pop()
        except IndexError:
            return False
        return True

    def take(self) -> bool:
        """Without waiting. False, if somebody else has it."""
        free = self._free
        try:
            free.pop()
        except IndexError:
            return False
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            free.append(None)
            return False
        except BaseException:
            free.append(None)
            raise
        return True

    def give_back(self) -> None:
        """What `take` took."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        finally:
            self._free.append(None)

    def shut(self) -> None:
        """Close the file, which gives it up between processes.

        A child would keep the lock of a parent that was killed, as long as it has the file open.
        """
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def reset(self) -> None:
        """Nobody in this process has it."""
        self._free[:] = [None]
