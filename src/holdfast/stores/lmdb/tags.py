"""Results with tags in the embedded store: reads take microseconds, and see one state of all."""

from __future__ import annotations

from collections.abc import Collection
from struct import Struct
from typing import Any

from ..tags import Entry, Look, Stamp
from .environment import lmdb
from .parts import Parts
from .records import (
    AFTER_RESULTS,
    EXPIRY,
    LENGTH,
    LONGEST,
    NO_EXPIRY,
    NO_KEY,
    RESULTS,
    SIZE,
    SLOT,
    unpack,
)
from .tag_table import (
    EPOCH,
    FLOOR,
    MARKED,
    SEQUENCE,
    STATE,
    pack_tags,
    tag_key,
    unpack_tags,
)

#: Of a result, within its record: the stamp, and how many bytes of tags come before the value.
_HEAD = Struct(">16sI")
_LONGEST = LONGEST - len(RESULTS)


class LmdbTags:
    """See `Tags`. Made by `LmdbStore.tags`.

    Reads block nobody. A change takes its turn among all writers, as every write does. Results lie
    among the store's records, are evicted like them, and expire like them. Tags don't: as many are
    remembered as the store's size has kilobytes.

    A file must not be removed while processes use it: those that have it open go on with it.
    """

    def __init__(self, parts: Parts) -> None:
        self.commit_timeout = parts.commit_timeout
        self._environment = parts.environment
        self._marks = parts.environment.marks
        self._transactions = parts.transactions
        self._table = parts.table
        self._tags = parts.tag_table
        self._read = parts.transactions.read
        self._write = parts.transactions.write

    # Reading

    def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        found: Stamp | None = self._read(self._tags.stamp)
        return found

    def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        environment = self._environment
        begin = environment.begin
        try:
            state: bytes = begin().get(STATE, None, environment.meta)
        except lmdb().Error as error:
            self._transactions.recover(error, begin)
            state = self._read(lambda txn: txn.get(STATE, db=self._environment.meta))
        return state

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        keys = [tag_key(tag) for tag in tags]
        valid, over = self._read(self.valid_in, stamp, keys)
        if over:
            self._write(self._tags.settle, over)
        return bool(valid)

    def valid_in(self, txn: Any, stamp: Stamp, keys: Collection[bytes]) -> tuple[bool, list[bytes]]:
        """Whether it is; and which of the tags have a mark that is over."""
        environment = self._environment
        get, tags = txn.get, environment.tags
        state = get(STATE, None, environment.meta)
        if stamp[EPOCH] != state[EPOCH]:
            return False, []
        number = stamp[SEQUENCE]
        for key in keys:
            raw = get(key, None, tags)
            if raw is None:
                if state[FLOOR] > number:
                    return False, []
            elif raw > number:
                return False, self._tags.over(txn, keys) if raw[:8] == MARKED else []
        return True, []

    def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        entry: Entry | None
        if len(key) > _LONGEST:
            entry, over = self._read(self.get_in, key)
        else:
            environment = self._environment
            begin = environment.begin
            try:
                txn = begin()
                entry, over = self.get_in(txn, key)
            except lmdb().Error as error:
                self._transactions.recover(error, begin)
                entry, over = self._read(self.get_in, key)
        if over:
            self._write(self._tags.settle, over)
        return entry

    def get_in(self, txn: Any, key: bytes) -> tuple[Entry | None, list[bytes]]:
        """The result; and which of its tags have a mark that is over."""
        environment = self._environment
        if len(key) <= _LONGEST:
            raw = txn.get(RESULTS + key, None, environment.records)
        else:
            raw = self._table.find(txn, RESULTS + key)[1]
        if raw is None:
            return None, []
        if raw[EXPIRY] == NO_EXPIRY:
            left = None
        else:
            left = (int.from_bytes(raw[EXPIRY]) - environment.clock.now()) / 1000
            if left <= 0:
                return None, []
        if self._marks is not None:
            self._marks.bytes[int.from_bytes(raw[SLOT]) & self._marks.mask] = 1
        begin = SIZE
        if raw[LENGTH] != NO_KEY:
            begin += unpack(raw)[5]
            if raw[SIZE:begin] != RESULTS + key:
                return None, []
        stamp, length = _HEAD.unpack_from(raw, begin)
        begin += _HEAD.size
        names, keys = unpack_tags(raw[begin : begin + length])
        valid, over = self.valid_in(txn, stamp, keys)
        return Entry(raw[begin + length :], names, stamp, valid, left), over

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        found, over = self._read(self.get_many_in, keys)
        if over:
            self._write(self._tags.settle, over)
        return dict(found)

    def get_many_in(
        self, txn: Any, keys: Collection[bytes]
    ) -> tuple[dict[bytes, Entry], list[bytes]]:
        """Those that there are; and which tags have a mark that is over."""
        found: dict[bytes, Entry] = {}
        over: list[bytes] = []
        for key in keys:
            entry, some = self.get_in(txn, key)
            if entry is not None:
                found[key] = entry
            over += some
        return found, over

    # Writing

    def put(
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
        done: bool = self._write(self.put_in, *prepared(key, value, ttl, stamp, tags))
        return done

    def put_in(  # noqa: PLR0913, PLR0917 - as in the protocol
        self,
        txn: Any,
        key: bytes,
        record: bytes,
        ttl: float | None,
        stamp: Stamp,
        keys: Collection[bytes],
    ) -> bool:
        """Look, and write, in one step."""
        self._tags.settle(txn, keys)
        if not self._tags.holds(txn, stamp, keys):
            return False
        self._table.set(txn, key, record, ttl, None)
        return True

    def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        if tags:
            self._write(self._tags.mark, keys_of(tags), writer, self.commit_timeout)

    def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        if tags:
            self._write(self._tags.bump, keys_of(tags), writer)

    def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        if tags:
            self._write(self._tags.unmark, keys_of(tags), writer)

    def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        done: bool = self._write(self._table.delete, RESULTS + key, None)
        return done

    def clear(self) -> None:
        """See `Tags.clear`. In slices, so that others get their turn."""
        done = False
        while not done:
            _, done = self._write(self._table.clear, RESULTS, None, False)

    def look(self, tags: Collection[bytes], *, count: bool = False) -> Look:
        """See `Tags.look`. Counting goes through all keys, which blocks nobody."""
        found: Look = self._read(self._look_in, tags, count)
        return found

    def _look_in(self, txn: Any, tags: Collection[bytes], count: bool) -> Look:  # noqa: FBT001 - passed on as it is
        found = self._tags.look(txn, tags, count)
        if not count:
            return found
        results = 0
        with txn.cursor(self._environment.records) as cursor:
            there = cursor.set_range(RESULTS)
            while there and bytes(cursor.key()) < AFTER_RESULTS:
                results += 1
                there = cursor.next()
        return found._replace(results=results)


def keys_of(tags: Collection[bytes]) -> list[bytes]:
    """Each once."""
    return [tag_key(tag) for tag in dict.fromkeys(tags)]


def prepared(
    key: bytes, value: bytes, ttl: float | None, stamp: Stamp, tags: Collection[bytes]
) -> tuple[bytes, bytes, float | None, Stamp, list[bytes]]:
    """What `LmdbTags.put_in` takes."""
    packed = pack_tags(tags)
    record = _HEAD.pack(stamp, len(packed)) + packed + value
    return RESULTS + key, record, ttl, stamp, keys_of(tags)
