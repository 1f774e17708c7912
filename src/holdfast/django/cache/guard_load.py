"""`get_or_set` runs its function once in the whole cluster, and never stores what is out of date.

Who loads holds the store's lock of the entry, so that the others wait and are woken, and the death
of who holds it is noticed. While he loads, a mark of his own stands where the value will. Whoever
deletes or sets the entry meanwhile takes the mark away, and the value is stored in place of the
mark only: so a value that was loaded before a delete never appears after it.

Written once for both kinds of callers: what may wait is awaited, and in `Blocking` it never is.
"""

from __future__ import annotations

import time
from _thread import get_ident
from collections.abc import Callable
from inspect import isawaitable
from os import urandom
from typing import TYPE_CHECKING, Any

from ...cache.flights import Flight, Outcome, next_moment
from ...stores.errors import StoreError, StoreUnavailable
from ...values import MISSING
from ...values.codec import MARK
from .guard import Guard

if TYPE_CHECKING:
    from .guard_calls import GuardedCalls

#: The longest that one load keeps others from loading, in seconds.
LEASE = 60.0
_LOCK = b"cache-load:"


class Awaiting:
    """The steps of a load, for tasks.

    Args:
        cache: whose entry it is.
    """

    __slots__ = ("cache",)

    def __init__(self, cache: GuardedCalls) -> None:
        self.cache = cache

    async def store(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A call of the store."""
        return await getattr(self.cache._store.asynchronous, method)(*args, **kwargs)  # noqa: SLF001 - of this room

    async def get(self, key: Any, version: int | None) -> Any:
        """The entry, or MISSING."""
        return await self.cache._afound(key, version)  # type: ignore[attr-defined]  # noqa: SLF001

    async def call(self, function: Callable[[], Any]) -> Any:
        """What the user's function returns."""
        found = function()
        return await found if isawaitable(found) else found

    async def make_room(self) -> None:
        """See that there is room for one entry more."""
        await self.cache._amake_room(1)  # noqa: SLF001

    async def dump(self, key: Any, value: Any, place: bytes) -> bytes:
        """The value as bytes."""
        return await self.cache._adump(key, value, place)  # noqa: SLF001

    async def wait(self, flight: Flight, what: str, timeout: float) -> bool:  # noqa: ASYNC109
        """Whether it has landed."""
        return await flight.wait_async(what, timeout)


class Blocking(Awaiting):
    """The same for threads and greenlets: nothing is ever suspended."""

    __slots__ = ()

    async def store(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """See `Awaiting.store`."""
        return getattr(self.cache._store, method)(*args, **kwargs)  # noqa: SLF001

    async def get(self, key: Any, version: int | None) -> Any:
        """See `Awaiting.get`."""
        return self.cache._found(key, version)  # noqa: SLF001

    async def call(self, function: Callable[[], Any]) -> Any:
        """See `Awaiting.call`."""
        return function()

    async def make_room(self) -> None:
        """See `Awaiting.make_room`."""
        self.cache._make_room(1)  # noqa: SLF001

    async def dump(self, key: Any, value: Any, place: bytes) -> bytes:
        """See `Awaiting.dump`."""
        return self.cache._dump(key, value, place)  # noqa: SLF001

    async def wait(self, flight: Flight, what: str, timeout: float) -> bool:  # noqa: ASYNC109
        """See `Awaiting.wait`."""
        if flight.loop_thread == get_ident():
            return False  # a task of the loop that we would block
        return flight.wait(what, timeout)


class Load:
    """One call of `get_or_set` that has found nothing.

    Args:
        at: how to do what may wait.
        guard: of the store.
        key: of the entry.
        version: of the entry.
        function: makes the value.
        ttl: seconds to store it for; None: for ever; 0 or less: not at all.
        wait: seconds to wait for others at most.
    """

    __slots__ = ("_at", "_deadline", "_function", "_guard", "_key", "_place", "_ttl", "_version")

    def __init__(  # noqa: PLR0913, PLR0917 - an entry, and how to make it
        self,
        at: Awaiting,
        guard: Guard,
        key: Any,
        version: int | None,
        function: Callable[[], Any],
        ttl: float | None,
        wait: float,
    ) -> None:
        self._at = at
        self._guard = guard
        self._key = key
        self._version = version
        self._place = at.cache._place(key, version)  # noqa: SLF001
        self._function = function
        self._ttl = ttl
        self._deadline = time.monotonic() + wait

    async def value(self) -> Any:
        """The value: of who loads it, or loaded here."""
        at, flights, place = self._at, self._guard.flights, self._place
        came = next_moment()
        while True:
            flight = Flight()
            under_way = flights.setdefault(place, flight)
            if under_way is flight:
                flight.board()
                try:
                    return await self._lead(flight)
                finally:
                    flights.pop(place, None)
                    flight.land()
            if not await self._waited(under_way):
                return await self._alone()
            value = await at.get(self._key, self._version)
            if value is MISSING and under_way.began > came:
                # Not stored, and yet as new as if we had made it: the store is away, for example.
                value = self._of(under_way.outcome)
            if value is not MISSING:
                return value

    async def _waited(self, under_way: Flight) -> bool:
        """Wait for somebody else's load; False, if it took too long."""
        if self._left <= 0:
            return False
        figures, begun = self._at.cache.figures, time.monotonic()
        figures.waits += 1
        landed = await self._at.wait(under_way, f"cache.get_or_set({self._key!r})", self._left)
        figures.wait_seconds += time.monotonic() - begun
        figures.timeouts += not landed
        return landed

    async def _made(self) -> Any:
        """What the user's function returns."""
        figures, begun = self._at.cache.figures, time.monotonic()
        figures.loads += 1
        try:
            return await self._at.call(self._function)
        except Exception:
            figures.load_errors += 1
            raise
        finally:
            figures.load_seconds += time.monotonic() - begun

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _of(self, outcome: Outcome | None) -> Any:
        if outcome is None or outcome.payload is None:
            return MISSING
        return self._at.cache._read(outcome.payload, self._place)  # noqa: SLF001

    async def _lead(self, flight: Flight) -> Any:
        owner = urandom(16)
        try:
            if self._guard.open:
                return await self._loaded(flight)
            lock, left = _LOCK + self._place, max(0.0, self._left)
            if await self._at.store("acquire", lock, owner, LEASE, timeout=left) is None:
                return await self._alone()
        except StoreError as error:
            self._failed(error)
            return await self._loaded(flight)
        try:
            return await self._lead_alone(flight, owner)
        finally:
            try:
                await self._at.store("release", lock, owner)
            except StoreError:
                pass  # it ends by itself

    async def _lead_alone(self, flight: Flight, owner: bytes) -> Any:
        """With the lock in hand."""
        at, mark = self._at, MARK + owner
        value = await at.get(self._key, self._version)
        if value is not MISSING:
            return value  # another process was quicker
        marked = await self._set_mark(mark)
        try:
            value = await self._loaded(flight)
        except BaseException:
            if marked:
                await self._replace_mark(mark, None, None)
            raise
        outcome = flight.outcome
        if not marked or outcome is None or outcome.payload is None:
            return value
        if self._ttl is not None and self._ttl <= 0:
            await self._replace_mark(mark, None, None)
            return value
        if await self._replace_mark(mark, outcome.payload, self._ttl):
            return value
        # As Django does it: what somebody else has set meanwhile is what counts.
        other = await at.get(self._key, self._version)
        return value if other is MISSING else other

    async def _loaded(self, flight: Flight) -> Any:
        flight.began = next_moment()
        value = await self._made()
        # Refuses, as Django's own do, what can't be stored.
        data = await self._at.dump(self._key, value, self._place)
        flight.outcome = Outcome(data, frozenset(), 0, self._place)
        return value

    async def _alone(self) -> Any:
        """Load, with nobody waiting, and leave what others store."""
        value = await self._made()
        data = await self._at.dump(self._key, value, self._place)
        if self._ttl is None or self._ttl > 0:
            try:
                if not self._guard.open:
                    # Over nothing and over no mark: who holds the lock will store his.
                    await self._at.store("add", self._place, data, self._ttl)
            except StoreError as error:
                self._failed(error)
        return value

    async def _set_mark(self, mark: bytes) -> bool:
        """Put the mark where the value will be; whether it is there."""
        at, place = self._at, self._place
        try:
            if at.cache._max_entries_are_counted:  # noqa: SLF001
                await at.make_room()
            found = await at.store("gets", place)
            if found is None:
                return bool(await at.store("add", place, mark, LEASE))
            if found[0][:2] != MARK:
                return False  # a value, just set
            # Of one whose lock has ended.
            return bool(await at.store("replace", place, mark, found[1], LEASE))
        except StoreError as error:
            self._failed(error)
            return False

    async def _replace_mark(self, mark: bytes, data: bytes | None, ttl: float | None) -> bool:
        """Store in place of the mark; False, where it is gone."""
        try:
            if self._guard.open:
                return False
            found = await self._at.store("gets", self._place)
            if found is None or found[0] != mark:
                return False
            return bool(await self._at.store("replace", self._place, data, found[1], ttl))
        except StoreError as error:
            self._failed(error)
            return False

    def _failed(self, error: StoreError) -> None:
        if not isinstance(error, StoreUnavailable):
            return  # no room: the value is returned all the same
        if not self._at.cache._spares:  # noqa: SLF001
            raise error
        self._guard.trip(error)
