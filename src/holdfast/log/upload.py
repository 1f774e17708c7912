"""A request's body under WSGI: counted, and its first bytes kept, as the application reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .entry import Entry


class CountedInput:
    """Stands for `wsgi.input`: reads nothing by itself, and passes on what was read as it is.

    Args:
        stream: the server's.
        entry: where the bytes are counted.
        length: the Content-Length; None where there is none.
    """

    def __init__(self, stream: Any, entry: Entry, length: int | None) -> None:
        self._stream = stream
        self._entry = entry
        self._length = length

    def _took(self, data: bytes, size: int | None) -> bytes:
        entry = self._entry
        if data:
            entry.bytes_in += len(data)
            kept = entry.body
            if kept is not None and len(kept) < entry.recorder.body_size:
                kept += data[: entry.recorder.body_size - len(kept)]
        elif size != 0 and self._length is not None and entry.bytes_in < self._length:
            entry.left = True  # the upload ended before it was whole
        return data

    def read(self, size: int | None = -1, *more: Any) -> bytes:
        """As the stream's."""
        try:
            data = self._stream.read(*(() if size is None else (size,)), *more)
        except OSError:
            self._entry.left = True
            raise
        return self._took(data, size)

    def readline(self, size: int | None = -1, *more: Any) -> bytes:
        """As the stream's."""
        try:
            # Not every server takes a size here.
            sized = () if size is None or size < 0 else (size,)
            data = self._stream.readline(*sized, *more)
        except OSError:
            self._entry.left = True
            raise
        return self._took(data, size)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """As the stream's."""
        lines, total = [], 0
        while line := self.readline():
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep(kept: bytearray | None, data: bytes, most: int) -> None:
    """Add *data* to what is *kept* of a body, up to *most* bytes of it."""
    if kept is not None and len(kept) < most:
        kept += data[: most - len(kept)]
