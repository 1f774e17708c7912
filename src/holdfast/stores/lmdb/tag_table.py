"""Tags in the file: what each step of the protocol does to the databases, inside its transaction.

LMDB's transactions make every step whole: a reader sees one state of results, tags and sequence,
and a writer that is killed has written nothing. So the argument for safety is short: `stamp`, the
check of a hit, the check and the storing of `put`, `mark`, `bump` and `unmark` each happen at one
moment, in one order for all processes.

    meta, "tags"   the state: epoch, sequence, floor, and until when nothing may be stored
    tags           by tag: the number that counts, 8 bytes. While it is marked, that is the largest
                   there is, so that one comparison tells everything; the number of the last bump
                   follows (0: none that is known), then for each mark its writer's digest and the
                   moment when it is over
    forgetting     number and tag, so that those bumped longest ago come first

A tag that has no record was not bumped since the *floor*. Only the tags bumped last are kept: to
forget one is to raise the floor to its number, which makes results invalid, never valid.

Moments are milliseconds since the machine started, so a mark outlives no step of the wall clock,
and ends none the sooner. They mean nothing in the next boot: there, marks that a durable file kept
begin anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Any

from ..tags import Look, TagState
from .clock import since_boot
from .records import NUMBER

if TYPE_CHECKING:
    from .environment import Environment

_STATE = Struct(">8sQQQ")
STATE = b"tags"
#: Where the epoch ends in a stamp and in the state, and where the state's floor is.
EPOCH = slice(0, 8)
SEQUENCE = slice(8, 16)
STAMP = slice(0, 16)
FLOOR = slice(16, 24)

#: As a number: marked. Larger than any, also as bytes.
MARKED = b"\xff" * 8
_MARK = Struct(">16sQ")
_MARKS_FROM = 16

#: Before a tag's own bytes, in a result: how many there are; and how long each is.
_COUNT = Struct(">I")
_LONGEST = 64
#: Bytes of live data that a store may hold, for each tag that it remembers.
BYTES_FOR_A_TAG = 1024
_FEWEST = 1024
#: Tags that one step forgets beyond those that it adds.
_FORGET = 16


def tag_key(tag: bytes) -> bytes:
    """Under what the databases have a tag: itself, or of a longer one (or empty) 65 bytes."""
    if 0 < len(tag) <= _LONGEST:
        return tag
    return tag[:33].ljust(33, b"\0") + blake2b(tag, digest_size=32).digest()


def pack_tags(tags: Iterable[bytes]) -> bytes:
    """Tags as they lie in a result."""
    names = tuple(tags)
    lengths = b"".join(_COUNT.pack(len(name)) for name in names)
    return _COUNT.pack(len(names)) + lengths + b"".join(names)


@lru_cache(4096)
def unpack_tags(packed: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The tags, and their keys. Remembered, since the same results are asked for again."""
    (count,) = _COUNT.unpack_from(packed)
    lengths = Struct(f">{count}I").unpack_from(packed, _COUNT.size)
    names, place = [], _COUNT.size * (count + 1)
    for length in lengths:
        names.append(packed[place : place + length])
        place += length
    return tuple(names), tuple(tag_key(name) for name in names)


def prepare(environment: Environment, txn: Any, *, lost: bool, new_boot: bool) -> None:
    """See to the state when the file is opened.

    Args:
        environment: the file.
        txn: a write transaction.
        lost: whether there was a file before this one, whose marks are gone.
        new_boot: whether the machine was started since the file was last opened.
    """
    meta, tags = environment.meta, environment.tags
    state = txn.get(STATE, db=meta)
    until = since_boot() + int(environment.commit_timeout * 1000)
    if state is None:
        packed = _STATE.pack(secrets.token_bytes(8), 1, 0, until if lost else 0)
        txn.put(STATE, packed, db=meta)
    elif new_boot:
        epoch, sequence, floor, quiet = _STATE.unpack(state)
        txn.put(STATE, _STATE.pack(epoch, sequence, floor, until if quiet else 0), db=meta)
        with txn.cursor(tags) as cursor:
            for key, raw in list(cursor):
                if raw[:8] == MARKED:
                    marks = [(writer, until) for writer, _ in _marks(raw)]
                    txn.put(key, _packed(raw[8:16], marks), db=tags)


