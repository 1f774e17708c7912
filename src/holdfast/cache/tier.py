"""Results in this process's own memory, bounded in bytes.

Who leaves when it is full is decided as by SIEVE: what was used since the hand last passed stays,
and gets no other place for it, so that a hit writes one flag and takes no lock.
"""

from __future__ import annotations

import os
import weakref
from _thread import allocate_lock

from .kept import Kept

#: Bytes of results in each process, by default.
TIER_BYTES = 32 * 2**20
#: A result that takes more than this share is not kept.
_LARGEST_SHARE = 8


class Tier:
    """The results of one store that this process keeps. See `Kept`.

    Args:
        limit: bytes, as estimated; 0: nothing is kept.
    """

    def __init__(self, limit: int = TIER_BYTES) -> None:
        self.limit = limit
        # One dict for ever: its `get` is a hit's look, and many hold on to it. One call, safe
        # beside anything that changes the tier.
        self.of: dict[bytes, Kept] = {}
        self.get = self.of.get
        self._begin()
        _tiers.add(self)

    def _begin(self) -> None:
        self.size = 0
        self.evicted = 0
        self._newest: Kept | None = None
        self._oldest: Kept | None = None
        self._hand: Kept | None = None
        self._lock = allocate_lock()

    def put(self, kept: Kept) -> None:
        """Keep it, unless another thread is just at it: what isn't kept is only asked for again."""
        if kept.size * _LARGEST_SHARE > self.limit:
            return
        # Never waited for: a finalizer may run anywhere in here, and ask for a cached result.
        if not self._lock.acquire(blocking=False):
            return
        try:
            before = self.of.get(kept.key)
            if before is not None:
                self._unlink(before)
            while self.size + kept.size > self.limit:
                self._evict()
            kept.older = self._newest
            if self._newest is not None:
                self._newest.newer = kept
            self._newest = kept
            if self._oldest is None:
                self._oldest = kept
            self.size += kept.size
            self.of[kept.key] = kept
        finally:
            self._lock.release()

    def drop(self, kept: Kept) -> None:
        """Forget it: it is no longer true."""
        kept.end()
        if not self._lock.acquire(blocking=False):
            return  # it leaves when its turn comes
        try:
            if self.of.get(kept.key) is kept:
                self._unlink(kept)
                del self.of[kept.key]
        finally:
            self._lock.release()

    def clear(self) -> None:
        """Forget everything."""
        for kept in list(self.of.values()):
            self.drop(kept)

    def forget_parent(self) -> None:
        """In a forked child: start with nothing. The lock may be held by a thread that is gone."""
        self.of.clear()
        self._begin()

    def _evict(self) -> None:
        kept = self._hand or self._oldest
        while kept is not None and kept.visited:
            kept.visited = False
            kept = kept.newer or self._oldest
        if kept is not None:
            self._hand = kept.newer
            self._unlink(kept)
            del self.of[kept.key]
            self.evicted += 1

    def _unlink(self, kept: Kept) -> None:
        if self._hand is kept:
            self._hand = kept.newer
        if kept.newer is None:
            self._newest = kept.older
        else:
            kept.newer.older = kept.older
        if kept.older is None:
            self._oldest = kept.newer
        else:
            kept.older.newer = kept.newer
        kept.newer = kept.older = None
        self.size -= kept.size


_tiers: weakref.WeakSet[Tier] = weakref.WeakSet()


def _in_child() -> None:
    for tier in list(_tiers):
        tier.forget_parent()


os.register_at_fork(after_in_child=_in_child)
