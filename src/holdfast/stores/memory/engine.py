"""The plain engine: a dict, a clock and a condition. For tests, and as the model for the others.

It is seen by one process only; a forked child starts with a copy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import StoreError
from ..protocol import KEEP, TTL, Change, Changes, KeptTTL, Operation, Page, Token
from ..tags import COMMIT_TIMEOUT, seconds_of
from .tags import MemoryTags

if TYPE_CHECKING:
    from .asynchronous import AsyncMemoryStore

_LOG_LIMIT = 10_000


@dataclass(slots=True)
class _Record:
    value: bytes
    version: int
    expiry: float | None


@dataclass(slots=True)
class _Topic:
    newest: int = 0
    changes: list[Change] = field(default_factory=list)


class MemoryStore:
    """Keeps bytes in this process. See `Store`.

    Args:
        url: "memory://".
        timeout: kept for the looks; nothing here takes time.
        purpose: likewise; nothing is evicted.
        log_limit: changes that each topic's log keeps.
        commit_timeout: seconds after which the mark of a tag is over.
    """

    local = True

    def __init__(
        self,
        url: str = "memory://",
        *,
        timeout: float = 1.0,
        purpose: str = "state",
        log_limit: int = _LOG_LIMIT,
        commit_timeout: float = COMMIT_TIMEOUT,
        **options: Any,
    ) -> None:
        if options:
            raise StoreError(f"{next(iter(options))!r} is no option of the store in memory.")
        self.url = url
        self.timeout = timeout
        self._log_limit = log_limit
        self.tags = MemoryTags(seconds_of(commit_timeout))
        self._records: dict[bytes, _Record] = {}
        self._topics: dict[bytes, _Topic] = {}
        self._locks: dict[bytes, tuple[bytes, int, float]] = {}
        self._version = 0
        self._changed = threading.Condition(threading.RLock())

    @cached_property
    def asynchronous(self) -> AsyncMemoryStore:
        """The same store for async code."""
        from .asynchronous import AsyncMemoryStore

        return AsyncMemoryStore(self)

    # Inside

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._changed:
            yield

    def _find(self, key: bytes) -> _Record | None:
        record = self._records.get(key)
        if record is not None and record.expiry is not None and record.expiry <= time.monotonic():
            del self._records[key]
            return None
        return record

    def _put(self, key: bytes, value: bytes, expiry: float | None) -> None:
        self._version += 1
        self._records[key] = _Record(bytes(value), self._version, expiry)

    def _note(self, topic: bytes | None, operation: Operation, key: bytes) -> None:
        if topic is not None:
            log = self._topics.setdefault(topic, _Topic())
            log.newest += 1
            log.changes.append(Change(log.newest, operation, key))
            del log.changes[: -self._log_limit]
            self._changed.notify_all()

    # Records

    def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        with self._alone():
            record = self._find(key)
            return None if record is None else record.value

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        with self._alone():
            return {key: record.value for key in keys if (record := self._find(key)) is not None}

    def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        with self._alone():
            record = self._find(key)
            return None if record is None else (record.value, record.version)

    def set(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> None:
        """See `Store.set`."""
        with self._alone():
            if ttl is not None and ttl <= 0:
                self.delete(key, topic=topic)
                return
            self._put(key, value, _expiry(ttl))
            self._note(topic, Operation.SET, key)

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`."""
        with self._alone():
            for key, value in items.items():
                self.set(key, value, ttl, topic=topic)

    def add(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> bool:
        """See `Store.add`."""
        with self._alone():
            if self._find(key) is not None:
                return False
            self.set(key, value, ttl, topic=topic)
            return True

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
        with self._alone():
            record = self._find(key)
            if (None if record is None else record.version) != token:
                return False
            if value is None or (ttl is not None and ttl != KEEP and ttl <= 0):
                self.delete(key, topic=topic)
                return True
            kept = None if record is None else record.expiry
            self._put(key, value, kept if ttl == KEEP else _expiry(ttl))
            self._note(topic, Operation.SET, key)
            return True

    def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        with self._alone():
            if self._find(key) is None:
                return False
            del self._records[key]
            self._note(topic, Operation.DELETE, key)
            return True

    def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`."""
        with self._alone():
            return sum(self.delete(key, topic=topic) for key in keys)

    def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        with self._alone():
            record = self._find(key)
            if record is None:
                return False
            if ttl is not None and ttl <= 0:
                del self._records[key]
            else:
                self._put(key, record.value, _expiry(ttl))
            return True

    def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        with self._alone():
            record = self._find(key)
            if record is None:
                raise KeyError(key)
            return None if record.expiry is None else record.expiry - time.monotonic()

    def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`."""
        with self._alone():
            record = self._find(key)
            if record is None:
                if initial is None:
                    raise KeyError(key)
                total = _checked(initial + delta)
                self.set(key, b"%d" % total, ttl)
            else:
                total = _checked(_number(record.value) + delta)
                self._put(key, b"%d" % total, record.expiry)
            return total

    # Many records

    def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """See `Store.scan`."""
        with self._alone():
            keys = sorted(
                key
                for key in list(self._records)
                if key.startswith(prefix)
                and (after is None or key > after)
                and self._find(key) is not None
            )
            return Page(keys[:limit], keys[limit - 1] if len(keys) > limit else None)

    def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`."""
        with self._alone():
            keys = self.scan(prefix, limit=len(self._records) + 1).keys
            for key in keys:
                del self._records[key]
            self._note(topic, Operation.CLEAR, b"")
            return len(keys)

    # The log of changes

    def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        with self._alone():
            log = self._topics.get(topic)
            return 0 if log is None else log.newest

    def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`."""
        with self._alone():
            log = self._topics.get(topic, _Topic())
            oldest = log.newest - len(log.changes)
            found = [change for change in log.changes if change.position > since]
            return Changes(found[:limit], oldest <= since <= log.newest, log.newest)

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.position(topic) > since, timeout)

    # Locks

    def _take(self, key: bytes, owner: bytes, ttl: float) -> int | float:
        """The fence; or, as a float, the seconds that somebody else still has it."""
        with self._alone():
            now = time.monotonic()
            held = self._locks.get(key)
            if held is not None and held[2] > now:
                return held[2] - now
            self._version += 1
            self._locks[key] = (owner, self._version, now + ttl)
            return self._version

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while isinstance(taken := self._take(key, owner, ttl), float):
                seconds = until(taken, deadline)
                if seconds <= 0:
                    return None
                self._changed.wait(seconds)
            return taken

    def _has(self, key: bytes, owner: bytes) -> bool:
        held = self._locks.get(key)
        return held is not None and held[0] == owner and held[2] > time.monotonic()

    def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        with self._alone():
            if not self._has(key, owner):
                return False
            self._locks[key] = (owner, self._locks[key][1], time.monotonic() + ttl)
            return True

    def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        with self._alone():
            if not self._has(key, owner):
                return False
            del self._locks[key]
            self._changed.notify_all()
            return True

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """See `Store.still_held`. It is lost only by its time."""
        return True

    # The store itself

    def stats(self) -> dict[str, object]:
        """See `Store.stats`."""
        with self._alone():
            size = sum(len(key) + len(record.value) for key, record in self._records.items())
            return {"engine": "memory", "records": len(self._records), "bytes": size}

    def close(self) -> None:
        """Nothing: there is only this process."""


def _expiry(ttl: TTL) -> float | None:
    return None if ttl is None else time.monotonic() + ttl


def until(seconds: float, deadline: float | None) -> float:
    """Seconds to wait, at most, if there is time until *deadline*."""
    return seconds if deadline is None else min(seconds, deadline - time.monotonic())


def _number(value: bytes) -> int:
    try:
        number = int(value)
    except ValueError:
        number = None
    if number is None or b"%d" % number != value or not -(2**63) <= number < 2**63:
        raise TypeError("Only a whole number of 64 bits can be incremented; this record is none.")
    return number


def _checked(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit into 64 bits.")
    return number
