"""`AsyncRedisStore`: the same store for `await`, through redis-py's own asynchronous client."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ..networked.tags import AsyncNetworkedTags
from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from .address import Address
from .driver import AsyncDriver
from .operations import milliseconds
from .records import pack, unpack

if TYPE_CHECKING:
    from .engine import RedisStore


class AsyncRedisStore:
    """What `RedisStore.asynchronous` is. Each event loop has connections of its own.

    They are closed when the loop shuts down. No call blocks the loop.
    """

    local = False

    def __init__(self, store: RedisStore, address: Address, max_connections: int) -> None:
        self.url = store.url
        self.timeout = store.timeout
        self._driver = AsyncDriver(address, store.timeout, max_connections)
        self._prefix = store.records.names.records
        self._records = store.records
        self._many = store.many
        self._topics = store.topics
        self._locks = store.locks
        self._leases = store.leases
        self.tags = AsyncNetworkedTags(self._driver.run, store.tag_operations)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    # Records

    async def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        stored = await self._driver.command("GET", self._prefix + key)
        return None if stored is None else unpack(stored)

    async def set(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set`."""
        if topic is not None or (ttl is not None and ttl <= 0):
            await self._driver.run(self._records.set(key, value, ttl, topic))
        elif ttl is None:
            await self._driver.command("SET", self._prefix + key, pack(value))
        else:
            expiry = ("PX", milliseconds(ttl))
            await self._driver.command("SET", self._prefix + key, pack(value), *expiry)

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
        """See `Store.replace`. A number is its own token: 5, 6 and 5 again pass for 5."""
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
        """See `Store.scan`. In no order; a key may be met twice; a page may be short or empty."""
        return await self._driver.run(self._many.scan(prefix, after, limit))

    async def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`. Looks at every key of the database."""
        return await self._driver.run(self._many.clear(prefix, topic))

    # The log of changes

    async def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        return await self._driver.run(self._topics.position(topic))

    async def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`. A position is from the server's clock: 0, or one that was given."""
        return await self._driver.run(self._topics.changes(topic, since, limit))

    async def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        return await self._driver.run(self._topics.wait_for_change(topic, since, timeout))

    # Locks

    async def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`."""
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
        """Some of the server's own figures."""
        return await self._driver.run(self._records.stats())

    async def close(self) -> None:
        """Let go of the running loop's connections. The next call opens them again."""
        await self._driver.close()
