"""The guard around Django's cache API: one load, time-outs spread, and no outage of the site."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from ...cache.driving import finish
from ...stores.errors import StoreUnavailable
from ...values import MISSING
from ...values.codec import MARK
from .async_calls import AsyncCalls
from .counting import counts_of, missed
from .guard import Guard, guard_of
from .guard_load import Blocking, Load
from .parameters import UNLIMITED, Guarding

#: Time-outs below so many seconds are kept to the letter.
_SPREAD_FROM = 10.0


class GuardedCalls(AsyncCalls):
    """The part of the API that blocks, guarded.

    What of the guard is on, `OPTIONS` say: see `GuardedCache`.
    """

    def __init__(self, location: object, params: dict[str, Any]) -> None:
        super().__init__(location, params)
        usable = self.fault is None
        self._guarding = (
            self._space.guarding if usable else Guarding(one_load=False, spread=0.0, spares=False)
        )
        # Whether an outage of the store is none of the cache.
        self._spares = usable and self._guarding.spares
        self.figures = counts_of(location, params)
        self._guard: Guard = guard_of(self._store) if usable else None  # type: ignore[assignment]

    @property
    def _max_entries_are_counted(self) -> bool:
        return bool(self._max_entries != UNLIMITED)

    def _spread(self, timeout: Any) -> float | None:
        """The time-out, somewhat less at random: what was written together mustn't end together."""
        ttl = self.get_backend_timeout(timeout)
        share = self._guarding.spread
        if not share or ttl is None or ttl < _SPREAD_FROM:
            return ttl
        return ttl * (1 - share * random.random())  # noqa: S311 - nobody needs to be kept from guessing

    # Reading

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value of *key*, or *default*, also while the store is away."""
        found = self._found(key, version)
        if found is MISSING:
            missed(self.figures)
            return default
        self.figures.store_hits += 1
        return found

    def _found(self, key: Any, version: int | None) -> Any:
        """The value, or MISSING; not counted as a hit or a miss."""
        if self._spares and self._guard.open:
            self._guard.look()
            return self._away(MISSING)
        try:
            return super().get(key, MISSING, version)
        except StoreUnavailable as error:
            return self._away(self._spared(error, MISSING))

    def _away(self, instead: Any) -> Any:
        """What is found while the store is away."""
        self.figures.outages += 1
        return self._guard.missing(instead)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values of those keys that there are: none, while the store is away."""
        if self._spares and self._guard.open:
            self._guard.look()
            return dict(self._away({}))
        try:
            found = super().get_many(keys, version)
        except StoreUnavailable as error:
            return dict(self._away(self._spared(error, {})))
        self.figures.store_hits += len(found)
        return found

    def _spared(self, error: StoreUnavailable, instead: Any) -> Any:
        """What to return in place of the error, if that is wanted."""
        if not self._spares:
            raise error
        self._guard.trip(error)
        return instead

    # Writing

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Store *value*; while the store is away, nothing, and the entry is deleted afterwards."""
        if self._spares and self._guard.open:
            self._guard.owe([self._place(key, version)])
            return
        try:
            super().set(key, value, self._spread(timeout), version)
        except StoreUnavailable as error:
            self._spared(error, None)
            self._guard.owe([self._place(key, version)])

    def set_many(
        self,
        data: Mapping[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        """Store all; the keys of those that were not, which is all, while the store is away."""
        if not (self._spares and self._guard.open):
            try:
                return super().set_many(data, self._spread(timeout), version)
            except StoreUnavailable as error:
                self._spared(error, None)
        self._guard.owe(self._place(key, version) for key in data)
        return list(data)

    def touch(
        self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Let *key* live for *timeout* seconds; False also while the store is away."""
        if not (self._spares and self._guard.open):
            try:
                return super().touch(key, timeout, version)
            except StoreUnavailable as error:
                self._spared(error, None)
        return bool(self._guard.owe([self._place(key, version)], done=False))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove *key*: as soon as the store is back, where it is away, and False then.

        A load of `get_or_set` that is under way counts as one that was there.
        """
        if not (self._spares and self._guard.open):
            try:
                return super().delete(key, version)
            except StoreUnavailable as error:
                self._spared(error, None)
        return bool(self._guard.owe([self._place(key, version)], done=False))

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """Remove all of them, as `delete` does."""
        keys = list(keys)
        if not (self._spares and self._guard.open):
            try:
                super().delete_many(keys, version)
            except StoreUnavailable as error:
                self._spared(error, None)
            else:
                return
        self._guard.owe(self._place(key, version) for key in keys)

    def clear(self) -> None:
        """Remove all entries: as soon as the store is back, where it is away."""
        if not (self._spares and self._guard.open):
            try:
                super().clear()
            except StoreUnavailable as error:
                self._spared(error, None)
            else:
                return
        self._guard.owe_all()

    # What has to know

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Store *value* where there is none. Whether it was stored.

        Raises:
            StoreUnavailable: while the store is away: nobody could tell who has won. At once.
        """
        if self._spares:
            self._guard.check("add")
        try:
            if super().add(key, value, timeout, version):
                return True
            if not self._guarding.one_load:
                return False
            place = self._place(key, version)
            found = self._store.gets(place)
            if found is None or found[0][:2] != MARK:
                return False
            # Somebody loads it: that isn't a value, and will not be stored now.
            ttl = self.get_backend_timeout(timeout)
            if ttl is not None and ttl <= 0:
                return True
            return self._store.replace(place, self._dump(key, value, place), found[1], ttl)
        except StoreUnavailable as error:
            if self._spares:
                self._guard.trip(error)
            raise

    def incr(self, key: Any, delta: Any = 1, version: int | None = None) -> Any:
        """Add to a number, and return it.

        Raises:
            StoreUnavailable: while the store is away: nobody knows the number. At once.
        """
        if self._spares:
            self._guard.check("incr")
        try:
            return super().incr(key, delta, version)
        except StoreUnavailable as error:
            if self._spares:
                self._guard.trip(error)
            raise

    def get_or_set(
        self,
        key: Any,
        default: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        """The value of *key*; where there is none, *default* is stored and returned.

        If *default* is a function, it runs once in the whole cluster: who asks meanwhile waits, up
        to `WAIT` seconds, and then calls it itself. If it raises, the next one tries. Its value is
        returned, but not stored, where the entry was deleted or set while it ran.
        """
        value = self.get(key, MISSING, version)
        if value is not MISSING:
            return value
        function = default if callable(default) else _returning(default)
        ttl = self._spread(timeout)
        if not (self._guarding.one_load and callable(default)):
            return self._get_or_add(key, function, ttl, version)
        load = Load(Blocking(self), self._guard, key, version, function, ttl, self._guarding.wait)
        return finish(load.value())

    def _get_or_add(
        self, key: Any, function: Callable[[], Any], ttl: float | None, version: int | None
    ) -> Any:
        value = function()
        try:
            self.add(key, value, ttl, version)
        except StoreUnavailable as error:
            return self._spared(error, value)
        # As Django does it: what somebody else has stored meanwhile is what counts.
        return self.get(key, value, version)


def _returning(value: Any) -> Callable[[], Any]:
    return lambda: value
