"""The embedded store: all workers of one machine, no server."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..protocol import KEEP, TTL, Changes, KeptTTL, Page, Token
from . import fifos, topics, waiting
from .environment import lmdb
from .locks import Taken
from .parts import Parts
from .records import EXPIRY, LONGEST, NO_EXPIRY, SIZE, SLOT, unpack

if TYPE_CHECKING:
    from .asynchronous import AsyncLmdbStore
    from .tags import LmdbTags

# What is written in one turn, so that others get theirs.
_BATCH, _BATCH_BYTES = 500, 2**20


class LmdbStore:
    """Keeps bytes in an LMDB file that all processes of this machine map. See `Store`.

    A read takes microseconds and blocks nobody. A write takes its turn among all processes, which
    takes microseconds, too, unless the disk is asked to sync (*durable*); while others write it
    waits in steps of up to 5 ms, in the way of a thread, a greenlet or a task.

    Args:
        url: `lmdb:///path/to/directory`, or `lmdb://` for this project's own directory.
        timeout: seconds that a write waits for others.
        purpose: "state" is never evicted: a full store refuses (`StoreFull`). "cache" is.
        options: see `Parts`.

    Raises:
        StoreError: an option is unknown, or its value makes no sense. Nothing is opened yet.
    """

    local = True

    def __init__(
        self, url: str, *, timeout: float = 5.0, purpose: str = "state", **options: Any
    ) -> None:
        self.parts = Parts(url, timeout=timeout, purpose=purpose, **options)
        parts = self.parts
        self.url = parts.url
        self.timeout = timeout
        self._environment = parts.environment
        self._marks = parts.environment.marks
        self._transactions = parts.transactions
        self._table = parts.table
        self._topics = parts.topics
        self._locks = parts.locks
        self._read = parts.transactions.read
        self._write = parts.transactions.write

    @cached_property
    def asynchronous(self) -> AsyncLmdbStore:
        """The same store for async code."""
        from .asynchronous import AsyncLmdbStore

        return AsyncLmdbStore(self)

    @cached_property
    def tags(self) -> LmdbTags:
        """Results that stay as long as they are true."""
        from .tags import LmdbTags

        return LmdbTags(self.parts)

    # Records

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        if not 0 < len(key) <= LONGEST:
            return self._get_long(key)
        environment = self._environment
        begin = environment.begin
        try:
            raw: bytes | None = begin(environment.records).get(key)
        except lmdb().Error as error:
            raw = self._get_again(error, begin, key)
        if raw is None or (raw[EXPIRY] != NO_EXPIRY and self._table.expired(raw)):
            return None
        if self._marks is not None:
            self._marks.bytes[int.from_bytes(raw[SLOT]) & self._marks.mask] = 1
        return raw[SIZE:]

    def _get_again(self, error: Exception, begin: Any, key: bytes) -> bytes | None:
        """The bytes of the record, after what made the first try fail was mended."""
        self._transactions.recover(error, begin)
        raw: bytes | None = self._read(lambda txn: txn.get(key, db=self._environment.records))
        return raw

    def _get_long(self, key: bytes) -> bytes | None:
        found = self._read(self._get_in, key)
        return None if found is None else found[0]

    def _get_in(self, txn: Any, key: bytes) -> tuple[bytes, Token] | None:
        """Value and token."""
        raw = self._table.find(txn, key)[1]
        if raw is None:
            return None
        version, _, _, _, slot, length = unpack(raw)
        if length and raw[SIZE : SIZE + length] != key:
            return None
        if self._marks is not None:
            self._marks.bytes[slot & self._marks.mask] = 1
        return bytes(raw[SIZE + length :]), version

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        found: dict[bytes, bytes] = self._read(self._get_many_in, keys)
        return found

    def _get_many_in(self, txn: Any, keys: Collection[bytes]) -> dict[bytes, bytes]:
        found = {}
        get, database, marks = txn.get, self._environment.records, self._marks
        for key in keys:
            if 0 < len(key) <= LONGEST:
                raw = get(key, None, database)
                if raw is None or (raw[EXPIRY] != NO_EXPIRY and self._table.expired(raw)):
                    continue
                if marks is not None:
                    marks.bytes[int.from_bytes(raw[SLOT]) & marks.mask] = 1
                found[key] = raw[SIZE:]
            else:
                pair = self._get_in(txn, key)
                if pair is not None:
                    found[key] = pair[0]
        return found

    def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        found: tuple[bytes, Token] | None = self._read(self._get_in, key)
        return found

    def set(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> None:
        """See `Store.set`."""
        self._write(self._table.set, key, value, ttl, topic)
        if topic is not None:
            self.ring(topic)

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`. Written in slices, so that others get their turn."""
        for batch in slices(items):
            self._write(self._table.set_many, batch, ttl, topic)
            # After each, since the next may fail.
            if topic is not None:
                self.ring(topic)

    def add(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> bool:
        """See `Store.add`."""
        done: bool = self._write(self._table.add, key, value, ttl, topic)
        if topic is not None and done:
            self.ring(topic)
        return done

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
        done: bool = self._write(self._table.replace, key, value, token, ttl, topic)
        if topic is not None and done:
            self.ring(topic)
        return done

    def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        done: bool = self._write(self._table.delete, key, topic)
        if topic is not None and done:
            self.ring(topic)
        return done

    def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`."""
        deleted = 0
        for batch in batches(keys):
            count = self._write(self._table.delete_many, batch, topic)
            if topic is not None and count:
                self.ring(topic)
            deleted += count
        return deleted

    def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        done: bool = self._write(self._table.touch, key, ttl)
        return done

    def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        expiry: int = self._read(self._expiry_in, key)
        return max(0.001, (expiry - self._environment.clock.now()) / 1000) if expiry else None

    def _expiry_in(self, txn: Any, key: bytes) -> int:
        raw = self._table.find(txn, key)[1]
        if raw is None:
            raise KeyError(key)
        return unpack(raw)[1]

    def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`."""
        total: int = self._write(self._table.increment, key, delta, initial, ttl)
        return total

    # Many records

    def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """See `Store.scan`. Looks at *limit* records, of which some may be over."""
        return Page(*self._read(self._table.page, prefix, after, limit))

    def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`. With no prefix at all, in one step."""
        deleted, first, done = 0, True, False
        while not done:
            count, done = self._write(self._table.clear, prefix, topic, first)
            if topic is not None and (first or done):
                self.ring(topic)
            deleted += count
            first = False
        return deleted

    # The log of changes

    def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        position: int = self._read(self._topics.position, topic)
        return position

    def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`."""
        found: Changes = self._read(self._topics.changes, topic, since, limit)
        return found

    def ring(self, topic: bytes) -> None:
        """Wake who waits for a change of *topic*."""
        fifos.ring(self._bell(topic))

    def _bell(self, topic: bytes) -> str:
        return f"{self._environment.waits}/topic-{topics.name(topic).hex()}"

    def listen(self, topic: bytes) -> int:
        """The descriptor of a bell that is rung after the next change."""
        self._environment.open()
        bell = None
        while bell is None:
            fifos.make(self._bell(topic))
            bell = fifos.listen(self._bell(topic))
        return bell

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        deadline = time.monotonic() + timeout
        while True:
            # Listening first: what is noted after the look is heard.
            bell = self.listen(topic)
            try:
                if self.position(topic) > since:
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or not waiting.readable(bell, left):
                    return self.position(topic) > since
            finally:
                os.close(bell)

    # Locks

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`. Waiters hear of a release, and of the holder's death, at once."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            taken = self._write(self._locks.take, key, owner, ttl)
            if not isinstance(taken, Taken):
                return self._locks.keep(key, owner, taken)
            try:
                seconds = taken.until(deadline)
                if seconds <= 0:
                    return None
                waiting.readable(taken.bell, seconds)
            finally:
                os.close(taken.bell)

    def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        renewed = self._write(self._locks.renew, key, owner, ttl)
        if renewed is not None:
            self._locks.prolong(key, owner, renewed)
        return renewed is not None

    def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        try:
            released = self._write(self._locks.release, key, owner)
        except BaseException:
            # It didn't get its turn, and whoever waits needn't wait for the lock's time to be over.
            self._locks.drop(key, owner)
            raise
        self._locks.drop(key, owner, None if released is None else released[0])
        return released is not None and released[1]

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """See `Store.still_held`. It is lost only by its time."""
        return True

    # The store itself

    def stats(self) -> dict[str, object]:
        """See `Store.stats`."""
        figures: dict[str, object] = self._read(self.parts.stats)
        return figures

    def close(self) -> None:
        """See `Store.close`. Locks that this store holds are let go of."""
        self._locks.close()
        self._environment.close()


def batches(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The keys, as many at once as one turn may delete."""
    rest = iter(keys)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def slices(items: Mapping[bytes, bytes]) -> Iterator[list[tuple[bytes, bytes]]]:
    """The items, as many at once as one turn may write."""
    batch: list[tuple[bytes, bytes]] = []
    size = 0
    for item in items.items():
        batch.append(item)
        size += len(item[1])
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
