"""Bodies produced piece by piece: each records what it reads first, last, and at its end."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

from target import subject
from target.gates import apause, pause
from target.record import record

# The collector runs when the client asks for it, in the middle of another request (/at/collect/):
# otherwise it would be luck where an abandoned body is closed.
gc.disable()
CHUNK = b"." * 2048 + b"\n"


class BrokenStreamError(Exception):
    """Raised in the middle of a body, on purpose."""


def produce(place: str, marker: str, chunks: int = 4, *, fails: bool = False) -> Iterator[bytes]:
    try:
        record(place, "first", marker, subject.read())
        for _ in range(chunks):
            yield CHUNK
            pause(marker)
        if fails:
            raise BrokenStreamError
        record(place, "last", marker, subject.read())
        yield b"last"
    finally:
        record(place, "finally", marker, subject.read())


async def aproduce(
    place: str, marker: str, chunks: int = 4, *, fails: bool = False
) -> AsyncIterator[bytes]:
    try:
        record(place, "first", marker, subject.read())
        for _ in range(chunks):
            yield CHUNK
            await apause(marker)
        if fails:
            raise BrokenStreamError
        record(place, "last", marker, subject.read())
        yield b"last"
    finally:
        record(place, "finally", marker, subject.read())


async def aproduce_until_left(place: str, marker: str, circle: list[Any]) -> AsyncIterator[bytes]:
    """A body that its client leaves: as `circle` refers to it, only the collector can close it.

    It waits nowhere but at its yields, so no cancellation reaches it: that ends `slowly`.
    """
    try:
        record(place, "first", marker, subject.read())
        for _ in range(60):
            yield CHUNK
    finally:
        record(place, "finally", marker, subject.read())
        circle.clear()


async def slowly(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What a compressing or throttling middleware does: it never closes the body it reads."""
    async for chunk in body:
        yield chunk
        await asyncio.sleep(0.005)
