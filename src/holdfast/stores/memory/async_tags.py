"""Tags of the engine in memory, for async code: nothing here waits, so all is done in place."""

from __future__ import annotations

from collections.abc import Collection

from ..tags import Entry, Stamp
from .tags import MemoryTags


class AsyncMemoryTags:
    """See `AsyncTags`."""

    def __init__(self, tags: MemoryTags) -> None:
        self._tags = tags
        self.commit_timeout = tags.commit_timeout

    async def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        return self._tags.stamp()

    async def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        return self._tags.put(key, value, ttl, stamp, tags)

    async def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        return self._tags.get(key)

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        return self._tags.get_many(keys)

    async def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        return self._tags.valid(stamp, tags)

    async def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        return self._tags.sequence()

    async def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        self._tags.mark(tags, writer)

    async def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        self._tags.bump(tags, writer)

    async def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        self._tags.unmark(tags, writer)

    async def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        return self._tags.delete(key)

    async def clear(self) -> None:
        """See `Tags.clear`."""
        self._tags.clear()
