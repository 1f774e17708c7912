"""`AsyncMemcachedStore`: the same store for `await`."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import UnsupportedByStoreError
from ..networked.tags import AsyncNetworkedTags
from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from .address import Address
from .driver import AsyncDriver

if TYPE_CHECKING:
    from .engine import MemcachedStore

CANNOT_LIST = "Memcached can't list its keys; what must be iterated belongs into LMDB or Redis"


class AsyncMemcachedStore:
    """What `MemcachedStore.asynchronous` is. Each event loop has connections of its own.

    They are closed when the loop shuts down. No call blocks the loop.
    """

    local = False

    def __init__(self, store: MemcachedStore, address: Address, max_connections: int) -> None:
        self.url = store.url
        self.timeout = store.timeout
        self._driver = AsyncDriver(address, store.timeout, max_connections)
        self._records = store.records
        self._topics = store.topics
        self._locks = store.locks
        self._leases = store.leases
        self.tags = AsyncNetworkedTags(self._driver.run, store.tag_operations)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    # Records

    async def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        return await self._driver.run(self._records.get(key))

    async def set(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set`."""
        await self._driver.run(self._records.set(key, value, ttl, topic))

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        return await self._driver.run(self._records.get_many(keys))

    async def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        return await self._driver.run(self._records.gets(key))

    async def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`."""
        await self._driver.run(self._records.set_many(items, ttl, topic))

    async def add(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> bool:
        """See `Store.add`."""
        return await self._driver.run(self._records.add(key, value, ttl, topic))

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
        return await self._driver.run(self._records.replace(key, value, token, ttl, topic))

    async def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        return await self._driver.run(self._records.delete(key, topic))

    async def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`."""
        return await self._driver.run(self._records.delete_many(keys, topic))

    async def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        return await self._driver.run(self._records.touch(key, ttl))

    async def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        return await self._driver.run(self._records.expires_in(key))

    async def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`. *delta* itself has 64 bits."""
        return await self._driver.run(self._records.increment(key, delta, initial, ttl))

    # Many records

    async def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """Memcached can't list its keys.

        Raises:
            UnsupportedByStoreError: always.
        """
        raise UnsupportedByStoreError(CANNOT_LIST)

    async def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """Clear a prefix that is `clearable`, at once. Returns 0, for nobody can count them.

        Raises:
            UnsupportedByStoreError: the prefix is none of `clearable`.
        """
        return await self._driver.run(self._records.clear(prefix, topic))

    # The log of changes

    async def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        return await self._driver.run(self._topics.position(topic))

    async def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`. A position is from the clock: use 0, or one that was given."""
        return await self._driver.run(self._topics.changes(topic, since, limit))

    async def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`. Memcached wakes nobody: polls, every 5 to 50 ms."""
        return await self._driver.run(self._topics.wait_for_change(topic, since, timeout))

    # Locks

    async def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`. Memcached wakes nobody: polls, every 5 to 50 ms."""
        taken = await self._driver.run(self._locks.acquire(key, owner, ttl, timeout))
        if taken is None:
            return None
        self._leases.hold(key, owner, ttl, taken.begun)
        return taken.fence

    async def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        begun = time.monotonic()
        held = await self._driver.run(self._locks.renew(key, owner, ttl))
        if held:
            self._leases.hold(key, owner, ttl, begun)
        return held

    async def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        self._leases.let_go(key, owner)
        return await self._driver.run(self._locks.release(key, owner))

    # The store itself

    async def stats(self) -> dict[str, object]:
        """The servers' own figures, added up."""
        return await self._driver.run(self._records.stats())

    async def close(self) -> None:
        """Let go of the running loop's connections. The next call opens them again."""
        await self._driver.close()
