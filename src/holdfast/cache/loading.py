"""The way of every cached result: find it, or load it once, and keep it as long as it is true.

All that caches goes this way: functions, queries, views and fragments. For each store there is one
`Loader` in a process (`loader("cache")`); each call brings its key, its policy and its load.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from .. import configuration, named_stores
from ..stores.errors import StoreError
from ..values import MISSING
from . import verifying
from .call import Call, Key, Load, StoreAt, Wanted
from .driving import Awaiting, Blocking, finish
from .events import counts
from .fetching import fetching
from .following import follower
from .policy import Policy
from .serving import may_serve, note_tags
from .tier import TIER_BYTES, Tier

_monotonic = time.monotonic


class Loader:
    """Cached results of one store, in this process.

    Args:
        store: its name in HOLDFAST["STORES"].

    How a query cache uses it:

        loader("cache").fetch(key, lambda: run(query), policy, tags)

    where the recording that is open during `run` gets the tags of all rows that were read.

    How a page cache uses it, whose keys depend on what the view reads of the request: it gives a
    function as key, which looks up what of the request such a page is known to depend on, and makes
    the key of just these parts; and `store_at`, which makes the same key of what was recorded this
    time (and, if that is news, writes it down for others). If the two differ, the page is stored
    under the second key, and those who waited make their keys again.

        def key():  # may be async for `afetch`
            return page_key(request, parts_known_of(request.path))
        def store_at(recording):
            remember(request.path, recording.parts)
            return page_key(request, recording.parts)
        loader("cache").fetch(key, lambda: view(request), policy, store_at=store_at)
    """

    def __init__(self, store: str = "cache") -> None:
        self.store = store
        self.tier = Tier(configuration.setting("CACHE", {}).get("TIER_BYTES", TIER_BYTES))
        self._fetching = fetching(self.store, self.tier)
        self._blocking = Blocking(store)
        self._awaiting = Awaiting(store)

    def quick(self, key: bytes, policy: Policy) -> Any:
        """The result, if it is in this process and there is nothing to do but to check it.

        MISSING, if not: then `fetch` or `afetch` finds it, or loads it. Never waits: a store is
        asked only where it is on this machine, which takes a microsecond. `fetch` alone does, too;
        this saves making what is to be called.
        """
        kept = self.tier.get(key)
        if kept is not None and verifying.is_on and verifying.picks(policy, key):
            return MISSING
        if kept is None or not kept.sequence:
            return MISSING
        now = _monotonic()
        try:
            if now >= kept.quiet_until or self._sequence(policy) != kept.sequence:
                return MISSING
        except StoreError:
            return MISSING  # the longer way goes on without the store
        if not may_serve(kept.tags):
            return MISSING
        note_tags(kept.tags)
        kept.visited = True
        kept.seen = now
        counts(policy.name).tier_hits += 1
        return kept.give()

    def _sequence(self, policy: Policy) -> bytes:
        store = named_stores.store(self.store)
        if store.local:
            return store.tags.sequence()
        return follower(self.store).sequence() if policy.tier == "streamed" else b""

    @property
    def is_without_store(self) -> bool:
        """Whether it goes on without the store, which can't be reached."""
        return self._fetching.circuit.open

    # Finding or loading

    def fetch(
        self,
        key: Key,
        load: Load,
        policy: Policy,
        tags: Collection[bytes] = (),
        *,
        store_at: StoreAt | None = None,
    ) -> Any:
        """The result: found, or loaded. Blocks this thread or greenlet while it is loaded.

        Args:
            key: the name of the result, or a function that returns it, called at each look.
            load: makes it. Called in this thread, or, ahead of time, in another one.
            policy: how long it is kept, and so on.
            tags: what it depends on, beside all that is recorded while it is loaded.
            store_at: the key to store it under, made of what was recorded.

        Returns:
            The result, for the caller alone: it may be changed.

        Raises:
            LoadTimeout: as *policy* wants it.
            NotStorable: the result is nothing that can be stored.
            Exception: what *load* raises.
        """
        wanted = Wanted(key, load, policy, tags, store_at)
        return finish(self._fetching.fetch(Call(self._blocking, wanted)))

    async def afetch(
        self,
        key: Key,
        load: Load,
        policy: Policy,
        tags: Collection[bytes] = (),
        *,
        store_at: StoreAt | None = None,
    ) -> Any:
        """As `fetch`, for async code. What *load*, *key* and *store_at* return may be awaitable."""
        wanted = Wanted(key, load, policy, tags, store_at)
        return await self._fetching.fetch(Call(self._awaiting, wanted))

    def refresh(self, key: Key, load: Load, policy: Policy, tags: Collection[bytes] = ()) -> Any:
        """Load it anew, whatever is there, and return it. As `fetch` otherwise."""
        wanted = Wanted(key, load, policy, tags)
        return finish(self._fetching.fetch(Call(self._blocking, wanted, anew=True)))

    async def arefresh(
        self, key: Key, load: Load, policy: Policy, tags: Collection[bytes] = ()
    ) -> Any:
        """As `refresh`."""
        wanted = Wanted(key, load, policy, tags)
        return await self._fetching.fetch(Call(self._awaiting, wanted, anew=True))

    def peek(self, key: Key, policy: Policy) -> Any:
        """The result, if there is one that is fresh and true; else MISSING. Loads nothing.

        Raises:
            Exception: the result is an error that was kept.
        """
        return finish(self._fetching.peek(Call(self._blocking, Wanted(key, _load_nothing, policy))))

    async def apeek(self, key: Key, policy: Policy) -> Any:
        """As `peek`."""
        return await self._fetching.peek(Call(self._awaiting, Wanted(key, _load_nothing, policy)))


def _load_nothing() -> None:
    """Never called."""


_loaders: dict[str, Loader] = {}


def loader(store: str = "cache") -> Loader:
    """The loader of that store in this process."""
    found = _loaders.get(store)
    return _loaders.setdefault(store, Loader(store)) if found is None else found


def opened(store: str) -> Loader | None:
    """The one of that store, if anything was asked of it."""
    return _loaders.get(store)


# In place: who holds on to one goes on with it, and with a store that was closed. So they are
# asked for at each call.
configuration.listeners.append(_loaders.clear)
