"""Bodies that are produced piece by piece: each records what it reads first, last, and at its end."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from target import subject
from target.gates import apause, pause
from target.record import record

CHUNK = b"." * 2048 + b"\n"


class BrokenStream(Exception):
    """Raised in the middle of a body, on purpose."""


def produce(place: str, marker: str, chunks: int = 4, fails: bool = False) -> Iterator[bytes]:
    try:
        record(place, "first", marker, subject.read())
        for _ in range(chunks):
            yield CHUNK
            pause(marker)
        if fails:
            raise BrokenStream
        record(place, "last", marker, subject.read())
        yield b"last"
    finally:
        record(place, "finally", marker, subject.read())


async def aproduce(
    place: str, marker: str, chunks: int = 4, fails: bool = False, held_by: Any = None
) -> AsyncIterator[bytes]:
    # held_by: whatever refers to this generator as well, so that only the collector frees both.
    try:
        record(place, "first", marker, subject.read())
        for _ in range(chunks):
            yield CHUNK
            await apause(marker)
        if fails:
            raise BrokenStream
        record(place, "last", marker, subject.read())
        yield b"last"
    finally:
        record(place, "finally", marker, subject.read())
