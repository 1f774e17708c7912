"""Which records of a cache were used: a byte each, in a file that all processes have mapped.

Setting a byte needs no lock, so a read can do it. Nothing depends on a byte but how long a record
stays; so two records may share one, and the file may be lost.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

_FEWEST, _MOST = 2**12, 2**20
_GOLDEN = 0x9E3779B97F4A7C15


class Marks:
    """A byte for each record, shared by all processes: was it used since the hand came by?

    Args:
        path: the file.
        size: bytes of data that the store may hold.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self.count = min(_MOST, max(_FEWEST, 1 << (size // 64).bit_length()))
        self.mask = self.count - 1
        self.bytes: Any = bytearray(self.count)

    def open(self) -> None:
        """Map the file anew.

        Raises:
            OSError: there is no room for it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < self.count:
                # With its room, for the same reason as the data file.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(descriptor, 0, self.count)
                else:
                    os.ftruncate(descriptor, self.count)
            self.bytes = mmap.mmap(descriptor, self.count)
        finally:
            os.close(descriptor)

    def slot(self, birth: int) -> int:
        """The byte of the record that was born then."""
        # Spread: the two counters that a birth is made of go up together.
        return (birth * _GOLDEN >> 32) & self.mask
