"""Results with tags in the embedded store, for async code.

A read runs in place. So does a change, once it has its turn; until then the event loop goes on.
"""

from __future__ import annotations

from collections.abc import Collection

from ..tags import Entry, Stamp
from . import waiting
from .parts import Parts
from .records import RESULTS
from .tag_table import tag_key
from .tags import LmdbTags, keys_of, prepared


class AsyncLmdbTags:
    """See `AsyncTags`. Made by `AsyncLmdbStore.tags`."""

    def __init__(self, tags: LmdbTags, parts: Parts) -> None:
        self.commit_timeout = tags.commit_timeout
        self._in_place = tags
        self._table = parts.table
        self._tags = parts.tag_table
        self._read = parts.transactions.read
        self._write = parts.transactions.write_async

    async def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        return self._in_place.stamp()

    async def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        return self._in_place.sequence()

    async def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        keys = [tag_key(tag) for tag in tags]
        valid, over = self._read(self._in_place.valid_in, stamp, keys)
        if over:
            await self._write(self._tags.settle, over)
        return bool(valid)

    async def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        entry: Entry | None
        entry, over = self._read(self._in_place.get_in, key)
        if over:
            await self._write(self._tags.settle, over)
        return entry

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        found, over = self._read(self._in_place.get_many_in, keys)
        if over:
            await self._write(self._tags.settle, over)
        return dict(found)

    async def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        if ttl is not None and ttl <= 0:
            return False
        step = prepared(key, value, ttl, stamp, tags)
        done: bool = await self._write(self._in_place.put_in, *step)
        return done

    async def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        if tags:
            await self._write(self._tags.mark, keys_of(tags), writer, self.commit_timeout)

    async def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        if tags:
            await self._write(self._tags.bump, keys_of(tags), writer)

    async def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        if tags:
            await self._write(self._tags.unmark, keys_of(tags), writer)

    async def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        done: bool = await self._write(self._table.delete, RESULTS + key, None)
        return done

    async def clear(self) -> None:
        """See `Tags.clear`. Other tasks run between the slices."""
        done = False
        while not done:
            _, done = await self._write(self._table.clear, RESULTS, None, False)
            await waiting.sleep_async(0)
