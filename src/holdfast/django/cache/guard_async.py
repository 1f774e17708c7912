"""The guard around Django's cache API, for `await`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import isawaitable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT

from ...stores.errors import StoreUnavailable
from ...values import MISSING
from ...values.codec import MARK
from .counting import missed
from .guard_calls import GuardedCalls, _returning
from .guard_load import Awaiting, Load


class GuardedAsyncCalls(GuardedCalls):
    """The part of the API that is awaited. Each method is described at the one that blocks."""

    async def aget(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """See `get`."""
        found = await self._afound(key, version)
        if found is MISSING:
            missed(self.figures)
            return default
        self.figures.store_hits += 1
        return found

    async def _afound(self, key: Any, version: int | None) -> Any:
        """See `_found`."""
        if self._spares and self._guard.open:
            self._guard.look()
            return self._away(MISSING)
        try:
            return await super().aget(key, MISSING, version)
        except StoreUnavailable as error:
            return self._away(self._spared(error, MISSING))

    async def aget_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """See `get_many`."""
        if self._spares and self._guard.open:
            self._guard.look()
            return dict(self._away({}))
        try:
            found = await super().aget_many(keys, version)
        except StoreUnavailable as error:
            return dict(self._away(self._spared(error, {})))
        self.figures.store_hits += len(found)
        return found

    async def aset(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> None:
        """See `set`."""
        if self._spares and self._guard.open:
            self._guard.owe([self._place(key, version)])
            return
        try:
            await super().aset(key, value, self._spread(timeout), version)
        except StoreUnavailable as error:
            self._spared(error, None)
            self._guard.owe([self._place(key, version)])

    async def aset_many(
        self,
        data: Mapping[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> list[Any]:
        """See `set_many`."""
        if not (self._spares and self._guard.open):
            try:
                return await super().aset_many(data, self._spread(timeout), version)
            except StoreUnavailable as error:
                self._spared(error, None)
        self._guard.owe(self._place(key, version) for key in data)
        return list(data)

    async def atouch(
        self,
        key: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> bool:
        """See `touch`."""
        if not (self._spares and self._guard.open):
            try:
                return await super().atouch(key, timeout, version)
            except StoreUnavailable as error:
                self._spared(error, None)
        return bool(self._guard.owe([self._place(key, version)], done=False))

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        """See `delete`."""
        if not (self._spares and self._guard.open):
            try:
                return await super().adelete(key, version)
            except StoreUnavailable as error:
                self._spared(error, None)
        return bool(self._guard.owe([self._place(key, version)], done=False))

    async def adelete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """See `delete_many`."""
        keys = list(keys)
        if not (self._spares and self._guard.open):
            try:
                await super().adelete_many(keys, version)
            except StoreUnavailable as error:
                self._spared(error, None)
            else:
                return
        self._guard.owe(self._place(key, version) for key in keys)

    async def aclear(self) -> None:
        """See `clear`."""
        if not (self._spares and self._guard.open):
            try:
                await super().aclear()
            except StoreUnavailable as error:
                self._spared(error, None)
            else:
                return
        self._guard.owe_all()

    async def aadd(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> bool:
        """See `add`."""
        if self._spares:
            self._guard.check("aadd")
        try:
            if await super().aadd(key, value, timeout, version):
                return True
            if not self._guarding.one_load:
                return False
            place, store = self._place(key, version), self._async_store
            found = await store.gets(place)
            if found is None or found[0][:2] != MARK:
                return False
            ttl = self.get_backend_timeout(timeout)
            if ttl is not None and ttl <= 0:
                return True
            data = await self._adump(key, value, place)
            return await store.replace(place, data, found[1], ttl)
        except StoreUnavailable as error:
            if self._spares:
                self._guard.trip(error)
            raise

    async def aincr(self, key: Any, delta: Any = 1, version: int | None = None) -> Any:
        """See `incr`."""
        if self._spares:
            self._guard.check("aincr")
        try:
            return await super().aincr(key, delta, version)
        except StoreUnavailable as error:
            if self._spares:
                self._guard.trip(error)
            raise

    async def aget_or_set(
        self,
        key: Any,
        default: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> Any:
        """See `get_or_set`. *default* may be a coroutine function."""
        value = await self.aget(key, MISSING, version)
        if value is not MISSING:
            return value
        function = default if callable(default) else _returning(default)
        ttl = self._spread(timeout)
        if self._guarding.one_load and callable(default):
            at = Awaiting(self)
            return await Load(
                at, self._guard, key, version, function, ttl, self._guarding.wait
            ).value()
        value = function()
        if callable(default) and isawaitable(value):
            value = await value
        try:
            await self.aadd(key, value, ttl, version)
        except StoreUnavailable as error:
            return self._spared(error, value)
        return await self.aget(key, value, version)
