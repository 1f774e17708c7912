"""The stores that caches of this process use, and what goes with each.

Django makes a backend anew for each thread, and under ASGI for each request. So a backend holds
nothing but its parameters, and what is dear to open is kept here, once for the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.signals import setting_changed

from ...stores import open_store
from ...stores.errors import StoreError
from ...stores.protocol import Store
from ...values import Codec
from .parameters import Kind, Parameters, read
from .room import Room
from .values import make_codec

#: Stands before the key of each entry, so that a cache and shared state may live in one store.
PREFIX = "cache:"


class Space:
    """A store, with what turns values into bytes and what limits the number of entries."""

    __slots__ = ("codec", "counted", "guarding", "room", "store")

    def __init__(self, parameters: Parameters, store: Store, room: Room) -> None:
        self.store = store
        self.codec: Codec = make_codec(parameters.values)
        self.room = room
        self.counted = parameters.counted
        self.guarding = parameters.guarding


class Unusable:
    """Stands where a space or a store would, if the settings made sense: says why they don't.

    Args:
        fault: what is wrong with them.
    """

    __slots__ = ("_fault",)

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        raise InvalidCacheBackendError(self._fault)


_spaces: dict[str, Space] = {}
_stores: dict[str, tuple[Store, Room]] = {}


def space(kind: Kind, location: object, params: Mapping[str, Any]) -> Space:
    """The one for an entry of `CACHES`. Nothing is connected to yet.

    Raises:
        InvalidCacheBackendError: the entry makes no sense.
    """
    # Not all of it may be hashed; all that is allowed shows in its repr.
    name = repr((kind.name, location, params.get("OPTIONS"), params.keys()))
    return _spaces.get(name) or _open(name, kind, location, params)


def _open(name: str, kind: Kind, location: object, params: Mapping[str, Any]) -> Space:
    parameters = read(kind, location, params)
    key = repr((parameters.url, sorted(parameters.store.items())))
    opened = _stores.get(key)
    if opened is None:
        # No lock, which a fork could leave locked: opening is lazy, so two may come here at once.
        opened = _stores.setdefault(key, (_open_store(kind, parameters), Room(PREFIX.encode())))
    return _spaces.setdefault(name, Space(parameters, *opened))


def _open_store(kind: Kind, parameters: Parameters) -> Store:
    options = dict(parameters.store)
    if parameters.url.startswith("memcached:"):
        # Memcached can only empty what it was told of beforehand.
        options["clearable"] = [PREFIX.encode()]
    elif parameters.url == "lmdb://":
        # Which project it is shall not depend on where its processes were started.
        options["project"] = getattr(settings, "BASE_DIR", None)
    try:
        return open_store(parameters.url, purpose="cache", **options)
    except StoreError as error:
        raise InvalidCacheBackendError(f"CACHES, {kind.name}: {error}") from error


def _note_changed_setting(*, setting: str, **kwargs: object) -> None:
    # In tests only. How values become bytes may have changed with it.
    if setting == "HOLDFAST":
        _spaces.clear()


setting_changed.connect(_note_changed_setting, dispatch_uid="holdfast.django.cache.spaces")
