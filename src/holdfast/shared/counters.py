"""A number that all workers add to."""

from __future__ import annotations

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
        """
        return self._store.increment(self._place, number, initial=0, ttl=self._ttl)

    @property
    def value(self) -> int:
        """What was added so far. Reads the store."""
        return int(self._store.get(self._place) or 0)

    def set(self, value: int) -> None:
        """Go on from *value*."""
        self._store.set(self._place, b"%d" % value, self._ttl)

    def reset(self) -> None:
        """Go on from 0."""
        self._store.delete(self._place)

    async def aadd(self, number: int = 1) -> int:
        """As `add`."""
        return await self._async_store.increment(self._place, number, initial=0, ttl=self._ttl)

    async def avalue(self) -> int:
        """As `value`."""
        return int(await self._async_store.get(self._place) or 0)

    async def aset(self, value: int) -> None:
        """As `set`."""
        await self._async_store.set(self._place, b"%d" % value, self._ttl)

    async def areset(self) -> None:
        """As `reset`."""
        await self._async_store.delete(self._place)
