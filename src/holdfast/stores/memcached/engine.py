"""`MemcachedStore`: what all workers on all machines see, for as long as Memcached keeps it."""

from __future__ import annotations

import functools
import time
from builtins import set as set_
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from ..errors import UnsupportedByStoreError
from ..networked.leases import Lease, Leases
from ..networked.tags import NetworkedTags
from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from ..tags import COMMIT_TIMEOUT, seconds_of
from .address import read_address
from .async_engine import CANNOT_LIST, AsyncMemcachedStore
from .driver import BlockingDriver
from .locks import LockOperations
from .naming import Naming
from .operations import RecordOperations
from .spaces import Spaces
from .tags import MemcachedTagOperations
from .topics import LOG_LENGTH, TopicOperations

#: Connections to each server that calls of one process (of one event loop) share.
MAX_CONNECTIONS = 64


class MemcachedStore:
    """The `Store` of Memcached. Opens connections with the first call, in each process.

    Memcached forgets: what is old when memory is full, and everything when a server ends. It is
    made for caches; what must not be lost belongs elsewhere.

    A call blocks for a round trip of 30 to 60 µs on one machine, one with a topic for three; so it
    does under gevent, where it lets other greenlets run. Where a server of several is down, the
    calls for its keys fail, and no others.

    A TTL below 248 days ends to the hundredth of a second by the clocks of the machines that use
    the store; a longer one, and that of a number that was counted from nothing with a TTL of a
    minute or more, up to two seconds late.

    Args:
        url: `memcached://host[:11211],host...`, or `memcached:///path/to/socket`. `?prefix=` in it
            replaces `hf:`, which stands before each key.
        timeout: seconds for connecting, and for an answer.
        purpose: as for other stores. A full server evicts, whatever it holds.
        clearable: prefixes of keys that `clear` shall be able to clear. Each call on such a key
            asks for one number more in the same round trip.
        max_connections: to each server, of one process, or, asynchronous, of one event loop.
        log_length: positions that a reader of a topic may lag behind.
        commit_timeout: seconds after which the mark of a tag is over.

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
        clearable: Collection[bytes] = (),
        max_connections: int = MAX_CONNECTIONS,
        log_length: int = LOG_LENGTH,
        commit_timeout: float = COMMIT_TIMEOUT,
    ) -> None:
        address = read_address(url)
        self.url = address.shown
        self.timeout = timeout
        self._driver = BlockingDriver(address, timeout, max_connections)
        names = Naming(address, clearable)
        self.topics = TopicOperations(names, log_length)
        self.records = RecordOperations(Spaces(names, timeout), self.topics, timeout)
        self.locks = LockOperations(names)
        self.tag_operations = MemcachedTagOperations(names, timeout, seconds_of(commit_timeout))
        self.tags = NetworkedTags(self._driver.run, self.tag_operations)
        self.leases = Leases(self._extend, self.url, self.locks.server)
        self._open_asynchronous = functools.partial(
            AsyncMemcachedStore, self, address, max_connections
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"

    @functools.cached_property
    def asynchronous(self) -> AsyncMemcachedStore:
        """The same store for `await`."""
        return self._open_asynchronous()

    # Records

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        return self._driver.run(self.records.get(key))

    def set(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> None:
        """See `Store.set`."""
        self._driver.run(self.records.set(key, value, ttl, topic))

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
        """See `Store.replace`."""
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
        """Memcached can't list its keys.

        Raises:
            UnsupportedByStoreError: always.
        """
        raise UnsupportedByStoreError(CANNOT_LIST)

    def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """Clear a prefix that is `clearable`, at once. Returns 0, for nobody can count them.

        Raises:
            UnsupportedByStoreError: the prefix is none of `clearable`.
        """
        return self._driver.run(self.records.clear(prefix, topic))

    # The log of changes

    def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        return self._driver.run(self.topics.position(topic))

    def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`. A position is from the clock: use 0, or one that was given."""
        return self._driver.run(self.topics.changes(topic, since, limit))

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`. Memcached wakes nobody: polls, every 5 to 50 ms."""
        return self._driver.run(self.topics.wait_for_change(topic, since, timeout))

    # Locks

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`. Memcached wakes nobody: polls, every 5 to 50 ms."""
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
        return {
            (key, owner)
            for (key, owner), seconds in held.items()
            if not self._driver.run(self.locks.extend(key, owner, seconds))
        }

    # The store itself

    def stats(self) -> dict[str, object]:
        """The servers' own figures, added up."""
        return self._driver.run(self.records.stats())

    def close(self) -> None:
        """See `Store.close`. Locks that are held end with their leases.

        Connections of event loops are closed with their loops, or by `asynchronous.close`.
        """
        self.leases.let_all_go()
        self._driver.close()
