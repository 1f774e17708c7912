"""Loading ahead of time: in the background, one load for all processes, and nobody waits for it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from .call import Call, Wanted
from .driving import Awaiting
from .early import margin
from .flights import Flight, Outcome, next_moment
from .leases import take_lease

if TYPE_CHECKING:
    from .leading import Leading

logger = logging.getLogger("holdfast")

#: Seconds until it is tried again after a load in the background has failed.
RETRY = 1.0
#: Seconds to leave it to another process that is at it already.
_LEFT_TO_ANOTHER = 0.02
_MOST = 10_000


class Refreshing:
    """The loads in the background of one store's results, in this process."""

    def __init__(self, leading: Leading) -> None:
        self._leading = leading
        # By key: until when to leave it alone.
        self._not_before: dict[bytes, float] = {}
        # Keys whose load was broken off, as its event loop ended.
        self._broken_off: set[bytes] = set()

    def start(self, call: Call) -> bool:
        """Load it in the background, if nobody does yet.

        Returns:
            False: it can't be done there. The event loops that this is called in end too soon (as
            those of `async_to_sync` do), so it has to be done in the foreground for once.
        """
        key, wanted = call.key, call.wanted
        if key in self._broken_off and call.at.may_await:
            self._broken_off.discard(key)
            return False
        if key in self._leading.flights or self._leading.circuit.open:
            return True
        now = time.monotonic()
        if self._not_before.get(key, 0.0) > now:
            return True
        if len(self._not_before) > _MOST:
            self._not_before.clear()
        # Until it has begun, nobody else needs to start it.
        self._not_before[key] = now + RETRY
        call.at.start(
            lambda there: self._refresh(there, wanted, key), lambda: self._note_broken_off(key)
        )
        return True

    def _note_broken_off(self, key: bytes) -> None:
        if len(self._broken_off) < _MOST:
            self._broken_off.add(key)

    async def _refresh(self, at: Awaiting, wanted: Wanted, key: bytes) -> None:
        flights = self._leading.flights
        flight = Flight()
        if flights.setdefault(key, flight) is not flight:
            return
        flight.board()
        pause = RETRY
        try:
            pause = await self._load(Call(at, wanted, key=key), flight)
        except Exception:
            logger.warning(
                "%s could not be loaded in the background", wanted.policy.name, exc_info=True
            )
        finally:
            if pause:
                self._not_before[key] = time.monotonic() + pause
            else:
                self._not_before.pop(key, None)
            flights.pop(key, None)
            flight.land()

    async def _load(self, call: Call, flight: Flight) -> float:
        """Load it; how many seconds to leave it alone then."""
        leading, key = self._leading, call.key
        lease = await take_lease(call.at, leading.circuit, key, 0)
        if lease is None:
            return _LEFT_TO_ANOTHER
        try:
            if not lease.held:
                return RETRY  # what can't be stored need not be loaded
            moment = next_moment()
            found = await leading.look(call, in_tier=False)
            if (
                found is not None
                and found.valid
                and found.fresh_for > margin(call.policy, found, key)
            ):
                # Another process was quicker.
                flight.outcome = Outcome(found.payload, frozenset(found.tags), moment, key)
                return 0.0
            call.events.refreshes += 1
            await leading.load_and_store(call, flight, lease)
        finally:
            await lease.release()
        return 0.0

    def forget_parent(self) -> None:
        """In a forked child: what the parent has begun isn't done here."""
        self._not_before.clear()
        self._broken_off.clear()
