"""Which parts of a request the page of a view and URL depends on, as far as it is known.

Learned from runs, shared through the store, and remembered in this process. It only grows. It may
be out of date or lost: that costs a load, and can't make a page wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from ... import configuration, named_stores
from ...stores.errors import StoreError
from .observation import MOST_PARTS
from .parts import Parts

#: How many lists a process remembers.
_MOST = 10_000
#: Seconds after which a list is learned anew, in the store.
_TTL = 7 * 86_400.0
_PREFIX = b"holdfast:parts:"
#: So many processes may add to one list at once.
_TRIES = 20

NONE = Parts(())

_remembered: dict[tuple[str, str], Parts] = {}


def remembered(store: str, place: str) -> Parts | None:
    """What this process knows of *place*. Asks nobody."""
    return _remembered.get((store, place))


def look_up(store: str, place: str) -> Parts:
    """What anybody knows. One round trip."""
    try:
        data = named_stores.store(store).get(_record(place))
    except StoreError:
        return remembered(store, place) or NONE
    return _remember(store, place, _names(data))


async def alook_up(store: str, place: str) -> Parts:
    """As `look_up`."""
    try:
        data = await named_stores.asynchronous(store).get(_record(place))
    except StoreError:
        return remembered(store, place) or NONE
    return _remember(store, place, _names(data))


def learn(store: str, place: str, names: Iterable[str]) -> None:
    """Add to what is known."""
    record, bytes_store = _record(place), named_stores.store(store)
    try:
        for _ in range(_TRIES):
            found = bytes_store.gets(record)
            before, token = found or (None, None)
            known = _remember(store, place, {*_names(before), *names})
            data = json.dumps(known.names).encode()
            if data == before or bytes_store.replace(record, data, token, _TTL):
                return
    except StoreError:
        _remember(store, place, names)  # for this process; others will learn it themselves


async def alearn(store: str, place: str, names: Iterable[str]) -> None:
    """As `learn`."""
    record, bytes_store = _record(place), named_stores.asynchronous(store)
    try:
        for _ in range(_TRIES):
            found = await bytes_store.gets(record)
            before, token = found or (None, None)
            known = _remember(store, place, {*_names(before), *names})
            data = json.dumps(known.names).encode()
            if data == before or await bytes_store.replace(record, data, token, _TTL):
                return
    except StoreError:
        _remember(store, place, names)


def _remember(store: str, place: str, names: Iterable[str]) -> Parts:
    before = _remembered.get((store, place))
    found = set(names)
    if before is not None:
        if found.issubset(before.names):
            return before
        found.update(before.names)
    if len(found) > MOST_PARTS:
        # Learned from runs that had little in common. What the page needs is learned anew.
        found = set(names)
    if len(_remembered) >= _MOST:
        _remembered.clear()
    try:
        known = Parts(found)
    except ValueError:
        return NONE
    _remembered[store, place] = known
    return known


def _record(place: str) -> bytes:
    return _PREFIX + blake2b(place.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _names(data: bytes | None) -> set[str]:
    if data is None:
        return set()
    try:
        names = json.loads(data)
    except ValueError:
        return set()
    return set(names) if all(isinstance(name, str) for name in names) else set()


configuration.listeners.append(_remembered.clear)
