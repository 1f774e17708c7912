"""Loading ahead of time: in the background, one load for all processes, and nobody waits for it."""

from __future__ import annotations

import logging
import math
import os
import time
from typing import TYPE_CHECKING

from .driving import Awaiting
from .events import counts
from .flights import Flight, Outcome
from .leases import take_lease
from .payload import Found

if TYPE_CHECKING:
    from .fetching import Fetching
    from .loading import Wanted
    from .policy import Policy

logger = logging.getLogger("holdfast")

#: Seconds until it is tried again after a load in the background has failed.
RETRY = 1.0
#: What a load may take longer in the background than in the foreground, in seconds.
_SLOWER = 0.02
#: The earliest that a result is loaded anew, as a share of the time that it is fresh.
_EARLIEST = 0.5
#: Seconds to leave it to another process that is at it already.
_LEFT_TO_ANOTHER = (0.02, 1.0)
_MOST = 10_000

_salt = os.urandom(8)


def margin(policy: Policy, found: Found, key: bytes) -> float:
    """How many seconds before its end a result is to be loaded anew.

    At least as long as the load took, so that it is there in time; and more than that by chance,
    as in XFetch, so that not all processes begin at once. Drawn once for each result and process:
    so it doesn't grow with how often the result is asked for, and costs a hit nothing.
    """
    if not policy.early:
        return 0.0
    drawn = (hash((_salt, key, found.stamp)) % 2**32 + 1) / 2**32
    wanted = policy.early * (found.head.took + _SLOWER) * (1 - math.log(drawn))
    return min(wanted, found.head.fresh * _EARLIEST)


class Refreshing:
    """The loads in the background of one store's results, in this process."""

    def __init__(self, fetching: Fetching) -> None:
        self._fetching = fetching
        # By key: until when to leave it alone.
        self._not_before: dict[bytes, float] = {}
        # Keys whose load was broken off, as its event loop ended.
        self._broken_off: set[bytes] = set()

    def start(self, at: Awaiting, wanted: Wanted, key: bytes) -> bool:
        """Load it in the background, if nobody does yet.

        Returns:
            False: it can't be done there. The event loops that this is called in end too soon (as
            those of `async_to_sync` do), so it has to be done in the foreground for once.
        """
        if key in self._broken_off and at.may_await:
            self._broken_off.discard(key)
            return False
        fetching = self._fetching
        if key in fetching.flights or fetching.circuit.open:
            return True
        now = time.monotonic()
        if self._not_before.get(key, 0.0) > now:
            return True
        if len(self._not_before) > _MOST:
            self._not_before.clear()
        # Until it has begun, nobody else needs to start it.
        self._not_before[key] = now + RETRY
        at.start(lambda there: self._refresh(there, wanted, key))
        return True

    async def _refresh(self, at: Awaiting, wanted: Wanted, key: bytes) -> None:
        fetching = self._fetching
        flight = Flight()
        if fetching.flights.setdefault(key, flight) is not flight:
            return
        flight.board()
        try:
            pause = await self._load(at, wanted, key, flight)
        except Exception:
            pause = RETRY
            logger.warning(
                "%s could not be loaded in the background", wanted.policy.name, exc_info=True
            )
        except BaseException:
            if len(self._broken_off) < _MOST:
                self._broken_off.add(key)
            raise
        finally:
            fetching.flights.pop(key, None)
            flight.land()
        if pause:
            self._not_before[key] = time.monotonic() + pause
        else:
            self._not_before.pop(key, None)

    async def _load(self, at: Awaiting, wanted: Wanted, key: bytes, flight: Flight) -> float:
        """Load it; how many seconds to leave it alone then."""
        fetching, policy = self._fetching, wanted.policy
        events = counts(policy.name)
        lease = await take_lease(at, fetching.circuit, key, 0)
        if lease is None:
            return _LEFT_TO_ANOTHER[0]
        try:
            if not lease.held:
                return RETRY  # what can't be stored need not be loaded
            found = await fetching.look(at, key, policy, events, in_tier=False)
            if found is not None and found.valid and found.fresh_for > margin(policy, found, key):
                flight.outcome = Outcome(found.payload, frozenset(found.tags), True, key)
                return 0.0  # another process was quicker
            events.refreshes += 1
            await fetching.load_and_store(at, wanted, key, flight, lease, events)
            return 0.0
        finally:
            await lease.release()

    def forget_parent(self) -> None:
        """In a forked child: what the parent has begun isn't done here."""
        self._not_before.clear()
        self._broken_off.clear()
