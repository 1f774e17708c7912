"""MAX_ENTRIES: counting entries, and removing some where there are too many."""

from __future__ import annotations

import random

from ...stores.async_protocol import AsyncStore
from ...stores.protocol import Store

#: A count is taken for true until an eighth of the room that it found is used up. So the limit is
#: kept as long as no more than eight processes write at once, and a write counts rarely.
_SHARE = 8


class Room:
    """How many entries may be written before they have to be counted again, in this process.

    Args:
        prefix: of the keys that are entries.
    """

    __slots__ = ("_left", "_prefix")

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._left: dict[int, int] = {}

    def make(self, store: Store, wanted: int, most: int, cull_frequency: int) -> None:
        """See that *wanted* more entries fit below *most*; remove others if they don't."""
        if self._take(wanted, most):
            return
        keys: list[bytes] = []
        after: bytes | None = None
        while True:
            page = store.scan(self._prefix, after=after)
            keys += page.keys
            after = page.after
            if after is None:
                break
        while len(keys) + wanted > most and (doomed := self._choose(keys, cull_frequency)):
            store.delete_many(doomed)
        self._note(most - len(keys) - wanted, most)

    async def amake(self, store: AsyncStore, wanted: int, most: int, cull_frequency: int) -> None:
        """The same, for `await`."""
        if self._take(wanted, most):
            return
        keys: list[bytes] = []
        after: bytes | None = None
        while True:
            page = await store.scan(self._prefix, after=after)
            keys += page.keys
            after = page.after
            if after is None:
                break
        while len(keys) + wanted > most and (doomed := self._choose(keys, cull_frequency)):
            await store.delete_many(doomed)
        self._note(most - len(keys) - wanted, most)

    def _take(self, wanted: int, most: int) -> bool:
        left = self._left.get(most, 0) - wanted
        self._left[most] = left
        return left >= 0

    def _note(self, room: int, most: int) -> None:
        self._left[most] = max(0, room // _SHARE)

    def _choose(self, keys: list[bytes], cull_frequency: int) -> list[bytes]:
        """Take those to remove out of *keys*: one in *cull_frequency*, at random; 0: all."""
        if cull_frequency == 0:
            doomed = keys[:]
            keys.clear()
            return doomed
        # At random, because in order of keys some would never be kept and some never be removed.
        random.shuffle(keys)
        kept = len(keys) - len(keys) // cull_frequency
        doomed = keys[kept:]
        del keys[kept:]
        return doomed