class TagTable:
    """Reads and writes tags.

    Args:
        environment: the file.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._databases = environment.databases

    # Reading

    def stamp(self, txn: Any) -> bytes | None:
        """Epoch and sequence; None as long as nothing may be stored."""
        state = bytes(txn.get(STATE, db=self._databases[b"meta"]))
        return None if self._quiet(state) else state[STAMP]

    @staticmethod
    def _quiet(state: bytes) -> bool:
        until = _STATE.unpack(state)[3]
        return bool(until) and since_boot() < until

    def holds(self, txn: Any, stamp: bytes, keys: Iterable[bytes]) -> bool:
        """Whether no tag was bumped since *stamp*, nor is marked."""
        databases = self._databases
        state = bytes(txn.get(STATE, db=databases[b"meta"]))
        if stamp[EPOCH] != state[EPOCH]:
            return False
        number, tags = stamp[SEQUENCE], databases[b"tags"]
        for key in keys:
            raw = txn.get(key, db=tags)
            if (state[FLOOR] if raw is None else bytes(raw)) > number:
                return False
        return True

    def over(self, txn: Any, keys: Iterable[bytes]) -> list[bytes]:
        """Those of the tags that have a mark whose time is over."""
        now, tags = since_boot(), self._databases[b"tags"]
        found = []
        for key in keys:
            raw = txn.get(key, db=tags)
            if raw is not None and any(end <= now for _, end in _marks(bytes(raw))):
                found.append(key)
        return found

    def look(self, txn: Any, tags: Iterable[bytes], count: bool) -> Look:  # noqa: FBT001 - as `read` passes it
        """What `Tags.look` tells, but for the results."""
        databases = self._databases
        state = bytes(txn.get(STATE, db=databases[b"meta"]))
        floor, now = NUMBER.unpack(state[FLOOR])[0], since_boot()
        states = {}
        for tag in tags:
            raw = txn.get(tag_key(tag), db=databases[b"tags"])
            number = NUMBER.unpack(_number(None if raw is None else bytes(raw)))[0]
            marks = [] if raw is None else _marks(bytes(raw))
            alive = sum(end > now for _, end in marks)
            states[tag] = TagState(number or floor, number > 0, alive)
        marked = None
        if count:
            with txn.cursor(databases[b"tags"]) as cursor:
                marked = sum(bytes(raw[:8]) == MARKED for _, raw in cursor)
        remembered = txn.stat(databases[b"tags"])["entries"]
        return Look(state[STAMP], self._quiet(state), states, remembered, marked, None)

    # Writing

    def settle(self, txn: Any, keys: Iterable[bytes]) -> None:
        """Turn marks that are over into a bump."""
        over = self.over(txn, keys)
        if over:
            now, number = since_boot(), self._next(txn)
            for key in over:
                raw = bytes(txn.get(key, db=self._databases[b"tags"]))
                alive = [mark for mark in _marks(raw) if mark[1] > now]
                self._put(txn, key, raw, number, alive)

    def mark(self, txn: Any, keys: Iterable[bytes], writer: bytes, timeout: float) -> None:
        """Add the writer's mark to each. Takes a number, so that the sequence tells of it."""
        self._next(txn)
        writer, until = _digest(writer), since_boot() + max(1, int(timeout * 1000))
        self.settle(txn, keys)
        for key in keys:
            raw = self._get(txn, key)
            marks = [mark for mark in _marks(raw or b"") if mark[0] != writer]
            txn.put(
                key,
                _packed(_number(raw), [*marks, (writer, until)]),
                db=self._databases[b"tags"],
            )

    def bump(self, txn: Any, keys: Iterable[bytes], writer: bytes | None) -> None:
        """Give all one new number, and take the writer's marks away."""
        number = self._next(txn)
        writer = None if writer is None else _digest(writer)
        new = 0
        for key in keys:
            raw = self._get(txn, key)
            marks = [mark for mark in _marks(raw or b"") if mark[0] != writer]
            new += raw is None or _number(raw) == bytes(8)
            self._put(txn, key, raw, number, marks)
        if new:
            self._forget(txn, new)

    def unmark(self, txn: Any, keys: Iterable[bytes], writer: bytes) -> None:
        """Take the writer's marks away. One that was over before has bumped its tag already."""
        writer = _digest(writer)
        self.settle(txn, keys)
        for key in keys:
            raw = self._get(txn, key)
            if raw is None or raw[:8] != MARKED:
                continue
            marks = [mark for mark in _marks(raw) if mark[0] != writer]
            if marks or _number(raw) != bytes(8):
                txn.put(key, _packed(_number(raw), marks), db=self._databases[b"tags"])
            else:
                txn.delete(key, db=self._databases[b"tags"])

    def _get(self, txn: Any, key: bytes) -> bytes | None:
        raw = txn.get(key, db=self._databases[b"tags"])
        return None if raw is None else bytes(raw)

    def _next(self, txn: Any) -> bytes:
        """The next number of the sequence."""
        meta = self._databases[b"meta"]
        epoch, sequence, floor, quiet = _STATE.unpack(txn.get(STATE, db=meta))
        txn.put(STATE, _STATE.pack(epoch, sequence + 1, floor, quiet), db=meta)
        return NUMBER.pack(sequence + 1)

    def _put(
        self,
        txn: Any,
        key: bytes,
        old: bytes | None,
        number: bytes,
        marks: list[tuple[bytes, int]],
    ) -> None:
        """Give a tag a new number."""
        forgetting = self._databases[b"forgetting"]
        if old is not None and _number(old) != bytes(8):
            txn.delete(_number(old) + key, db=forgetting)
        txn.put(number + key, b"", db=forgetting)
        txn.put(key, _packed(number, marks), db=self._databases[b"tags"])

    def _forget(self, txn: Any, new: int) -> None:
        """Forget the tags bumped longest ago, if there are too many, and raise the floor."""
        databases = self._databases
        excess = txn.stat(databases[b"forgetting"])["entries"] - self.limit
        if excess <= 0:
            return
        highest = bytes(8)
        with txn.cursor(databases[b"forgetting"]) as order:
            there = order.first()
            for _ in range(min(excess, new + _FORGET)):
                if not there:
                    break
                entry = bytes(order.key())
                raw = bytes(txn.get(entry[8:], db=databases[b"tags"]))
                if raw[:8] == MARKED:
                    # The mark stays. That its tag has no number any more is what the floor says.
                    txn.put(entry[8:], _packed(bytes(8), _marks(raw)), db=databases[b"tags"])
                else:
                    txn.delete(entry[8:], db=databases[b"tags"])
                highest = entry[:8]
                order.delete()
                there = order.first()
        epoch, sequence, _, quiet = _STATE.unpack(txn.get(STATE, db=databases[b"meta"]))
        floor = NUMBER.unpack(highest)[0]
        txn.put(STATE, _STATE.pack(epoch, sequence, floor, quiet), db=databases[b"meta"])

    @property
    def limit(self) -> int:
        """Tags that are remembered."""
        return max(_FEWEST, self._environment.size // BYTES_FOR_A_TAG)


def _digest(writer: bytes) -> bytes:
    return blake2b(writer, digest_size=16).digest()


def _marks(raw: bytes) -> list[tuple[bytes, int]]:
    """By whom, and until when."""
    if raw[:8] != MARKED:
        return []
    return list(_MARK.iter_unpack(raw[_MARKS_FROM:]))


def _number(raw: bytes | None) -> bytes:
    """Of the last bump; zeros, if none is known."""
    if raw is None:
        return bytes(8)
    return raw[8:16] if raw[:8] == MARKED else raw


def _packed(number: bytes, marks: list[tuple[bytes, int]]) -> bytes:
    if not marks:
        return number
    return MARKED + number + b"".join(_MARK.pack(*mark) for mark in marks)
