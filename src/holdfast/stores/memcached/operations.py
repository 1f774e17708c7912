"""What can be done with records, and how it is said to Memcached."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterable, Mapping
from typing import cast

from ..errors import StoreTimeout, UnsupportedByStoreError
from ..protocol import KEEP, TTL, KeptTTL, Token
from ..protocol import Operation as Done
from . import wire
from .records import (
    COUNTABLE,
    COUNTABLE_STEP,
    FOR_EVER,
    LARGEST,
    OFFSET,
    SMALLEST,
    Life,
    as_bytes,
    ended,
    kept,
    left,
    life,
    pack,
    pack_number,
    unpack,
)
from .requests import Figures, Operation, Pause
from .spaces import Make, Spaces
from .topics import Note, TopicOperations
from .wire import Reply

#: Where its end need not be exact to a second or two, a number is left to the server.
_COUNTABLE_TTL = 60


class RecordOperations:
    """Reading and writing.

    Args:
        spaces: asks by key.
        topics: notes changes.
        patience: seconds after which a compare-and-set that keeps losing is given up.
    """

    def __init__(self, spaces: Spaces, topics: TopicOperations, patience: float) -> None:
        self.spaces = spaces
        self._ask = spaces.ask
        self._topics = topics
        self._patience = patience

    def get(self, key: bytes) -> Operation[bytes | None]:
        """One get."""
        (reply,) = yield from self._ask(key, _get)
        return _value(key, reply)

    def get_many(self, keys: Collection[bytes]) -> Operation[dict[bytes, bytes]]:
        """One get each, in one round trip."""
        if not keys:
            return {}
        replies = yield from self.spaces.ask_many([(key, _get) for key in keys])
        found = {key: _value(key, reply) for key, reply in zip(keys, replies, strict=True)}
        return {key: value for key, value in found.items() if value is not None}

    def gets(self, key: bytes) -> Operation[tuple[bytes, Token] | None]:
        """One get. The token is the server's, with the life that the record has."""
        (reply,) = yield from self._ask(key, _get_all)
        value = _value(key, reply)
        return None if value is None else (value, (reply.token, kept(reply)))

    def set(self, key: bytes, value: bytes, ttl: TTL, topic: bytes | None) -> Operation[None]:
        """One set."""
        if topic is None and (ttl is None or ttl > 0):
            yield from self._ask(key, _put(value, life(ttl)))
        else:
            yield from self.set_many({key: value}, ttl, topic)

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL, topic: bytes | None
    ) -> Operation[None]:
        """One set each, in one round trip."""
        if not items:
            return
        if ttl is not None and ttl <= 0:
            yield from self.delete_many(items, topic)
            return
        term = life(ttl)
        wanted = [(key, _put(value, term)) for key, value in items.items()]
        changes: list[Note] = [(Done.SET, key) for key in items]
        yield from self._topics.noting(
            topic, items, self.spaces.ask_many(wanted), lambda _: changes
        )

    def add(self, key: bytes, value: bytes, ttl: TTL, topic: bytes | None) -> Operation[bool]:
        """An add."""
        return (yield from self.replace(key, value, None, ttl, topic))

    def replace(
        self,
        key: bytes,
        value: bytes | None,
        known: Token | None,
        ttl: KeptTTL,
        topic: bytes | None,
    ) -> Operation[bool]:
        """A compare-and-set with the server's token."""
        if known is not None and not isinstance(known, tuple):
            raise TypeError(f"a token comes from gets() of the same store, not {known!r}")
        if value is not None and ttl is not None and ttl != KEEP and ttl <= 0:
            value = None
        if known is None:
            return (yield from self._create(key, value, ttl, topic))
        token, term = cast("tuple[int, Life]", known)
        if ttl != KEEP:
            term = life(ttl)
        make = _remove(token) if value is None else _swap(value, token, term)
        change = (Done.DELETE if value is None else Done.SET, key)
        return (yield from self._noting_one(topic, change, self._ask(key, make)))

    def _create(
        self, key: bytes, value: bytes | None, ttl: KeptTTL, topic: bytes | None
    ) -> Operation[bool]:
        if value is None:
            # Nothing was to be there, and nothing is to be there: true or not, nothing changes.
            (reply,) = yield from self._ask(key, _look)
            return ended(reply)
        term = FOR_EVER if ttl == KEEP else life(ttl)
        adding = self._add(key, value, term)
        return (yield from self._noting_one(topic, (Done.SET, key), adding))

    def _add(self, key: bytes, value: bytes, term: Life) -> Operation[list[Reply]]:
        (reply,) = yield from self._ask(key, _add(value, term))
        if reply.kind == wire.NOT_STORED:
            # What is there may be past its end.
            (old,) = yield from self._ask(key, _get_all)
            if old.kind == wire.MISS:
                (reply,) = yield from self._ask(key, _add(value, term))
            elif ended(old):
                (reply,) = yield from self._ask(key, _swap(value, old.token, term))
        return [reply]

    def delete(self, key: bytes, topic: bytes | None) -> Operation[bool]:
        """A look, for what lies there past its end doesn't count, and a delete."""
        return (yield from self.delete_many([key], topic)) == 1

    def delete_many(self, keys: Iterable[bytes], topic: bytes | None) -> Operation[int]:
        """The same for each, in one round trip."""
        unique = list(dict.fromkeys(keys))
        if not unique:
            return 0
        wanted: list[tuple[bytes, Make]] = []
        for key in unique:
            wanted += [(key, _look), (key, _remove(None))]

        def changes(replies: list[Reply]) -> list[Note]:
            return [
                (Done.DELETE, key) if not ended(look) and done.kind == wire.DONE else None
                for key, look, done in zip(unique, replies[::2], replies[1::2], strict=True)
            ]

        asked = self.spaces.ask_many(wanted)
        noted = yield from self._topics.noting(topic, unique, asked, changes)
        return sum(note is not None for note in noted)

    def _noting_one(
        self, topic: bytes | None, change: tuple[Done, bytes], write: Operation[list[Reply]]
    ) -> Operation[bool]:
        """Do one write, and note it; whether it was done."""

        def changes(replies: list[Reply]) -> list[Note]:
            return [change if replies[0].kind == wire.DONE else None]

        (noted,) = yield from self._topics.noting(topic, (change[1],), write, changes)
        return noted is not None

    def touch(self, key: bytes, ttl: TTL) -> Operation[bool]:
        """Written anew: the end stands beside the value."""
        if ttl is not None and ttl <= 0:
            return (yield from self.delete(key, None))
        term = life(ttl)
        for _ in self._tries():
            (old,) = yield from self._ask(key, _get_all)
            if ended(old):
                return False
            (reply,) = yield from self._ask(key, _swap_raw(old.value, old.token, term))
            if reply.kind == wire.DONE:
                return True
            yield _some_while()
        raise _contended(key)

    def expires_in(self, key: bytes) -> Operation[float | None]:
        """A look."""
        (reply,) = yield from self._ask(key, _look)
        if ended(reply):
            raise KeyError(key)
        return left(reply)

    def increment(self, key: bytes, delta: int, initial: int | None, ttl: TTL) -> Operation[int]:
        """The server's arithmetic, where that can't wrap; else compare-and-set."""
        if not SMALLEST <= delta <= LARGEST:
            raise OverflowError(f"{delta} does not fit into 64 bits")
        begin = None if initial is None else initial + delta
        simple = begin is None or (-COUNTABLE <= begin <= COUNTABLE)
        if abs(delta) <= COUNTABLE_STEP and simple and (ttl is None or ttl >= _COUNTABLE_TTL):
            number = yield from self._count(key, delta, begin, life(ttl).ttl)
            if number is not None:
                return number
        return (yield from self._add_to(key, delta, begin, life(ttl)))

    def _count(self, key: bytes, delta: int, begin: int | None, ttl: int) -> Operation[int | None]:
        """Let the server count; None, if what is there is nothing that it can count with."""
        first = None if begin is None else begin + OFFSET

        def make(name: bytes, hashed: bytes | None) -> bytes:
            # Under a hash stands the key as well, and that nobody can count with.
            return wire.count(name, delta, None if hashed else first, ttl)

        look, reply = yield from self._ask(key, _look, make)
        if reply.kind != wire.VALUE or (look.mark and ended(look)):
            return None
        number = int(reply.value) - OFFSET
        if not -COUNTABLE <= number <= COUNTABLE:
            # It is exact still; but from here on the server might come to where it wraps.
            (old,) = yield from self._ask(key, _get_all)
            if old.kind == wire.VALUE and isinstance(now := unpack(old.value, key), int):
                yield from self._ask(key, _swap_number(now, old.token, kept(old)))
        return number

    def _add_to(self, key: bytes, delta: int, begin: int | None, term: Life) -> Operation[int]:
        for _ in self._tries():
            (old,) = yield from self._ask(key, _get_all)
            value = None if ended(old) else unpack(old.value, key)
            if isinstance(value, bytes):
                raise TypeError(f"what is at {key!r} is no number")
            if value is None:
                if begin is None:
                    raise KeyError(key)
                new = _fitting(begin)
                make = (
                    _add_number(new, term)
                    if old.kind == wire.MISS
                    else _swap_number(new, old.token, term)
                )
            else:
                new = _fitting(value + delta)
                make = _swap_number(new, old.token, kept(old))
            (reply,) = yield from self._ask(key, make)
            if reply.kind == wire.DONE:
                return new
            yield _some_while()
        raise _contended(key)

    def clear(self, prefix: bytes, topic: bytes | None) -> Operation[int]:
        """Raise the space's generation."""
        if prefix not in self.spaces.names.spaces:
            raise UnsupportedByStoreError(
                f"Memcached can't list its keys, so only those can be cleared that begin with a"
                f" prefix named before: open the store with clearable=[{prefix!r}], or use LMDB or"
                " Redis"
            )
        positions = yield from self._topics.reserve(topic, 1)
        yield from self.spaces.clear(prefix)
        yield from self._topics.note(topic, positions, [(Done.CLEAR, b"")])
        return 0

    def stats(self) -> Operation[dict[str, object]]:
        """The sum of what the servers tell."""
        tables: list[dict[str, str]] = yield Figures()
        names = ("curr_items", "bytes", "limit_maxbytes", "evictions", "curr_connections")
        sums: dict[str, object] = {
            name: sum(int(table.get(name, "0")) for table in tables) for name in names
        }
        return sums | {"version": ", ".join(sorted({table["version"] for table in tables}))}

    def _tries(self) -> Iterable[None]:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            yield None


