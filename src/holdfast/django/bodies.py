"""The body of a request, noted as the view reads it: for middleware that wants to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

#: How many bytes are kept where nothing else is said.
_MOST = 65_536


def body_tee(request: HttpRequest, most: int = _MOST) -> BodyTee:
    """Have the first bytes of the body kept, as the view reads them.

    Call it before the view, in place of `request.body`, and ask the tee after it. Nothing is read
    that the view doesn't read: an upload that it takes as a stream stays one, its limits count, and
    a body that nobody reads is not waited for. Never blocks.

    Args:
        request: the request, of which nobody has begun to read the stream.
        most: how many bytes are kept; 64 KiB by default.
    """
    return BodyTee(request, most)


class BodyTee:
    """What a view has read of a request's body; made by `body_tee`.

    Attributes:
        size: how many bytes have been read so far.
    """

    def __init__(self, request: HttpRequest, most: int) -> None:
        self.size = 0
        self._most = most
        self._kept = bytearray()
        read_before: bytes | None = getattr(request, "_body", None)
        if read_before is not None:
            self._note(read_before)
        elif hasattr(request, "_stream"):
            streaming: Any = request
            streaming._stream = _Noted(streaming._stream, self)  # noqa: SLF001

    @property
    def taken(self) -> bytes:
        """The first bytes of what has been read so far."""
        return bytes(self._kept)

    def __repr__(self) -> str:
        return f"<BodyTee: {len(self._kept)} of {self.size} bytes>"

    def _note(self, data: bytes) -> bytes:
        self.size += len(data)
        if len(self._kept) < self._most:
            self._kept += data[: self._most - len(self._kept)]
        return data

    def _again(self) -> None:
        self.size = 0
        self._kept.clear()


class _Noted:
    """Stands for the request's stream."""

    def __init__(self, stream: Any, tee: BodyTee) -> None:
        self._stream = stream
        self._tee = tee

    def read(self, *size: Any, **more: Any) -> bytes:
        return self._tee._note(self._stream.read(*size, **more))  # noqa: SLF001

    def readline(self, *size: Any, **more: Any) -> bytes:
        return self._tee._note(self._stream.readline(*size, **more))  # noqa: SLF001

    def seek(self, offset: int, whence: int = 0) -> int:
        found: int = self._stream.seek(offset, whence)
        if found == 0:
            self._tee._again()  # noqa: SLF001 - it is read from its beginning once more
        return found

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
