"""The half of a shared dict that is awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar, cast, overload

from ..stores.protocol import KEEP, KeptTTL
from ..values import MISSING, Missing
from ..values.errors import UnreadableValue
from .atomic import PATIENCE, Atomic
from .handle import Handle
from .in_place import Awaited
from .records import Records, checked_ttl

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

_OWN: Any = object()


class AsyncDict(Handle, Generic[K, V]):
    """The methods of `holdfast.shared.dict` that are awaited: as those without the `a`."""

    __slots__ = ("_records",)

    def __init__(self, name: str, *, store: str, ttl: float | None, logged: bool) -> None:
        super().__init__(name, store)
        self._records = Records(name, ttl, logged=logged)

    def _arguments(self) -> dict[str, Any]:
        records = self._records
        return super()._arguments() | {"ttl": records.ttl, "logged": records.topic is not None}

    @property
    def _awaited(self) -> Atomic:
        return Atomic(self._records, Awaited(self._async_store))

    async def agetitem(self, key: K) -> V:
        """The value; KeyError, where there is none."""
        value = await self.aget(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    @overload
    async def aget(self, key: K, /) -> V | None: ...
    @overload
    async def aget(self, key: K, /, default: V) -> V: ...
    @overload
    async def aget(self, key: K, /, default: D) -> V | D: ...
    async def aget(self, key: K, /, default: Any = None) -> Any:
        """As `get`."""
        records = self._records
        place = records.place(key)
        value = records.load(await self._async_store.get(place), place)
        return default if value is MISSING else value

    async def acontains(self, key: object) -> bool:
        """As `in`."""
        try:
            return await self.aget(cast("K", key), MISSING) is not MISSING
        except UnreadableValue:
            return True

    async def aset(self, key: K, value: V, *, ttl: float | None = _OWN) -> None:
        """As `set`."""
        records = self._records
        place = records.place(key)
        lives = records.ttl if ttl is _OWN else checked_ttl(ttl)
        data = records.dump(value, place)
        await self._async_store.set(place, data, lives, topic=records.topic)

    async def adelete(self, key: K) -> bool:
        """As `delete`."""
        records = self._records
        return await self._async_store.delete(records.place(key), topic=records.topic)

    async def aget_many(self, keys: Iterable[K]) -> dict[K, V]:
        """As `get_many`."""
        places = {self._records.place(key): None for key in keys}.keys()
        return self._found(places, await self._async_store.get_many(places))

    async def aset_many(self, items: Mapping[K, V], *, ttl: float | None = _OWN) -> None:
        """As `set_many`."""
        lives = self._records.ttl if ttl is _OWN else checked_ttl(ttl)
        await self._awaited.set_many(items, lives)

    async def aupdate(self, other: Any = (), /, **named: Any) -> None:
        """As `update`."""
        await self.aset_many(dict(other, **named))

    async def adelete_many(self, keys: Iterable[K]) -> int:
        """As `delete_many`."""
        records = self._records
        places = [records.place(key) for key in keys]
        return await self._async_store.delete_many(places, topic=records.topic)

    async def achange(
        self,
        key: K,
        function: Callable[[Any], Any],
        *,
        default: Any = MISSING,
        ttl: KeptTTL = KEEP,
        timeout: float = PATIENCE,
    ) -> V:
        """As `change`. The function may be a coroutine function."""
        return cast("V", await self._awaited.change(key, function, default, ttl, timeout))

    async def acompare_and_set(
        self,
        key: K,
        expected: V | Missing,
        new: V | Missing,
        *,
        ttl: KeptTTL = KEEP,
        timeout: float = PATIENCE,
    ) -> bool:
        """As `compare_and_set`."""
        return await self._awaited.compare_and_set(key, expected, new, ttl, timeout)

    async def asetdefault(self, key: K, default: Any = None, /, ttl: KeptTTL = KEEP) -> Any:
        """As `setdefault`."""
        return await self._awaited.setdefault(key, default, ttl, PATIENCE)

    @overload
    async def apop(self, key: K, /) -> V: ...
    @overload
    async def apop(self, key: K, /, default: V) -> V: ...
    @overload
    async def apop(self, key: K, /, default: D) -> V | D: ...
    async def apop(self, key: K, /, default: Any = MISSING) -> Any:
        """As `pop`."""
        return await self._awaited.pop(key, default, PATIENCE)

    async def apopitem(self) -> tuple[K, V]:
        """As `popitem`."""
        return await self._awaited.popitem(PATIENCE)

    async def aclear(self) -> None:
        """As `clear`."""
        await self._async_store.clear(self._records.prefix, topic=self._records.topic)

    async def alen(self) -> int:
        """As `len`."""
        return await self._awaited.count()

    async def atouch(self, key: K, *, ttl: float | None = _OWN) -> bool:
        """As `touch`."""
        lives = self._records.ttl if ttl is _OWN else checked_ttl(ttl)
        return await self._async_store.touch(self._records.place(key), lives)

    async def aexpires_in(self, key: K) -> float | None:
        """As `expires_in`."""
        try:
            return await self._async_store.expires_in(self._records.place(key))
        except KeyError:
            raise KeyError(key) from None

    async def __aiter__(self) -> AsyncIterator[K]:
        async for places in self._apages():
            for place in places:
                yield self._records.key(place)

    def akeys(self) -> AsyncIterator[K]:
        """As `keys`: `async for key in flags.akeys()`."""
        return aiter(self)

    async def aitems(self) -> AsyncIterator[tuple[K, V]]:
        """As `items`: `async for key, value in flags.aitems()`."""
        records = self._records
        async for places in self._apages():
            found = await self._async_store.get_many(places)
            for place in places:
                value = records.load(found.get(place), place)
                if value is not MISSING:
                    yield records.key(place), value

    async def avalues(self) -> AsyncIterator[V]:
        """As `values`: `async for value in flags.avalues()`."""
        async for _, value in self.aitems():
            yield value

    async def _apages(self) -> AsyncIterator[list[bytes]]:
        after: bytes | None = None
        while True:
            page = await self._async_store.scan(self._records.prefix, after=after)
            yield page.keys
            after = page.after
            if after is None:
                return

    def _found(self, places: Iterable[bytes], data: Mapping[bytes, bytes]) -> dict[K, V]:
        """What a store has of *places*, in their order."""
        records = self._records
        loaded = ((place, records.load(data.get(place), place)) for place in places)
        return {records.key(place): value for place, value in loaded if value is not MISSING}
