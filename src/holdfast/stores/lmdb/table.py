"""The records of one file: what each write does to the databases, inside its transaction.

Three databases belong together: the records by key, the index of those that expire, by time, and
in a cache the order of their insertion.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

from ..protocol import KEEP, KeptTTL, Operation, Token
from . import records
from .environment import Environment
from .eviction import Sieve
from .records import AFTER_RESULTS, EXPIRY, HEADER, NO_EXPIRY, RESULTS, SIZE, unpack
from .room import Room
from .topics import Topics

_INDEX = Struct(">qQ")
_CLOCK = Struct(">q")
#: Expired records that one write deletes, at most; made at each 64th, it keeps up with any writer.
SWEEP = 128
_CLEAR = 500


class Table:
    """Reads and writes records.

    Args:
        environment: the file.
        topics: where changes are noted.
        sieve: for a cache; None where nothing may be evicted.
        max_entries: records that a cache may hold; None: as many as there is room for.
        cull_frequency: when there are as many, one in so many goes; 0: all.
    """

    def __init__(
        self,
        environment: Environment,
        topics: Topics,
        sieve: Sieve | None,
        *,
        max_entries: int | None,
        cull_frequency: int,
    ) -> None:
        self._environment = environment
        self._databases = environment.databases
        self._topics = topics
        self._sieve = sieve
        self._marks = environment.marks
        self.room = Room(
            environment,
            sieve,
            remove=self.remove,
            sweep=self.sweep,
            drop=self.drop,
            max_entries=max_entries,
            cull_frequency=cull_frequency,
        )
        self._culls = max_entries is not None
        self._serial = 0
        self.swept = 0

    # Reading

    def find(self, txn: Any, key: bytes) -> tuple[bytes, bytes | memoryview | None]:
        """The engine's key, and the bytes of the record unless it has expired."""
        engine_key = records.engine_key(key)
        raw = txn.get(engine_key, db=self._databases[b"records"])
        if raw is not None and raw[EXPIRY] != NO_EXPIRY and self.expired(raw):
            raw = None
        return engine_key, raw

    def expired(self, raw: bytes | memoryview) -> bool:
        """Whether the record's time is over."""
        expiry = _CLOCK.unpack(raw[EXPIRY])[0]
        return bool(expiry) and expiry <= self._environment.clock.now()

    # Writing

    def set(
        self, txn: Any, key: bytes, value: bytes, ttl: float | None, topic: bytes | None
    ) -> None:
        """Write, whatever was there."""
        if ttl is not None and ttl <= 0:
            self.delete(txn, key, topic)
            return
        engine_key = key if 0 < len(key) <= records.LONGEST else records.long_key(key)
        old = txn.get(engine_key, db=self._databases[b"records"])
        self._put(txn, key, engine_key, value, self._environment.clock.expiry(ttl), old)
        if topic is not None:
            self._topics.note(txn, topic, Operation.SET, key)

    def set_many(
        self,
        txn: Any,
        items: Iterable[tuple[bytes, bytes]],
        ttl: float | None,
        topic: bytes | None,
    ) -> None:
        """Write all."""
        for key, value in items:
            self.set(txn, key, value, ttl, topic)

    def add(
        self, txn: Any, key: bytes, value: bytes, ttl: float | None, topic: bytes | None
    ) -> bool:
        """Write where there is nothing."""
        if self.find(txn, key)[1] is not None:
            return False
        self.set(txn, key, value, ttl, topic)
        return True

    def replace(  # noqa: PLR0913, PLR0917 - as in the protocol
        self,
        txn: Any,
        key: bytes,
        value: bytes | None,
        token: Token | None,
        ttl: KeptTTL,
        topic: bytes | None,
    ) -> bool:
        """Write where the record is the one that was read."""
        engine_key, raw = self.find(txn, key)
        if (None if raw is None else unpack(raw)[0]) != token:
            return False
        if value is None or (ttl is not None and ttl != KEEP and ttl <= 0):
            self.delete(txn, key, topic)
            return True
        if ttl != KEEP:
            expiry = self._environment.clock.expiry(ttl)
        else:
            expiry = 0 if raw is None else unpack(raw)[1]
        if raw is None:
            raw = txn.get(engine_key, db=self._databases[b"records"])
        self._put(txn, key, engine_key, value, expiry, raw)
        if topic is not None:
            self._topics.note(txn, topic, Operation.SET, key)
        return True

    def delete(self, txn: Any, key: bytes, topic: bytes | None) -> bool:
        """Whether there was something."""
        engine_key = records.engine_key(key)
        raw = txn.get(engine_key, db=self._databases[b"records"])
        if raw is None:
            return False
        there = not self.expired(raw)
        self.remove(txn, engine_key, raw)
        if there and topic is not None:
            self._topics.note(txn, topic, Operation.DELETE, key)
        return there

    def delete_many(self, txn: Any, keys: Iterable[bytes], topic: bytes | None) -> int:
        """How many there were."""
        return sum(self.delete(txn, key, topic) for key in keys)

    def touch(self, txn: Any, key: bytes, ttl: float | None) -> bool:
        """Give a new expiry."""
        engine_key, raw = self.find(txn, key)
        if raw is None:
            return False
        if ttl is not None and ttl <= 0:
            self.remove(txn, engine_key, raw)
        else:
            value = bytes(raw[SIZE + unpack(raw)[5] :])
            expiry = self._environment.clock.expiry(ttl)
            self._put(txn, key, engine_key, value, expiry, raw, False)
        return True

    def increment(
        self, txn: Any, key: bytes, delta: int, initial: int | None, ttl: float | None
    ) -> int:
        """Add, and return the sum."""
        engine_key, raw = self.find(txn, key)
        if raw is not None:
            header = unpack(raw)
            total = records.checked(records.number(raw[SIZE + header[5] :]) + delta)
            self._put(txn, key, engine_key, b"%d" % total, header[1], raw)
            return total
        if initial is None:
            raise KeyError(key)
        total = records.checked(initial + delta)
        self.set(txn, key, b"%d" % total, ttl, None)
        return total

    def _put(  # noqa: PLR0913, PLR0917 - the parts of a record
        self,
        txn: Any,
        key: bytes,
        engine_key: bytes,
        value: bytes,
        expiry: int,
        old: bytes | memoryview | None,
        used: bool = True,  # noqa: FBT001, FBT002 - a hot path
    ) -> None:
        """Write one record over *old*, the bytes that are there now, and keep the indexes right."""
        room = self.room
        size = SIZE + len(value)
        room.unmeasured -= size
        if room.unmeasured < 0:
            more = size if old is None else size - len(old)
            # What doesn't get longer needs no room, even in a store that is full.
            if more > 0:
                room.measure(txn, more)
                if old is not None and self._sieve is not None:
                    # It may have been evicted itself.
                    old = txn.get(engine_key, db=self._databases[b"records"])
        self._serial = (self._serial + 1) & 0xFFFF
        version = (txn.id() << 16) | self._serial
        if old is None:
            birth, indexed, slot = version, 0, self._insert(txn, engine_key, version)
        else:
            _, _, birth, indexed, slot, _ = unpack(old)
            if used and self._marks is not None:
                self._marks.bytes[slot & self._marks.mask] = 1
        # An index entry that comes too early is moved on by the sweep. So most writes need none.
        if expiry and (not indexed or expiry < indexed):
            if indexed:
                txn.delete(_INDEX.pack(indexed, birth), db=self._databases[b"expiry"])
            indexed = expiry
            txn.put(_INDEX.pack(indexed, birth), engine_key, db=self._databases[b"expiry"])
        kept_key = b"" if len(engine_key) <= records.LONGEST else key
        header = HEADER.pack(version, expiry, birth, indexed, slot, len(kept_key))
        txn.put(engine_key, header + kept_key + value, db=self._databases[b"records"])

    def _insert(self, txn: Any, engine_key: bytes, birth: int) -> int:
        """Make a place for a record that is new, and return its slot."""
        if self._culls:
            self.room.cull(txn)
        return 0 if self._sieve is None else self._sieve.insert(txn, birth, engine_key)

    def remove(self, txn: Any, engine_key: bytes, raw: bytes | memoryview) -> None:
        """Delete one record and what the indexes have of it."""
        _, _, birth, indexed, _, _ = unpack(raw)
        if indexed:
            txn.delete(_INDEX.pack(indexed, birth), db=self._databases[b"expiry"])
        if self._sieve is not None:
            self._sieve.deleted(txn, birth)
        txn.delete(engine_key, db=self._databases[b"records"])

    # What is over

    def sweep(self, txn: Any) -> int:
        """Delete a slice of what has expired. How many."""
        now = self._environment.clock.now()
        gone = 0
        with txn.cursor(self._databases[b"expiry"]) as index:
            for _ in range(SWEEP):
                if not index.first():
                    break
                entry, engine_key = bytes(index.key()), bytes(index.value())
                indexed, birth = _INDEX.unpack(entry)
                if indexed > now:
                    break
                index.delete()
                raw = txn.get(engine_key, db=self._databases[b"records"])
                if raw is None or unpack(raw)[2:4] != (birth, indexed):
                    continue  # not this record's entry any more
                header = unpack(raw)
                if header[1] and header[1] <= now:
                    self.remove(txn, engine_key, raw)
                    gone += 1
                else:
                    # It was written again since: look when that is over.
                    rest = bytes(raw[SIZE:])
                    version, expiry, _, _, slot, length = header
                    if expiry:
                        txn.put(
                            _INDEX.pack(expiry, birth), engine_key, db=self._databases[b"expiry"]
                        )
                    txn.put(
                        engine_key,
                        HEADER.pack(version, expiry, birth, expiry, slot, length) + rest,
                        db=self._databases[b"records"],
                    )
        self.swept += gone
        return gone

    # Many

    def page(self, txn: Any, prefix: bytes, after: bytes | None, limit: int) -> tuple[Any, Any]:
        """Keys of up to *limit* records, and the engine's key of the last, if there are more."""
        keys: list[bytes] = []
        beginning = records.beginning(prefix)
        with txn.cursor(self._databases[b"records"]) as cursor:
            there = cursor.set_range(beginning if after is None else after)
            if after is not None and there and bytes(cursor.key()) == after:
                there = cursor.next()
            last = None
            for _ in range(limit):
                if not there:
                    return keys, None
                engine_key, raw = bytes(cursor.key()), cursor.value()
                if not engine_key.startswith(beginning):
                    return keys, None
                if engine_key.startswith(RESULTS) and not prefix.startswith(RESULTS):
                    there = cursor.set_range(AFTER_RESULTS)
                    continue
                key = records.original_key(engine_key, raw)
                if key.startswith(prefix) and not self.expired(raw):
                    keys.append(key)
                last = engine_key
                there = cursor.next()
        return keys, last if there else None

    def clear(self, txn: Any, prefix: bytes, topic: bytes | None, first: bool) -> tuple[int, bool]:  # noqa: FBT001 - passed on as it is
        """Delete a slice. How many there were, and whether that was all."""
        if prefix:
            deleted, done = self._clear_slice(txn, prefix)
        else:
            deleted, done = self.drop(txn), True
        # At the first slice, since a process may die between two; at the last, since others may
        # have read the rest anew in between.
        if topic is not None and (first or done):
            self._topics.note(txn, topic, Operation.CLEAR, b"")
        return deleted, done

    def _clear_slice(self, txn: Any, prefix: bytes) -> tuple[int, bool]:
        beginning = records.beginning(prefix)
        deleted = removed = 0
        with txn.cursor(self._databases[b"records"]) as cursor:
            there = cursor.set_range(beginning)
            # Those that only look alike, by the beginning of a very long key, don't count: the next
            # slice would begin with them again, and so come to no end.
            while removed < _CLEAR:
                if not there:
                    return deleted, True
                engine_key, raw = bytes(cursor.key()), bytes(cursor.value())
                if not engine_key.startswith(beginning):
                    return deleted, True
                if records.original_key(engine_key, raw).startswith(prefix):
                    deleted += not self.expired(raw)
                    removed += 1
                    self.remove(txn, engine_key, raw)
                    there = cursor.set_range(engine_key)
                else:
                    there = cursor.next()
        return deleted, False

    def drop(self, txn: Any) -> int:
        """Delete all records at once. How many there were."""
        entries = txn.stat(self._databases[b"records"])["entries"]
        for name in (b"records", b"expiry", b"order"):
            txn.drop(self._databases[name], delete=False)
        return int(entries)
