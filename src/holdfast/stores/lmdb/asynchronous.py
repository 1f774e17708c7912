"""The embedded store for async code.

A read runs in place: it takes microseconds, less than any way to another thread. So does a write,
once it has its turn; until then the event loop goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from . import waiting
from .engine import batches, slices
from .locks import Taken

if TYPE_CHECKING:
    from .async_tags import AsyncLmdbTags
    from .engine import LmdbStore


class AsyncLmdbStore:
    """See `AsyncStore`. Made by `LmdbStore.asynchronous`; usable from any event loop."""

    local = True

    def __init__(self, store: LmdbStore) -> None:
        self._store = store
        self.url = store.url
        self.timeout = store.timeout
        self._table = store.parts.table
        self._locks = store.parts.locks
        self._write = store.parts.transactions.write_async

    @cached_property
    def tags(self) -> AsyncLmdbTags:
        """The same as `LmdbStore.tags`, to await."""
        from .async_tags import AsyncLmdbTags

        return AsyncLmdbTags(self._store.tags, self._store.parts)

    async def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        return self._store.get(key)

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        return self._store.get_many(keys)

    async def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        return self._store.gets(key)

    async def set(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set`."""
        await self._write(self._table.set, key, value, ttl, topic)
        if topic is not None:
            self._store.ring(topic)

    async def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`. Other tasks run between the slices."""
        for batch in slices(items):
            await self._write(self._table.set_many, batch, ttl, topic)
            # After each, since the next may fail, or be cancelled.
            if topic is not None:
                self._store.ring(topic)
            await waiting.sleep_async(0)

    async def add(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> bool:
        """See `Store.add`."""
        done: bool = await self._write(self._table.add, key, value, ttl, topic)
        if topic is not None and done:
            self._store.ring(topic)
        return done

    async def replace(
        self,
        key: bytes,
        value: bytes | None,
        token: Token | None,
        ttl: KeptTTL = KEEP,
        *,
        topic: bytes | None = None,
    ) -> bool:
        """See `Store.replace`."""
        done: bool = await self._write(self._table.replace, key, value, token, ttl, topic)
        if topic is not None and done:
            self._store.ring(topic)
        return done

    async def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        done: bool = await self._write(self._table.delete, key, topic)
        if topic is not None and done:
            self._store.ring(topic)
        return done

    async def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`. Other tasks run between the slices."""
        deleted = 0
        for batch in batches(keys):
            count = await self._write(self._table.delete_many, batch, topic)
            if topic is not None and count:
                self._store.ring(topic)
            deleted += count
            await waiting.sleep_async(0)
        return deleted

    async def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        done: bool = await self._write(self._table.touch, key, ttl)
        return done

    async def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        return self._store.expires_in(key)

    async def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`."""
        total: int = await self._write(self._table.increment, key, delta, initial, ttl)
        return total

    async def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """See `Store.scan`."""
        return self._store.scan(prefix, after=after, limit=limit)

    async def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`. Other tasks run between the slices."""
        deleted, first, done = 0, True, False
        while not done:
            count, done = await self._write(self._table.clear, prefix, topic, first)
            if topic is not None and (first or done):
                self._store.ring(topic)
            deleted += count
            first = False
            await waiting.sleep_async(0)
        return deleted

    async def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        return self._store.position(topic)

    async def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`."""
        return self._store.changes(topic, since, limit=limit)

    async def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        deadline = time.monotonic() + timeout
        while True:
            bell = self._store.listen(topic)
            try:
                if self._store.position(topic) > since:
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or not await waiting.readable_async(bell, left):
                    return self._store.position(topic) > since
            finally:
                os.close(bell)

    async def acquire(
        self,
        key: bytes,
        owner: bytes,
        ttl: float,
        *,
        timeout: float | None = None,
    ) -> int | None:
        """See `Store.acquire`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            taken = await self._write(self._locks.take, key, owner, ttl)
            if not isinstance(taken, Taken):
                return self._locks.keep(key, owner, taken)
            try:
                seconds = taken.until(deadline)
                if seconds <= 0:
                    return None
                await waiting.readable_async(taken.bell, seconds)
            finally:
                os.close(taken.bell)

    async def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        renewed = await self._write(self._locks.renew, key, owner, ttl)
        if renewed is not None:
            self._locks.prolong(key, owner, renewed)
        return renewed is not None

    async def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        try:
            released = await self._write(self._locks.release, key, owner)
        except BaseException:
            self._locks.drop(key, owner)
            raise
        self._locks.drop(key, owner, None if released is None else released[0])
        return released is not None and released[1]

    async def stats(self) -> dict[str, object]:
        """See `Store.stats`."""
        return self._store.stats()

    async def close(self) -> None:
        """See `Store.close`."""
        self._store.close()
