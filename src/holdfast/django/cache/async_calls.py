"""Django's cache API on a store, for `await`. No thread takes part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.exceptions import SynchronousOnlyOperation

from ...stores.async_protocol import AsyncStore
from ...stores.errors import StoreFull
from ...values import MISSING
from ...values.codec import MARK
from .calls import Calls, contended
from .parameters import UNLIMITED
from .spaces import PREFIX
from .values import NotCacheable


class AsyncCalls(Calls):
    """The part of the API that is awaited, beside the one that blocks.

    What isn't here (`ahas_key`, `aget_or_set`, `adecr`, `aincr_version`, `adecr_version`) Django
    makes of what is, likewise without a thread.

    There is one exception: a lazy queryset has to be read from the database before it can be
    stored, and Django does that in a thread only. Await its objects first.
    """

    @property
    def _async_store(self) -> AsyncStore:
        return self._store.asynchronous

    async def _adump(self, key: Any, value: Any, place: bytes) -> bytes:
        try:
            return self._dump(key, value, place)
        except NotCacheable as error:
            if not isinstance(_first_cause(error), SynchronousOnlyOperation):
                raise
        return await sync_to_async(self._dump, thread_sensitive=True)(key, value, place)

    # One entry

    async def aget(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """See `get`."""
        place = self._place(key, version)
        store = self._async_store
        data = await store.get(place)
        if data is None:
            return default
        value = self._read(data, place)
        if value is MISSING:
            if data[:2] != MARK:
                await store.delete(place)
            return default
        return value

    async def aset(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> None:
        """See `set`."""
        place = self._place(key, version)
        data = await self._adump(key, value, place)
        ttl = self.get_backend_timeout(timeout)
        store = self._async_store
        if ttl is not None and ttl <= 0:
            await store.delete(place)
            return
        if self._max_entries != UNLIMITED:
            await self._amake_room(1)
        try:
            await store.set(place, data, ttl)
        except StoreFull:
            await store.delete(place)
            raise

    async def aadd(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> bool:
        """See `add`."""
        place = self._place(key, version)
        data = await self._adump(key, value, place)
        ttl = self.get_backend_timeout(timeout)
        store = self._async_store
        if ttl is not None and ttl <= 0:
            return await store.get(place) is None
        if self._max_entries != UNLIMITED:
            await self._amake_room(1)
        return await store.add(place, data, ttl)

    async def atouch(
        self,
        key: Any,
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> bool:
        """See `touch`."""
        place = self._place(key, version)
        ttl = self.get_backend_timeout(timeout)
        if ttl is not None and ttl <= 0:
            return await self._async_store.delete(place)
        return await self._async_store.touch(place, ttl)

    async def adelete(self, key: Any, version: int | None = None) -> bool:
        """See `delete`."""
        return await self._async_store.delete(self._place(key, version))

    async def aincr(self, key: Any, delta: Any = 1, version: int | None = None) -> Any:
        """See `incr`."""
        place = self._place(key, version)
        store = self._async_store
        if type(delta) is int:
            try:
                return await store.increment(place, delta)
            except KeyError:
                raise self._missing(key) from None
            except (TypeError, OverflowError):
                pass  # no whole number, or too large a one
        loop = asyncio.get_running_loop()
        deadline = loop.time() + store.timeout
        while True:
            found = await store.gets(place)
            if found is None:
                raise self._missing(key)
            data = self._changed(key, found[0], place, delta)
            if await store.replace(place, data, found[1]):
                return self._load(data, place)
            if loop.time() > deadline:
                raise contended(key)
            await asyncio.sleep(0)

    # Many entries

    async def aget_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """See `get_many`."""
        places = {self._place(key, version): key for key in keys}
        return self._read_many(places, await self._async_store.get_many(places))

    async def aset_many(
        self,
        data: Mapping[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,  # noqa: ASYNC109 - of the entry
        version: int | None = None,
    ) -> list[Any]:
        """See `set_many`."""
        ttl = self.get_backend_timeout(timeout)
        items = {}
        for key, value in data.items():
            place = self._place(key, version)
            items[place] = await self._adump(key, value, place)
        store = self._async_store
        if not items:
            return []
        if ttl is not None and ttl <= 0:
            await store.delete_many(items)
            return []
        if self._max_entries != UNLIMITED:
            await self._amake_room(len(items))
        try:
            await store.set_many(items, ttl)
        except StoreFull:
            await store.delete_many(items)
            raise
        return []

    async def adelete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """See `delete_many`."""
        places = [self._place(key, version) for key in keys]
        if places:
            await self._async_store.delete_many(places)

    async def aclose(self, **kwargs: Any) -> None:
        """See `close`."""

    async def aclear(self) -> None:
        """See `clear`."""
        await self._async_store.clear(PREFIX.encode())

    async def _amake_room(self, wanted: int) -> None:
        room, store = self._space.room, self._async_store
        await room.amake(store, wanted, self._max_entries, self._cull_frequency)


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error
