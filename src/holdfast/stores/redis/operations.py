"""What can be done with records, and how it is said to Redis."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..errors import StoreError
from ..protocol import KEEP, TTL, KeptTTL, Token
from .naming import Naming
from .records import (
    BODY,
    LARGEST,
    NUMBER_BEGINS_WITH,
    NUMBERS_FROM,
    SMALLEST,
    header,
    pack,
    token,
    unpack,
)
from .requests import Batch, Command, Operation, Run
from .scripts import DELETE_MANY, INCREMENT, WRITE, WRITE_MANY

#: Some 30,000 years; the server would refuse more.
_FOREVER_MS = 10**15


def milliseconds(ttl: float) -> int:
    """A TTL as the server counts: at least 1; and 1 less, for it keeps a key through its last."""
    return max(1, round(min(ttl * 1000, _FOREVER_MS)) - 1)


def _expiry(ttl: KeptTTL) -> bytes:
    """A TTL as the scripts take it."""
    if ttl is None:
        return b""
    return b"keep" if ttl == KEEP else b"%d" % milliseconds(ttl)


class RecordOperations:
    """Reading and writing.

    Args:
        names: of the keys.
        log_length: about so many changes are kept for each topic.
    """

    def __init__(self, names: Naming, log_length: int) -> None:
        self.names = names
        self._records = names.records
        self._log_length = log_length

    def get_many(self, keys: Collection[bytes]) -> Operation[dict[bytes, bytes]]:
        """MGET; in a cluster one GET each, in one round trip to each node."""
        if not keys:
            return {}
        prefix = self._records
        names = [prefix + key for key in keys]
        if self.names.cluster:
            found = yield Batch([("GET", name) for name in names])
        else:
            found = yield ("MGET", *names)
        # `unpack`, written out: a call for each of many records would take as long as the rest.
        numbers, body = NUMBERS_FROM, BODY
        return {
            key: stored[body] if stored < numbers else stored
            for key, stored in zip(keys, found, strict=True)
            if stored is not None
        }

    def gets(self, key: bytes) -> Operation[tuple[bytes, Token] | None]:
        """GET. The token is the version in the record."""
        stored = yield ("GET", self._records + key)
        return None if stored is None else (unpack(stored), token(stored))

    def set(self, key: bytes, value: bytes, ttl: TTL, topic: bytes | None) -> Operation[None]:
        """SET, or nothing left of it where the TTL is over already."""
        if ttl is not None and ttl <= 0:
            yield from self.delete(key, topic)
        elif topic is not None:
            yield self._write(b"a", b"s", key, value, ttl, topic)
        elif ttl is None:
            yield ("SET", self._records + key, pack(value))
        else:
            yield ("SET", self._records + key, pack(value), "PX", milliseconds(ttl))

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL, topic: bytes | None
    ) -> Operation[None]:
        """MSET, which knows no TTL, or one SET each."""
        if not items:
            return
        begin = header()
        if ttl is not None and ttl <= 0:
            yield from self.delete_many(items, topic)
        elif topic is not None:
            arguments: list[Any] = [_expiry(ttl), self._log_length]
            for key, value in items.items():
                arguments += (pack(value, begin), key)
            names = (self._records + key for key in items)
            keys = self.names.one_step(self.names.log(topic), *names)
            yield Run(WRITE_MANY, keys, tuple(arguments))
        elif ttl is None and not self.names.cluster:
            pairs: list[bytes] = []
            prefix, numbers = self._records, NUMBER_BEGINS_WITH
            for key, value in items.items():
                # Most are no numbers, and need no call to find out.
                stored = pack(value, begin) if value[:1] in numbers else begin + value
                pairs += (prefix + key, stored)
            yield ("MSET", *pairs)
        else:
            expiry: Command = () if ttl is None else ("PX", milliseconds(ttl))
            yield Batch(
                [("SET", self._records + key, pack(value), *expiry) for key, value in items.items()]
            )

    def add(self, key: bytes, value: bytes, ttl: TTL, topic: bytes | None) -> Operation[bool]:
        """SET NX."""
        return (yield from self.replace(key, value, None, ttl, topic))

    def replace(
        self,
        key: bytes,
        value: bytes | None,
        known: Token | None,
        ttl: KeptTTL,
        topic: bytes | None,
    ) -> Operation[bool]:
        """Compare the version, and write."""
        if known is None:
            condition = b"m"
        elif isinstance(known, bytes):
            condition = b"=" + known
        else:
            raise TypeError(f"a token comes from gets() of the same store, not {known!r}")
        gone = value is None or (ttl is not None and ttl != KEEP and ttl <= 0)
        if gone and known is None:
            # Nothing was to be there, and nothing is to be there: true or not, nothing changes.
            return not (yield ("EXISTS", self._records + key))
        if known is None and topic is None and value is not None:
            return bool((yield self._add(key, value, ttl)))
        if ttl == KEEP and known is None:
            ttl = None
        action = b"d" if gone else b"s"
        return bool((yield self._write(condition, action, key, value, ttl, topic)))

    def delete(self, key: bytes, topic: bytes | None) -> Operation[bool]:
        """UNLINK, which leaves the freeing of memory to another thread."""
        if topic is None:
            return bool((yield ("UNLINK", self._records + key)))
        return bool((yield self._write(b"a", b"d", key, None, None, topic)))

    def delete_many(self, keys: Iterable[bytes], topic: bytes | None) -> Operation[int]:
        """UNLINK."""
        # Each once, in order.
        unique = list(dict.fromkeys(keys))
        names = [self._records + key for key in unique]
        if not names:
            return 0
        if topic is not None:
            step = self.names.one_step(self.names.log(topic), *names)
            return int((yield Run(DELETE_MANY, step, (self._log_length, *unique))))
        if self.names.cluster:
            return sum((yield Batch([("UNLINK", name) for name in names])))
        return int((yield ("UNLINK", *names)))

    def touch(self, key: bytes, ttl: TTL) -> Operation[bool]:
        """PEXPIRE."""
        name = self._records + key
        if ttl is None:
            # PERSIST says nothing of records that had no TTL.
            _, there = yield Batch([("PERSIST", name), ("EXISTS", name)])
            return bool(there)
        if ttl <= 0:
            return bool((yield ("UNLINK", name)))
        return bool((yield ("PEXPIRE", name, milliseconds(ttl))))

    def expires_in(self, key: bytes) -> Operation[float | None]:
        """PTTL."""
        left = yield ("PTTL", self._records + key)
        if left == -2:  # noqa: PLR2004 - Redis's word for no record; -1: no TTL
            raise KeyError(key)
        return None if left == -1 else left / 1000

    def increment(self, key: bytes, delta: int, initial: int | None, ttl: TTL) -> Operation[int]:
        """INCRBY, where there is a number."""
        if not SMALLEST <= delta <= LARGEST:
            raise OverflowError(f"{delta} does not fit into 64 bits")
        first = b""
        if initial is not None and SMALLEST <= initial + delta <= LARGEST:
            first = b"%d" % (initial + delta)
        reply = yield Run(INCREMENT, (self._records + key,), (delta, first, _expiry(ttl)))
        if reply == b"missing":
            if initial is not None:
                raise OverflowError(f"{initial} + {delta} does not fit into 64 bits")
            raise KeyError(key)
        if reply == b"overflow":
            raise OverflowError(f"the number at {key!r} plus {delta} does not fit into 64 bits")
        if reply == b"other":
            raise TypeError(f"what is at {key!r} is no number")
        return int(reply)

    def stats(self) -> Operation[dict[str, object]]:
        """INFO."""
        reply = yield ("INFO",)
        if not isinstance(reply, dict):
            raise StoreError(f"INFO was answered with {type(reply).__name__}")
        # A cluster client may answer for one of its nodes.
        names = ("redis_version", "used_memory", "maxmemory", "maxmemory_policy", "evicted_keys")
        return {name: reply.get(name) for name in names} | {"connected": True}

    def _add(self, key: bytes, value: bytes, ttl: KeptTTL) -> Command:
        expiry: Command = ()
        if ttl is not None and ttl != KEEP:
            expiry = ("PX", milliseconds(ttl))
        return ("SET", self._records + key, pack(value), "NX", *expiry)

    def _write(  # noqa: PLR0913, PLR0917 - all that a write is made of
        self,
        condition: bytes,
        action: bytes,
        key: bytes,
        value: bytes | None,
        ttl: KeptTTL,
        topic: bytes | None,
    ) -> Run:
        keys: tuple[bytes, ...] = (self._records + key,)
        if topic is not None:
            log, *records = self.names.one_step(self.names.log(topic), *keys)
            keys = (*records, log)
        stored = b"" if value is None else pack(value)
        return Run(WRITE, keys, (condition, action, stored, _expiry(ttl), self._log_length, key))
