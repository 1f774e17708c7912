"""A dict that all workers see."""

from __future__ import annotations

from collections.abc import (
    Callable,
    Collection,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    ValuesView,
)
from typing import Any, Generic, TypeVar, cast, overload

from ..stores.protocol import KEEP, KeptTTL
from ..values import MISSING, Missing
from ..values.errors import UnreadableValue
from .async_dict import AsyncDict
from .atomic import PATIENCE, Atomic
from .in_place import InPlace, finish
from .records import checked_ttl

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

_OWN: Any = object()


class Dict(AsyncDict[K, V], MutableMapping[K, V], Generic[K, V]):
    """A dict that all workers see, and all machines where its store is networked.

        flags = holdfast.shared.dict("flags")
        flags["key0"] = {"colour": "red"}
        flags.change("visits", lambda n: n + 1, default=0)

    It has all that a `dict` has, with the same errors, and each method also to be awaited, with an
    `a` before its name: `await flags.aget("key0")`, `async for key in flags`.

    What it gives is a copy: to change a value, write it again, or use `change`. Keys are texts,
    whole numbers, bytes, UUIDs and tuples of these; equal keys are the same. They have no order.

    Reading or writing is one round trip, microseconds on the embedded store, and raises
    `StoreUnavailable` or `StoreTimeout` once the store's time-out is over. `len` and iteration go
    through all keys, in pages of 1,000, without blocking others; a key that is there all the while
    is met once, one that comes or goes meanwhile may be. Truth asks for one key only. On
    Memcached, which can't list keys, all of these raise `UnsupportedByStoreError`.

    Args:
        name: what it is called.
        store: which of the stores in HOLDFAST["STORES"].
        ttl: seconds that a value lives after it was written; None: until it is deleted.
        logged: whether changes are noted for `holdfast.shared.stream`. Without, writing is cheaper.
    """

    __slots__ = ()

    def __init__(
        self, name: str, *, store: str = "default", ttl: float | None = None, logged: bool = True
    ) -> None:
        super().__init__(name, store=store, ttl=ttl, logged=logged)

    @property
    def _atomic(self) -> Atomic:
        return Atomic(self._records, InPlace(self._store))

    # As of any dict

    def __getitem__(self, key: K) -> V:
        records = self._records
        place = records.place(key)
        value = records.load(self._store.get(place), place)
        if value is MISSING:
            raise KeyError(key)
        return cast("V", value)

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V) -> V: ...
    @overload
    def get(self, key: K, /, default: D) -> V | D: ...
    def get(self, key: K, /, default: Any = None) -> Any:
        """The value, or *default*."""
        records = self._records
        place = records.place(key)
        value = records.load(self._store.get(place), place)
        return default if value is MISSING else value

    def __contains__(self, key: object) -> bool:
        try:
            return self.get(cast("K", key), MISSING) is not MISSING
        except UnreadableValue:
            return True

    def __setitem__(self, key: K, value: V) -> None:
        self.set(key, value)

    def __delitem__(self, key: K) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        for places in self._pages():
            yield from map(self._records.key, places)

    def __len__(self) -> int:
        return finish(self._atomic.count())

    def __bool__(self) -> bool:
        return not finish(self._atomic.is_empty())

    # Mapping would read all, to compare it.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def items(self) -> ItemsView[K, V]:
        """Keys with their values: two round trips for each page of 1,000."""
        return _Items(self)

    def values(self) -> ValuesView[V]:
        """The values: two round trips for each page of 1,000."""
        return _Values(self)

    def _pages(self) -> Iterator[list[bytes]]:
        after: bytes | None = None
        while True:
            page = self._store.scan(self._records.prefix, after=after)
            yield page.keys
            after = page.after
            if after is None:
                return

    def iterate_items(self) -> Iterator[tuple[K, V]]:
        """What `items()` goes through."""
        records = self._records
        for places in self._pages():
            found = self._store.get_many(places)
            for place in places:
                value = records.load(found.get(place), place)
                if value is not MISSING:
                    yield records.key(place), value

    def clear(self) -> None:
        """Delete all, in slices: what others write meanwhile may stay or go."""
        self._store.clear(self._records.prefix, topic=self._records.topic)

    @overload
    def pop(self, key: K, /) -> V: ...
    @overload
    def pop(self, key: K, /, default: V) -> V: ...
    @overload
    def pop(self, key: K, /, default: D) -> V | D: ...
    def pop(self, key: K, /, default: Any = MISSING) -> Any:
        """Delete the key and return its value: of several who try, one gets it."""
        return finish(self._atomic.pop(key, default, PATIENCE))

    def popitem(self) -> tuple[K, V]:
        """Delete some key, and return it with its value: of several who try, one gets it."""
        return finish(self._atomic.popitem(PATIENCE))

    def setdefault(self, key: K, default: Any = None, /, ttl: KeptTTL = KEEP) -> Any:
        """The value; *default*, which is written, where there is none. Atomic."""
        return finish(self._atomic.setdefault(key, default, ttl, PATIENCE))

    def update(self, other: Any = (), /, **named: Any) -> None:
        """Write all, in one round trip. If it raises, some may be written."""
        self.set_many(dict(other, **named))

    # Beyond a dict

    def set(self, key: K, value: V, *, ttl: float | None = _OWN) -> None:
        """Write, with a TTL of its own.

        Args:
            key: as of `d[key]`.
            value: anything that can be stored.
            ttl: seconds; None: until it is deleted. Default: the dict's.

        Raises:
            NotStorable: the value can't be stored.
        """
        records = self._records
        place = records.place(key)
        lives = records.ttl if ttl is _OWN else checked_ttl(ttl)
        self._store.set(place, records.dump(value, place), lives, topic=records.topic)

    def delete(self, key: K) -> bool:
        """Delete the key. Whether it was there."""
        records = self._records
        return self._store.delete(records.place(key), topic=records.topic)

    def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of *keys* that there are, with their values. One round trip."""
        places = self._places(keys)
        return self._found(places, self._store.get_many(places))

    def set_many(self, items: Mapping[K, V], *, ttl: float | None = _OWN) -> None:
        """Write all, in one round trip. If it raises, some may be written."""
        lives = self._records.ttl if ttl is _OWN else checked_ttl(ttl)
        finish(self._atomic.set_many(items, lives))

    def delete_many(self, keys: Iterable[K]) -> int:
        """Delete all of *keys*, in one round trip. How many there were."""
        records = self._records
        # All of them first: a key that can't be one is found before any is gone.
        return self._store.delete_many([*map(records.place, keys)], topic=records.topic)

    def change(
        self,
        key: K,
        function: Callable[[Any], V],
        *,
        default: Any = MISSING,
        ttl: KeptTTL = KEEP,
        timeout: float = PATIENCE,
    ) -> V:
        """Replace the value by what *function* makes of it, atomically, and return that.

            flags.change("visits", lambda n: n + 1, default=0)

        No change is ever lost: where somebody else writes meanwhile, the function is called again
        with the new value. So it may be called several times, and should do nothing else. A number
        that many add to is better a `counter`.

        Args:
            key: as of `d[key]`.
            function: takes the value, and returns the one to be written.
            default: what it is given where there is none. Without: KeyError.
            ttl: seconds, or None for ever. Default: what the record has; the dict's, if it is new.
            timeout: seconds after which it gives up.

        Raises:
            KeyError: there is no value and no default.
            ChangeTimeout: others kept changing the same key. Nothing was changed.
        """
        return cast("V", finish(self._atomic.change(key, function, default, ttl, timeout)))

    def compare_and_set(
        self,
        key: K,
        expected: V | Missing,
        new: V | Missing,
        *,
        ttl: KeptTTL = KEEP,
        timeout: float = PATIENCE,
    ) -> bool:
        """Write *new*, if the value equals *expected*, atomically. Whether it was written.

        `holdfast.shared.MISSING` stands for no value: expected, or to be left.
        """
        return finish(self._atomic.compare_and_set(key, expected, new, ttl, timeout))

    def touch(self, key: K, *, ttl: float | None = _OWN) -> bool:
        """Let the value live for *ttl* seconds from now; default: the dict's.

        Whether there is a value.
        """
        lives = self._records.ttl if ttl is _OWN else checked_ttl(ttl)
        return self._store.touch(self._records.place(key), lives)

    def expires_in(self, key: K) -> float | None:
        """Seconds that the value has left; None: it never expires. KeyError, if there is none."""
        try:
            return self._store.expires_in(self._records.place(key))
        except KeyError:
            raise KeyError(key) from None

    def _places(self, keys: Iterable[K]) -> Collection[bytes]:
        return {self._records.place(key): None for key in keys}.keys()


class _Items(ItemsView[K, V]):
    """All pairs, without a round trip for each."""

    _mapping: Dict[K, V]

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return self._mapping.iterate_items()


class _Values(ValuesView[V]):
    """All values, without a round trip for each."""

    _mapping: Dict[Any, V]

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping.iterate_items())
