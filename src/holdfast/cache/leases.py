"""The right to load a key: one process of all has it at a time.

It is a lock of the store, so it ends with the process that holds it: at once on one machine, within
a second or so across machines. Nothing that is stored relies on it: two loads at once cost one load
too many, and the stamps see to the rest.
"""

from __future__ import annotations

from os import urandom
from typing import TYPE_CHECKING

from ..stores.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from .driving import Awaiting
    from .outage import Circuit

#: The longest that one load keeps other processes from loading, in seconds.
LONGEST = 60.0

_PREFIX = b"lease:"


class Lease:
    """The right to load, taken or not to be had: nobody but its holder can tell."""

    __slots__ = ("_at", "_key", "_owner", "was_anothers")

    def __init__(
        self, at: Awaiting, key: bytes, owner: bytes | None, *, was_anothers: bool = False
    ) -> None:
        self._at = at
        self._key = key
        self._owner = owner
        #: Whether another process had it when it was asked for.
        self.was_anothers = was_anothers

    @classmethod
    def none(cls, at: Awaiting) -> Lease:
        """One that keeps nobody from anything."""
        return cls(at, b"", None)

    @property
    def held(self) -> bool:
        """Whether it keeps others from loading. Not where the store can't be reached."""
        return self._owner is not None

    async def release(self) -> None:
        """Let others load. Doing it twice does nothing."""
        owner, self._owner = self._owner, None
        if owner is not None:
            await _release_quietly(self._at, self._key, owner)


async def take_lease(at: Awaiting, circuit: Circuit, key: bytes, timeout: float) -> Lease | None:
    """Take it, waiting up to *timeout* seconds; None, if others had it all the while.

    Where the store can't be reached there is nothing to take, and each process loads for itself.
    """
    if circuit.open:
        return Lease.none(at)
    place = _PREFIX + key
    owner = urandom(16)
    try:
        if await at.acquire(place, owner, LONGEST, 0):
            return Lease(at, place, owner)
        if timeout > 0 and await at.acquire(place, owner, LONGEST, timeout):
            return Lease(at, place, owner, was_anothers=True)
    except StoreUnavailable as error:
        circuit.counts.errors += 1
        circuit.trip(error)
        return Lease.none(at)
    except StoreError:
        circuit.counts.errors += 1
        return Lease.none(at)  # no room even for this
    except BaseException:
        # Cancelled, and maybe just then it was taken.
        await _release_quietly(at, place, owner)
        raise
    return None


async def _release_quietly(at: Awaiting, place: bytes, owner: bytes) -> None:
    try:
        await at.release(place, owner)
    except StoreError:
        pass  # then it ends by itself
