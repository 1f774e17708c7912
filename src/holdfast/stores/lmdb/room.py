"""How much is there, and what happens when there is too much: more room, eviction, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import StoreError, StoreFull
from .environment import DATABASES, Environment
from .eviction import Sieve
from .transactions import RoomNeeded

#: Records that one write evicts, at most, where there are as many as allowed.
_MOST_CULLED = 1000
#: From an eighth of a cache to all of it.
_HALVINGS = 4


class Room:
    """Watches over the room of one file, inside the transactions of its writers.

    Args:
        environment: the file.
        sieve: of a cache; None where nothing may be evicted.
        remove: deletes a record: remove(txn, engine key, its bytes).
        sweep: deletes what has expired: sweep(txn).
        drop: deletes everything: drop(txn).
        max_entries: records that a cache may hold; None: as many as there is room for.
        cull_frequency: when there are as many, one in so many goes; 0: all.
    """

    def __init__(  # noqa: PLR0913 - what deletes, in three ways
        self,
        environment: Environment,
        sieve: Sieve | None,
        *,
        remove: Callable[[Any, bytes, Any], None],
        sweep: Callable[[Any], object],
        drop: Callable[[Any], object],
        max_entries: int | None,
        cull_frequency: int,
    ) -> None:
        self._environment = environment
        self._databases = environment.databases
        self._sieve = sieve
        self._remove = remove
        self._sweep = sweep
        self._drop = drop
        self._max_entries = max_entries
        self._cull_frequency = cull_frequency
        #: Bytes that may be written before it must be measured again.
        self.unmeasured = 0

    def live(self, txn: Any) -> int:
        """Bytes in pages that hold something."""
        pages = 0
        for name in DATABASES:
            figures = txn.stat(self._databases[name])
            pages += figures["branch_pages"] + figures["leaf_pages"] + figures["overflow_pages"]
        return int(pages * self._environment.page)

    def measure(self, txn: Any, more: int) -> None:
        """See whether *more* bytes fit, and make room if they don't.

        Raises:
            RoomNeeded: the map must be larger first.
            StoreFull: there is no room, and nothing may be evicted.
        """
        environment = self._environment
        # A leaf is two thirds full on the average, and a page is the least that can be had.
        more += more // 2 + environment.page
        live = self.live(txn)
        room = environment.room
        if live + more <= room:
            self.unmeasured = min(room - live, max(room // 64, environment.page)) // 2
            return
        if environment.growable and environment.room < environment.size:
            raise RoomNeeded
        self.unmeasured = 0
        if self._sieve is None or more > environment.size // 2:
            raise self._full(more)
        # Some more than needed, so that not every write has to.
        excess = live + more - room + room // 64
        self._sieve.evict(txn, self._remove, size=excess, count=2**30)

    def make_room(self, txn: Any, times: int) -> None:
        """Evict an eighth of a cache, then twice that, and so on, and in the end everything."""
        share = self._environment.size >> max(0, _HALVINGS - times)
        if self._sieve is None or times > _HALVINGS:
            self._drop(txn)
        else:
            self._sieve.evict(txn, self._remove, size=share, count=2**30, look_at=2**30)

    def _full(self, more: int) -> StoreError:
        environment = self._environment
        if environment.cramped is not None:
            return environment.explained(environment.cramped)
        if self._sieve is not None:
            return StoreFull(
                f"A value of {more:,} bytes is too large for a cache of {environment.size:,}: give"
                ' the store a larger "size".'
            )
        return StoreFull(
            f"{environment.file} holds as much as it may, {environment.size:,} bytes: delete"
            ' something, or give the store a larger "size".'
        )

    def cull(self, txn: Any) -> None:
        """Make a place among a limited number of records, as Django's cache backends do."""
        entries = txn.stat(self._databases[b"records"])["entries"]
        if self._max_entries is None or entries < self._max_entries:
            return
        self._sweep(txn)
        share = max(1, entries // self._cull_frequency) if self._cull_frequency else entries
        # Not a hundred thousand in one turn: the next write finds it full again.
        count = min(share, _MOST_CULLED)
        if self._sieve is not None:
            self._sieve.evict(txn, self._remove, size=2**62, count=count, look_at=2 * entries)
