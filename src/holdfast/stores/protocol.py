"""What every store can do: bytes that all workers see.

A store is opened per process (`open_store`), may be used by any thread, greenlet and task of it,
and reopens itself after a fork. Each call ends within the store's time-out, with a `StoreError`
where it could not be done; none retries what may have been done already.

Keys are bytes of any length; what an engine can't hold as a key it hashes, keeping the key itself
beside the value, so that two keys are never taken for one another. Values are bytes. A TTL is in
seconds; None means: until deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from .async_protocol import AsyncStore
    from .tags import Tags

Token = Hashable

#: As a TTL: leave the one that the record has.
KEEP: Literal["keep"] = "keep"
TTL = float | None
KeptTTL = float | None | Literal["keep"]


class Operation(Enum):
    """What a change did."""

    SET = b"s"
    DELETE = b"d"
    CLEAR = b"c"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a topic's log. *key* is empty for CLEAR."""

    position: int
    operation: Operation
    key: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """What a topic's log holds after a position.

    Attributes:
        changes: in order, as many as asked for.
        complete: False, if changes after that position are no longer known: the log is bounded, and
            some stores can lose it. The caller must read the whole state anew then.
        newest: the position of the last change there is. Where nothing was found, or it isn't
            complete, it is where to go on from.
    """

    changes: list[Change]
    complete: bool
    newest: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys, and where to go on: None at the end."""

    keys: list[bytes]
    after: bytes | None


class Store(Protocol):
    """Bytes that all workers see. `AsyncStore` has the same methods, to be awaited.

    Attributes:
        url: where it is, without password.
        timeout: seconds after which a call is given up.
        local: whether all its users are on this machine, where the death of one is noticed at once.
    """

    url: str
    timeout: float
    local: bool

    @property
    def asynchronous(self) -> AsyncStore:
        """The same store, for async code."""
        ...

    @property
    def tags(self) -> Tags:
        """Results that stay only as long as they are true."""
        ...

    # Records

    def get(self, key: bytes) -> bytes | None:
        """The value, or None where there is none or it has expired."""
        ...

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those that exist. One round trip."""
        ...

    def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """The value, and a token for `replace` that names just this state of the record."""
        ...

    def set(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> None:
        """Write. With a *topic*, the change is noted in its log, in the same step."""
        ...

    def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """Write all. One round trip; if it raises, some may be written."""
        ...

    def add(self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None) -> bool:
        """Write where there is nothing. False, where there was something."""
        ...

    def replace(
        self,
        key: bytes,
        value: bytes | None,
        token: Token | None,
        ttl: KeptTTL = KEEP,
        *,
        topic: bytes | None = None,
    ) -> bool:
        """Write only if the record is still the one that *token* names: compare and set.

        A token of None stands for: no record. A value of None deletes.
        """
        ...

    def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """Whether there was something to delete."""
        ...

    def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """How many there were. One round trip."""
        ...

    def touch(self, key: bytes, ttl: TTL) -> bool:
        """Give the record a new TTL. False, where there is none."""
        ...

    def expires_in(self, key: bytes) -> float | None:
        """Seconds left; None if it never expires. KeyError, where there is no record."""
        ...

    def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """Add to a number, exactly, and return it: 64 bits, signed.

        A number is kept apart from other records: `get` returns it as decimal digits, `set` with
        decimal digits makes one.

        Raises:
            KeyError: there is none, and *initial* is None. Otherwise it starts from *initial*,
                with *ttl*.
            OverflowError: the result would not fit; nothing was changed.
            TypeError: what is there is no number.
        """
        ...

    # Many records

    def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """A page of keys that begin with *prefix*. A key that is there all the while is met."""
        ...

    def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """Delete all whose keys begin with *prefix*, in bounded slices. How many there were."""
        ...

    # The log of changes

    def position(self, topic: bytes) -> int:
        """The position of the topic's last change; 0 where there was none."""
        ...

    def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """What was noted after position *since*."""
        ...

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """Wait until something was noted after *since*; False, if *timeout* seconds were over."""
        ...

    # Locks

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """Take the lock, waiting up to *timeout* seconds (0: not at all; None: for ever).

        Returns the fence: a number that only grows, for each time that anybody takes this lock.
        None if it could not be had in time. The lock ends with `release`, after *ttl* seconds, or
        with the death of this process: at once on one machine, else within `HEARTBEAT` seconds.
        """
        ...

    def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """Hold the lock for *ttl* more seconds, from now. False, if *owner* has it no more."""
        ...

    def release(self, key: bytes, owner: bytes) -> bool:
        """Let go, and wake who waits. False, if *owner* had it no more."""
        ...

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """False, if this process knows by now that *owner* lost the lock early. Asks nobody."""
        ...

    # The store itself

    def stats(self) -> dict[str, object]:
        """Figures for people: how many records, bytes, evictions."""
        ...

    def close(self) -> None:
        """Let go of connections and files. The next call opens them again."""
        ...


#: Seconds within which the death of a lock's holder is noticed on another machine.
HEARTBEAT = 1.0
