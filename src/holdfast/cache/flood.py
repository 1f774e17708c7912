"""Holding back a flood of different keys that have no result.

Who asks for a thousand things that don't exist finds none of them in the cache, so each goes
through to the database. When more than a number of loads in a time have come to nothing, loads of
that function go on in a few lanes only, each one after the other, until it is over. Nothing is
remembered of the keys, so the flood can't fill anything.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from .. import configuration
from .flights import Flight

if TYPE_CHECKING:
    from .call import Call

#: Seconds over which loads that came to nothing are counted.
WINDOW = 10.0
#: How many there may be in that time, in each process, by default.
FLOOD = 1000
#: In how many lanes loads go on then, in each process.
LANES = 4


class Flood:
    """Counts the loads of one function that came to nothing, and holds back what is too much."""

    __slots__ = ("_before", "_begun", "_limit", "_now", "lanes")

    def __init__(self) -> None:
        limit = configuration.setting("CACHE", {}).get("FLOOD", FLOOD)
        self._limit: float = float("inf") if limit is None else limit
        self._begun = time.monotonic()
        self._now = 0
        self._before = 0
        #: Who goes on in each lane.
        self.lanes: dict[int, Lane] = {}

    def count(self) -> None:
        """A load came to nothing."""
        self._turn()
        self._now += 1

    @property
    def on(self) -> bool:
        """Whether there are too many."""
        if self._now + self._before < self._limit:
            return False
        self._turn()
        left = 1 - (time.monotonic() - self._begun) / WINDOW
        # As much of the last window as this one lacks.
        return self._now + self._before * left >= self._limit

    async def enter(self, call: Call) -> Lane | None:
        """Wait for those before us in a lane; None, if that took as long as *call* may wait."""
        number = hash(call.key) % LANES
        mine = Lane(self, number)
        while (before := self.lanes.setdefault(number, mine)) is not mine:
            left = call.left
            if left <= 0 or not await call.at.wait(before, call.policy.name, left):
                return None
        mine.board()
        return mine

    def _turn(self) -> None:
        now = time.monotonic()
        passed = now - self._begun
        if passed >= WINDOW:
            self._before = self._now if passed < 2 * WINDOW else 0
            self._now = 0
            self._begun += passed // WINDOW * WINDOW


class Lane(Flight):
    """The right to go on in a lane, for which others wait."""

    __slots__ = ("_flood", "_number")

    def __init__(self, flood: Flood, number: int) -> None:
        super().__init__()
        self._flood = flood
        self._number = number

    def leave(self) -> None:
        """Let the next one go on."""
        self._flood.lanes.pop(self._number, None)
        self.land()


_floods: dict[str, Flood] = {}


def flood_of(name: str) -> Flood:
    """That of the function of that name."""
    found = _floods.get(name)
    return _floods.setdefault(name, Flood()) if found is None else found


configuration.listeners.append(_floods.clear)
os.register_at_fork(after_in_child=_floods.clear)
