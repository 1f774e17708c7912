"""`RedisStore`: state that all workers on all machines see, kept by Redis or Valkey."""

from __future__ import annotations

import functools
import time
from builtins import set as set_
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from ..networked.leases import Lease, Leases
from ..networked.tags import NetworkedTags
from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from ..tags import COMMIT_TIMEOUT, seconds_of
from .address import read_address
from .async_engine import AsyncRedisStore
from .connections import MAX_CONNECTIONS
from .driver import BlockingDriver
from .locks import LockOperations
from .many import ManyOperations
from .naming import Naming
from .operations import RecordOperations, milliseconds
from .records import pack, unpack
from .tags import TAG_LIMIT, RedisTagOperations
from .topics import TopicOperations

#: Changes kept for each topic.
LOG_LENGTH = 10_000


class RedisStore:
    """The `Store` of Redis and Valkey. Opens connections with the first call, in each process.

    A call blocks for one round trip, 60 to 100 µs on one machine; so it does under gevent, where it
    lets other greenlets run. No call outlives *timeout* but by what connecting takes.

    Args:
        url: `redis://`, `rediss://`, `valkey://`, `unix://`, `redis+sentinel://h1,h2/service`,
            `redis+cluster://h1,h2`. `?prefix=` in it replaces `hf:`, which stands before each key.
        timeout: seconds for connecting, and for an answer.
        purpose: what a full server may do about it is the server's own setting; not used.
        max_connections: of one process, or, asynchronous, of one event loop. Calls beyond wait.
        log_length: about so many changes are kept for each topic.
        commit_timeout: seconds after which the mark of a tag is over.
        tag_limit: tags whose last change is remembered; they take some 120 bytes each.

    Raises:
        StoreError: the URL makes no sense.
    """

    local = False

    def __init__(  # noqa: PLR0913 - one for each setting
        self,
        url: str,
        *,
        timeout: float = 1.0,
        purpose: Literal["state", "cache"] = "state",
        max_connections: int = MAX_CONNECTIONS,
        log_length: int = LOG_LENGTH,
        commit_timeout: float = COMMIT_TIMEOUT,
        tag_limit: int = TAG_LIMIT,
    ) -> None:
        address = read_address(url)
        self.url = address.shown
        self.timeout = timeout
        self._driver = BlockingDriver(address, timeout, max_connections)
        names = Naming(address.prefix, cluster=address.kind == "cluster")
        self._prefix = names.records
        self.records = RecordOperations(names, log_length)
        self.many = ManyOperations(names, log_length, timeout / 2)
        self.topics = TopicOperations(names, timeout / 2)
        self.locks = LockOperations(names, timeout / 2)
        self.tag_operations = RedisTagOperations(
            names, seconds_of(commit_timeout), int(tag_limit), self.many
        )
        self.tags = NetworkedTags(self._driver.run, self.tag_operations)
        self.leases = Leases(self._extend, self.url)
        self._open_asynchronous = functools.partial(AsyncRedisStore, self, address, max_connections)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @functools.cached_property
    def asynchronous(self) -> AsyncRedisStore:
        """The same store for `await`."""
        return self._open_asynchronous()

    # Records. The two that matter most need no operation.

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        stored = self._driver.ask("GET", self._prefix + key)
        return None if stored is None else unpack(stored)

    def set(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> None:
        """See `Store.set`."""
        if topic is not None or (ttl is not None and ttl <= 0):
            self._driver.run(self.records.set(key, value, ttl, topic))
            return
        name = self._prefix + key
        if ttl is None:
            self._driver.ask("SET", name, pack(value))
        else:
            self._driver.ask("SET", name, pack(value), "PX", milliseconds(ttl))

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        return self._driver.run(self.records.get_many(keys))

    def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        return self._driver.run(self.records.gets(key))

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`."""
        self._driver.run(self.records.set_many(items, ttl, topic))

    def add(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> bool:
        """See `Store.add`."""
        return self._driver.run(self.records.add(key, value, ttl, topic))

    def replace(
        self,
        key: bytes,
        value: bytes | None,
        token: Token | None,
        ttl: KeptTTL = KEEP,
        *,
        topic: bytes | None = None,
    ) -> bool:
        """See `Store.replace`. A number is its own token: 5, 6 and 5 again pass for 5."""
        return self._driver.run(self.records.replace(key, value, token, ttl, topic))

    def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        return self._driver.run(self.records.delete(key, topic))

    def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`."""
        return self._driver.run(self.records.delete_many(keys, topic))

    def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        return self._driver.run(self.records.touch(key, ttl))

    def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        return self._driver.run(self.records.expires_in(key))

    def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`. *delta* itself has 64 bits."""
        return self._driver.run(self.records.increment(key, delta, initial, ttl))

    # Many records

    def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """See `Store.scan`. In no order; a key may be met twice; a page may be short or empty."""
        return self._driver.run(self.many.scan(prefix, after, limit))

    def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`. Looks at every key of the database."""
        return self._driver.run(self.many.clear(prefix, topic))

    # The log of changes

    def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        return self._driver.run(self.topics.position(topic))

    def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`. A position is from the server's clock: 0, or one that was given."""
        return self._driver.run(self.topics.changes(topic, since, limit))

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        return self._driver.run(self.topics.wait_for_change(topic, since, timeout))

    # Locks

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`."""
        taken = self._driver.run(self.locks.acquire(key, owner, ttl, timeout))
        if taken is None:
            return None
        self.leases.hold(key, owner, ttl, taken.begun)
        return taken.fence

    def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        begun = time.monotonic()
        held = self._driver.run(self.locks.renew(key, owner, ttl))
        if held:
            self.leases.hold(key, owner, ttl, begun)
        return held

    def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        self.leases.let_go(key, owner)
        return self._driver.run(self.locks.release(key, owner))

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """See `Store.still_held`."""
        return self.leases.still_held(key, owner)

    def _extend(self, held: dict[Lease, float]) -> set_[Lease]:
        replies = self._driver.batch(
            [self.locks.extend(key, owner, seconds) for (key, owner), seconds in held.items()]
        )
        return {lease for lease, reply in zip(held, replies, strict=True) if not reply}

    # The store itself

    def stats(self) -> dict[str, object]:
        """Some of the server's own figures."""
        return self._driver.run(self.records.stats())

    def close(self) -> None:
        """See `Store.close`. Locks that are held end with their leases.

        Connections of event loops are closed with their loops, or by `asynchronous.close`.
        """
        self.leases.let_all_go()
        self._driver.close()