def _value(key: bytes, reply: Reply) -> bytes | None:
    if reply.kind != wire.VALUE or (reply.mark and ended(reply)):
        return None
    return as_bytes(unpack(reply.value, key))


def _fitting(number: int) -> int:
    if not SMALLEST <= number <= LARGEST:
        raise OverflowError(f"{number} does not fit into 64 bits")
    return number


def _contended(key: bytes) -> StoreTimeout:
    return StoreTimeout(
        f"{key!r} was changed by others again and again; raise the store's timeout, or change it"
        " from fewer places at once"
    )


def _some_while() -> Pause:
    return Pause(random.uniform(0.0005, 0.005))  # noqa: S311 - to get out of each other's way


# Commands, given a name and, where it is only a hash, the key.


def _get(name: bytes, hashed: bytes | None) -> bytes:
    return wire.get(name)


def _get_all(name: bytes, hashed: bytes | None) -> bytes:
    return wire.get_all(name)


def _look(name: bytes, hashed: bytes | None) -> bytes:
    return wire.look(name)


def _put(value: bytes, term: Life) -> Make:
    return lambda name, hashed: wire.put(name, pack(value, hashed), term.ttl, term.mark)


def _add(value: bytes, term: Life) -> Make:
    return lambda name, hashed: wire.add(name, pack(value, hashed), term.ttl, term.mark)


def _add_number(number: int, term: Life) -> Make:
    return lambda name, hashed: wire.add(name, pack_number(number, hashed), term.ttl, term.mark)


def _swap(value: bytes, token: int, term: Life) -> Make:
    return lambda name, hashed: wire.swap(name, pack(value, hashed), token, term.ttl, term.mark)


def _swap_raw(stored: bytes, token: int, term: Life) -> Make:
    return lambda name, _: wire.swap(name, stored, token, term.ttl, term.mark)


def _swap_number(number: int, token: int, term: Life) -> Make:
    return lambda name, hashed: wire.swap(
        name, pack_number(number, hashed), token, term.ttl, term.mark
    )


def _remove(token: int | None) -> Make:
    return lambda name, _: wire.remove(name, token)
