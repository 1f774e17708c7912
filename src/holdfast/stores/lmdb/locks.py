"""Locks that end with their holder.

The record says who has the lock, until when, and with which fence; the FIFO that bears the fence's
number is open in the holder's process for as long as it lives and holds. A lock is free when there
is no record, its time is over, or nobody has its FIFO open.

The fence is the number of the transaction that took the lock, added to a number that the file got
from the clock when it was made: it grows with every taking of any lock, whatever is deleted or
cleared, and also in a file that is started anew.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct
from typing import Any

from . import fifos, forks, records
from .environment import Environment

_LOCK = Struct(">Qq")
#: Locks that each tidying looks at.
_SLICE = 32


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else has it: where to hear of its end, and how long it may take."""

    bell: int
    seconds: float

    def until(self, deadline: float | None) -> float:
        """Seconds to wait, at most, if the waiter has time until *deadline*."""
        if deadline is None:
            return self.seconds
        return min(self.seconds, deadline - time.monotonic())


class Locks:
    """The locks of one file, and those that this store holds.

    Args:
        environment: the file.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._databases = environment.databases
        # By key and owner: the fence, the open FIFO, and when it may be closed at the latest.
        self._held: dict[tuple[bytes, bytes], tuple[int, int, int]] = {}
        self._looked_at = b""
        forks.watch(self)

    def __del__(self) -> None:
        self.close()

    # In a write transaction

    def take(self, txn: Any, key: bytes, owner: bytes, ttl: float) -> tuple[int, int, int] | Taken:
        """Take the lock: its fence, FIFO and expiry. Or say who else to wait for."""
        environment = self._environment
        now = environment.clock.now()
        engine_key = records.engine_key(key)
        raw = txn.get(engine_key, db=self._databases[b"locks"])
        if raw is not None:
            fence, expiry = _LOCK.unpack_from(raw)
            bell = fifos.listen(self._path(fence)) if expiry > now else None
            if bell is not None:
                if fifos.held(bell):
                    return Taken(bell, (expiry - now) / 1000)
                os.close(bell)
            self._unlink(fence)
        fence = environment.base + txn.id()
        expiry = environment.clock.expiry(ttl)
        txn.put(engine_key, _LOCK.pack(fence, expiry) + owner, db=self._databases[b"locks"])
        # An attempt whose transaction failed has left its FIFO open.
        self.drop(key, owner)
        # Open before the record can be seen: who sees it must find it held.
        taken = fence, fifos.hold(self._path(fence)), expiry
        self._held[key, owner] = taken
        return taken

    def renew(self, txn: Any, key: bytes, owner: bytes, ttl: float) -> tuple[int, int] | None:
        """Hold it longer: its fence and expiry."""
        engine_key = records.engine_key(key)
        raw = txn.get(engine_key, db=self._databases[b"locks"])
        if raw is None or raw[_LOCK.size :] != owner:
            return None
        fence, expiry = _LOCK.unpack_from(raw)
        if expiry <= self._environment.clock.now():
            return None
        expiry = self._environment.clock.expiry(ttl)
        txn.put(engine_key, _LOCK.pack(fence, expiry) + owner, db=self._databases[b"locks"])
        return fence, expiry

    def release(self, txn: Any, key: bytes, owner: bytes) -> tuple[int, bool] | None:
        """Let go: its fence, and whether it was still in time."""
        engine_key = records.engine_key(key)
        raw = txn.get(engine_key, db=self._databases[b"locks"])
        if raw is None or raw[_LOCK.size :] != owner:
            return None
        fence, expiry = _LOCK.unpack_from(raw)
        txn.delete(engine_key, db=self._databases[b"locks"])
        return fence, expiry > self._environment.clock.now()

    def sweep(self, txn: Any) -> None:
        """Look at a slice of the locks, and forget those that are over."""
        now = self._environment.clock.now()
        with txn.cursor(self._databases[b"locks"]) as cursor:
            there = cursor.set_range(self._looked_at) if self._looked_at else cursor.first()
            for _ in range(_SLICE):
                if not there:
                    break
                key = bytes(cursor.key())
                fence, expiry = _LOCK.unpack_from(cursor.value())
                if expiry <= now:
                    self._unlink(fence)
                    cursor.delete()
                    there = cursor.set_range(key)
                else:
                    there = cursor.next()
            self._looked_at = bytes(cursor.key()) if there else b""

    # After it

    def keep(self, key: bytes, owner: bytes, taken: tuple[int, int, int]) -> int:
        """After `take` took it: its fence. Tidies up among those that are held."""
        if len(self._held) >= _SLICE:
            # Those that nobody released in time.
            now = self._environment.clock.now()
            for name, (_, _, expiry) in list(self._held.items()):
                if expiry <= now and name != (key, owner):
                    self.drop(*name)
        return taken[0]

    def prolong(self, key: bytes, owner: bytes, renewed: tuple[int, int]) -> None:
        """Note what `renew` did."""
        held = self._held.get((key, owner))
        if held is not None and held[0] == renewed[0]:
            self._held[key, owner] = (held[0], held[1], renewed[1])

    def drop(self, key: bytes, owner: bytes, fence: int | None = None) -> None:
        """Close the FIFO of a lock that is over, and so wake all that wait."""
        held = self._held.pop((key, owner), None)
        if fence is not None and (held is None or held[0] != fence):
            # Taken by another store, maybe of another process, which has the FIFO open.
            fifos.ring_for_another(self._path(fence))
        if held is not None:
            os.close(held[1])
        if fence is not None:
            self._unlink(fence)

    def close(self) -> None:
        """Let go of all: to others they look as if their holder had died."""
        while self._held:
            with suppress(KeyError):
                os.close(self._held.popitem()[1][1])

    def _path(self, fence: int) -> str:
        return f"{self._environment.waits}/lock-{fence}"

    def _unlink(self, fence: int) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._path(fence))  # noqa: PTH108 - a hot path

    # Around a fork: a child holds no lock of its parent

    def before_fork(self) -> None:
        """Nothing."""

    def after_fork_in_parent(self) -> None:
        """Nothing."""

    def after_fork_in_child(self) -> None:
        """Close the parent's FIFOs: they would say that it lives when it doesn't."""
        self.close()
