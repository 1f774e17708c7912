"""A number that all workers add to."""

from __future__ import annotations

from operator import index
from typing import Any

from .handle import Handle
from .keys import place_of
from .records import checked_ttl


class Counter(Handle):
    """A number that all workers add to, exactly.

        hits = holdfast.shared.counter("hits")
        hits.add(1)
        hits.value

    It starts at 0. Each method can be awaited, too, with an `a` before its name; `await
    hits.avalue()` reads. Each call is one round trip, microseconds on the embedded store. Where the
    store can't be reached, a call raises `StoreUnavailable`; after `StoreTimeout` it isn't known
    whether the number was added.

    Args:
        name: what it is called.
        store: which of the stores in HOLDFAST["STORES"].
        ttl: seconds after the first `add` when it is 0 again; None: never. For limits such as
            100 in a minute.
    """

    __slots__ = ("_place", "_ttl")

    def __init__(self, name: str, *, store: str = "default", ttl: float | None = None) -> None:
        super().__init__(name, store)
        self._place = place_of(b"c", name)
        self._ttl = checked_ttl(ttl)

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | {"ttl": self._ttl}

    def add(self, number: int = 1) -> int:
        """Add *number*, which may be negative, and return what there is then.

        Raises:
            OverflowError: it would not fit into 64 bits; nothing was added.
            TypeError: it is no whole number; nothing was added.
        """
        return self._store.increment(self._place, _whole(number), initial=0, ttl=self._ttl)

    @property
    def value(self) -> int:
        """What was added so far. Reads the store."""
        return int(self._store.get(self._place) or 0)

    def set(self, value: int) -> None:
        """Go on from *value*.

        Raises:
            OverflowError: it doesn't fit into 64 bits; nothing was set.
            TypeError: it is no whole number; nothing was set.
        """
        self._store.set(self._place, _stored(value), self._ttl)

    def reset(self) -> None:
        """Go on from 0."""
        self._store.delete(self._place)

    async def aadd(self, number: int = 1) -> int:
        """As `add`."""
        number = _whole(number)
        return await self._async_store.increment(self._place, number, initial=0, ttl=self._ttl)

    async def avalue(self) -> int:
        """As `value`."""
        return int(await self._async_store.get(self._place) or 0)

    async def aset(self, value: int) -> None:
        """As `set`."""
        await self._async_store.set(self._place, _stored(value), self._ttl)

    async def areset(self) -> None:
        """As `reset`."""
        await self._async_store.delete(self._place)


def _whole(number: int) -> int:
    # Also of others' kinds (NumPy's), which drivers don't take. Engines would cut a fraction off.
    try:
        return index(number)
    except TypeError:
        raise TypeError(f"A counter adds whole numbers, not {number!r}.") from None


def _stored(value: int) -> bytes:
    number = _whole(value)
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit into 64 bits.")
    return b"%d" % number
