"""Django's cache API on a store."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django.core.cache.backends.base import (
    DEFAULT_TIMEOUT,
    MEMCACHE_MAX_KEY_LENGTH,
    BaseCache,
    InvalidCacheBackendError,
    default_key_func,
)

from ...stores import Store
from ...stores.errors import StoreFull, StoreTimeout
from ...values import MISSING
from ...values.codec import MARK
from ...values.errors import NotStorable, UnreadableValue
from .parameters import UNLIMITED, Kind
from .spaces import PREFIX, Space, Unusable, space
from .values import NotCacheable

logger = logging.getLogger("holdfast")

_LONGEST = len(PREFIX) + MEMCACHE_MAX_KEY_LENGTH


class Calls(BaseCache):
    """The part of the API that blocks.

    Args:
        location: `LOCATION` of the entry in `CACHES`.
        params: the rest of it.

    Attributes:
        fault: what is wrong with these settings, in one line; None, where all is well. If they are
            wrong, each call raises `InvalidCacheBackendError` with it. Making the cache doesn't:
            Django's own system checks make every cache, and would end in a traceback before ours
            could say what to mend.
    """

    kind: ClassVar[Kind]
    fault: str | None = None

    def __init__(self, location: object, params: dict[str, Any]) -> None:
        self._space: Space
        self._store: Store
        try:
            opened = space(self.kind, location, params)
        except InvalidCacheBackendError as error:
            super().__init__({})
            self.fault = str(error)
            self._space = self._store = self._load = cast("Any", Unusable(self.fault))
            self._as_django = False
            return
        super().__init__(params)
        self._space = opened
        self._store = opened.store
        self._load = opened.codec.load
        if not opened.counted:
            self._max_entries = UNLIMITED
        # Whether keys are made and judged as Django does it, so that a short cut may be taken.
        own = type(self)
        self._as_django = (
            own.make_key is BaseCache.make_key
            and own.validate_key is BaseCache.validate_key
            and own.make_and_validate_key is BaseCache.make_and_validate_key
        )

    # Keys, times and values

    def _place(self, key: Any, version: int | None) -> bytes:
        """Where the entry of *key* is. Warns as Django's own backends do."""
        if self._as_django and self.key_func is default_key_func:
            if version is None:
                version = self.version
            text = f"{PREFIX}{self.key_prefix}:{version}:{key}"
            # What Django warns of, at a tenth of the price; it decides in the few cases left over.
            if len(text) > _LONGEST or " " in text or not text.isprintable():
                self.validate_key(text[len(PREFIX) :])
        else:
            text = PREFIX + self.make_and_validate_key(key, version)
        return text.encode("utf-8", "surrogatepass")

    def get_backend_timeout(self, timeout: float | None = DEFAULT_TIMEOUT) -> float | None:
        """Seconds from now, or None for ever."""
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout

    def _dump(self, key: Any, value: Any, place: bytes) -> bytes:
        try:
            return self._space.codec.dump(value, place)
        except NotStorable as error:
            raise NotCacheable(error.reason, f"The value of the cache key {key!r}") from error

    def _read(self, data: bytes, place: bytes) -> Any:
        """The value, or MISSING: of a class that isn't known here, or not signed by us."""
        try:
            return self._load(data, place)
        except UnreadableValue as error:
            logger.info("Took a cache entry as missing: %s", error)
            return MISSING

    def _missing(self, key: Any) -> ValueError:
        return ValueError(f"Key '{key}' not found")

    def _changed(self, key: Any, data: bytes, place: bytes, delta: Any) -> bytes:
        """The bytes for what is stored, plus *delta*."""
        value = self._read(data, place)
        if value is MISSING:
            raise self._missing(key)
        return self._dump(key, value + delta, place)

    # One entry

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value of *key*, or *default*. One round trip."""
        place = self._place(key, version)
        data = self._store.get(place)
        if data is None:
            return default
        try:  # as _read does, without its price
            value = self._load(data, place)
        except UnreadableValue:
            value = self._read(data, place)
        if value is MISSING:
            if data[:2] != MARK:
                # So that add() and get_or_set() can put a sound one in its place.
                self._store.delete(place)
            return default
        return value

    def set(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        """Store *value* for *timeout* seconds; None: until removed. One round trip.

        Raises:
            NotCacheable: it can't be stored. What was there before is still there.
            StoreFull: it is too large for the store. What was there before is removed.
        """
        place = self._place(key, version)
        data = self._dump(key, value, place)
        ttl = self.get_backend_timeout(timeout)
        if ttl is not None and ttl <= 0:
            self._store.delete(place)
            return
        if self._max_entries != UNLIMITED:
            self._make_room(1)
        try:
            self._store.set(place, data, ttl)
        except StoreFull:
            self._store.delete(place)
            raise

    def add(
        self,
        key: Any,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> bool:
        """Store *value* where there is none. Whether it was stored. One round trip."""
        place = self._place(key, version)
        data = self._dump(key, value, place)
        ttl = self.get_backend_timeout(timeout)
        if ttl is not None and ttl <= 0:
            return self._store.get(place) is None
        if self._max_entries != UNLIMITED:
            self._make_room(1)
        return self._store.add(place, data, ttl)

    def touch(
        self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Let *key* live for *timeout* seconds from now. Whether there was one. One round trip."""
        place = self._place(key, version)
        ttl = self.get_backend_timeout(timeout)
        if ttl is not None and ttl <= 0:
            return self._store.delete(place)
        return self._store.touch(place, ttl)

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove *key*. Whether there was one. One round trip."""
        return self._store.delete(self._place(key, version))

    def incr(self, key: Any, delta: Any = 1, version: int | None = None) -> Any:
        """Add to a number, and return it. None is lost, whoever else does so at the same time.

        Whole numbers of 64 bits take one round trip. Others, and whatever else can be added to, are
        read, changed and written back where nobody else changed them meanwhile.

        Raises:
            ValueError: there is no such key.
            TypeError: what is there can't be added to.
            StoreTimeout: others kept changing it for as long as a call may take.
        """
        place = self._place(key, version)
        store = self._store
        if type(delta) is int:
            try:
                return store.increment(place, delta)
            except KeyError:
                raise self._missing(key) from None
            except (TypeError, OverflowError):
                pass  # no whole number, or too large a one
        deadline = time.monotonic() + store.timeout
        while True:
            found = store.gets(place)
            if found is None:
                raise self._missing(key)
            data = self._changed(key, found[0], place, delta)
            if store.replace(place, data, found[1]):
                return self._load(data, place)
            if time.monotonic() > deadline:
                raise contended(key)

    # Many entries

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values of those keys that there are. One round trip."""
        places = {self._place(key, version): key for key in keys}
        return self._read_many(places, self._store.get_many(places))

    def _read_many(
        self, places: Mapping[bytes, Any], found: Mapping[bytes, bytes]
    ) -> dict[Any, Any]:
        values = {}
        for place, key in places.items():
            data = found.get(place)
            if data is not None:
                value = self._read(data, place)
                if value is not MISSING:
                    values[key] = value
        return values

    def set_many(
        self,
        data: Mapping[Any, Any],
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> list[Any]:
        """Store all of them. One round trip. An error is raised: the list returned is empty."""
        ttl = self.get_backend_timeout(timeout)
        items = {}
        for key, value in data.items():
            place = self._place(key, version)
            items[place] = self._dump(key, value, place)
        if not items:
            return []
        if ttl is not None and ttl <= 0:
            self._store.delete_many(items)
            return []
        if self._max_entries != UNLIMITED:
            self._make_room(len(items))
        try:
            self._store.set_many(items, ttl)
        except StoreFull:
            self._store.delete_many(items)
            raise
        return []

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """Remove all of them. One round trip."""
        places = [self._place(key, version) for key in keys]
        if places:
            self._store.delete_many(places)

    def close(self, **kwargs: Any) -> None:
        """Do nothing: Django calls this after each request, and the store stays open."""

    close.never_blocks = True  # type: ignore[attr-defined]  # so our ASGI handler needs no thread

    def clear(self) -> None:
        """Remove all entries at this location: those of other prefixes and versions, too.

        Nothing else that is in the same store is touched.
        """
        self._store.clear(PREFIX.encode())

    def _make_room(self, wanted: int) -> None:
        self._space.room.make(self._store, wanted, self._max_entries, self._cull_frequency)


def contended(key: Any) -> StoreTimeout:
    """What to raise where others were always quicker."""
    return StoreTimeout(f"Others kept changing the cache key {key!r}. Nothing was changed.")
