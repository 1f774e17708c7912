"""What stands between a cache and a store that can't be reached: the site goes on without it.

The first call that finds the store gone opens the circuit. From then on no call asks it, so that
none waits for a time-out. Reads find nothing, writes are dropped, and what was to be written is
remembered by its place: when the store is back, these entries are deleted, since what lies there is
what was before; only then is it read again.
"""

from __future__ import annotations

import logging
import os
from _thread import allocate_lock
from collections.abc import Iterable
from typing import Any

from ...cache import background
from ...cache.flights import Flight
from ...stores.errors import StoreError, StoreUnavailable
from ...stores.protocol import Store
from .spaces import PREFIX

logger = logging.getLogger("holdfast")

#: Seconds between two looks whether the store is back.
PROBE_EVERY = 0.2
#: How many entries are remembered that have to be deleted then. If there are more, all are deleted.
MOST_OWED = 10_000

_PROBE = b"holdfast:probe"
_AT_ONCE = 500


class CacheUnavailable(StoreUnavailable):
    """The store can't be reached, and was not even asked."""


class Guard:
    """The circuit of one store in this process, and the loads under way.

    Args:
        store: the store.

    Attributes:
        open: whether the store isn't asked.
        missed: reads that found nothing because of it, in this process.
        dropped: writes that were not done because of it.
        flights: by place, the load under way in this process.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._begin()

    def _begin(self) -> None:
        self.open = False
        self.missed = 0
        self.dropped = 0
        self.flights: dict[bytes, Flight] = {}
        self._owed: set[bytes] = set()
        self._owes_all = False
        # Held by who looks whether it is back. Never waited for.
        self._probing = allocate_lock()

    forget_parent = _begin

    # Going without

    def trip(self, error: StoreError) -> None:
        """The store could not be reached: ask it no more until it answers."""
        if not self.open:
            self.open = True
            logger.warning(
                "The cache goes on without its store %s, which can't be reached: %s."
                " Reads find nothing and writes are dropped until it can.",
                self._store.url,
                error,
            )
        self.look()

    def look(self) -> None:
        """Have somebody look whether it is back, if nobody does."""
        if self._probing.acquire(blocking=False):
            try:
                background.run_aside(self._probe, "holdfast-cache-probe")
            except RuntimeError:  # no further thread; the next call tries again
                self._probing.release()

    def missing(self, found: Any) -> Any:
        """Count a read that finds nothing; what it finds is *found*."""
        self.missed += 1
        return found

    def owe(self, places: Iterable[bytes], done: Any = None) -> Any:
        """Note a write that was not done, or maybe not. Returns *done*."""
        self.dropped += 1
        if len(self._owed) < MOST_OWED:
            self._owed.update(places)
        else:
            self._owes_all = True
        self._not_too_late()
        return done

    def owe_all(self) -> None:
        """Note that all entries were to be deleted."""
        self.dropped += 1
        self._owes_all = True
        self._not_too_late()

    def _not_too_late(self) -> None:
        if not self.open:
            # The circuit was closed between our look and our note: what was noted comes first.
            self.open = True
            self.look()

    def check(self, what: str) -> None:
        """Raise, where the store can't be asked.

        Raises:
            CacheUnavailable: at once.
        """
        if self.open:
            raise CacheUnavailable(
                f"cache.{what}() has to know what the store holds, and {self._store.url} can't be"
                " reached."
            )

    # Coming back

    def _probe(self) -> None:
        try:
            while self.open:
                background.sleep(PROBE_EVERY)
                try:
                    self._store.get(_PROBE)
                    self._settle()
                except StoreError:
                    continue
                self._close()
        except Exception:
            logger.exception("Looking after the cache's store failed; the next call goes on")
        finally:
            self._probing.release()

    def _settle(self) -> None:
        while self._owed or self._owes_all:
            if self._owes_all:
                self._store.clear(PREFIX.encode())
                self._owes_all = False
            places = list(self._owed)[:_AT_ONCE]
            if places:
                self._store.delete_many(places)
                self._owed.difference_update(places)

    def _close(self) -> None:
        self.open = False
        if self._owed or self._owes_all:
            self.open = True  # noted since: once more
            return
        logger.warning(
            "The cache's store %s can be reached again. Until then, %d reads found nothing and %d"
            " writes were dropped.",
            self._store.url,
            self.missed,
            self.dropped,
        )


_guards: dict[int, Guard] = {}


def guard_of(store: Store) -> Guard:
    """The one of this store, which is open as long as the process lives."""
    found = _guards.get(id(store))
    return _guards.setdefault(id(store), Guard(store)) if found is None else found


def _in_child() -> None:
    for guard in list(_guards.values()):
        guard.forget_parent()


os.register_at_fork(after_in_child=_in_child)
