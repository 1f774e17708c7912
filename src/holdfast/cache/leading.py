"""Loading, storing, and what there is to do when either fails."""

from __future__ import annotations

import time
from typing import Any

from ..stores.errors import StoreError
from . import consistency as consistencies
from .call import Call
from .driving import Awaiting
from .flights import Flight, Outcome, next_moment
from .flood import Lane, flood_of
from .leases import Lease
from .payload import Found
from .recording import STALE
from .refreshing import Refreshing
from .serving import NOTHING, Serving
from .storing import Loaded, load_and_pack
from .tier import Tier

#: Seconds for which calls go their own way after a result was refused, without a queue.
APART = 10.0
_MOST = 10_000


class Leading(Serving):
    """What the one who leads a flight does."""

    def __init__(self, store: str, tier: Tier) -> None:
        super().__init__(store, tier)
        self.refreshing = Refreshing(self)
        # Keys whose results were private, until when.
        self._apart: dict[bytes, float] = {}

    def is_apart(self, key: bytes) -> bool:
        """Whether the last result was for its caller only, so that waiting for one is of no use."""
        until = self._apart.get(key)
        if until is None:
            return False
        if until > time.monotonic():
            return True
        self._apart.pop(key, None)
        return False

    @staticmethod
    async def enter_lane(call: Call) -> Lane | None:
        """Wait for those before us, in a flood of keys that have no result."""
        flood = flood_of(call.policy.name)
        if not flood.on:
            return None
        call.events.floods += 1
        return await flood.enter(call)

    async def load_apart(self, call: Call, found: Found | None) -> Any:
        """Load without keeping anybody from loading. The result may be stored all the same."""
        return await self.load_or_fall_back(call, Flight(), Lease.none(call.at), found)

    async def load_or_fall_back(
        self, call: Call, flight: Flight, lease: Lease, found: Found | None
    ) -> Any:
        """Load; if that fails, serve what there was, where that is permitted."""
        try:
            loaded = await self.load_and_store(call, flight, lease)
        except Exception:
            if not call.policy.fail_safe:
                raise
            old = self.old_after_all(call, found)
            if old is NOTHING:
                raise
            self.note_failure(call.key)
            call.events.fail_safe += 1
            return old
        if loaded.error is not None:
            raise loaded.error
        return loaded.value

    async def load_and_store(self, call: Call, flight: Flight, lease: Lease) -> Loaded:
        """Load, store, and say in *flight* what came of it."""
        consistency = consistencies.consistency
        shows_newest = consistency.may_share()
        stamp = await self.stamp(call.at)
        if stamp is None:
            # What can't be stored is of no use to other processes, so they need not wait for it.
            await lease.release()
        flight.began = next_moment() if shows_newest else 0
        loaded = await load_and_pack(call)
        if loaded.is_negative:
            call.events.negative += 1
            flood_of(call.policy.name).count()
        true_at = 0
        if loaded.payload is None:
            if loaded.error is not None:
                return loaded
            if loaded.refusal != STALE:
                if len(self._apart) >= _MOST:
                    self._apart.clear()
                self._apart[call.key] = time.monotonic() + APART
        elif stamp is not None and loaded.ttl != 0 and consistencies.may_wait():
            # Not where this transaction has written, even while it loaded: what it sees is not
            # there for others, and may never be.
            moment = next_moment()
            true_at = moment if await self._put(call, loaded, stamp) else 0
        flight.outcome = Outcome(loaded.payload, loaded.tags, true_at, loaded.place)
        return loaded

    async def _put(self, call: Call, loaded: Loaded, stamp: bytes) -> bool:
        payload, tags = loaded.payload, tuple(loaded.tags)
        assert payload is not None  # noqa: S101 - the caller has looked
        try:
            stored = await self.ask(call.at, "put", loaded.place, payload, loaded.ttl, stamp, tags)
        except StoreError:
            stored = False  # no room, or no store
        if not stored:
            call.events.not_stored += 1
            return False
        call.events.stored += 1
        call.events.stored_bytes += len(payload)
        fresh = loaded.head.fresh
        found = Found(payload, loaded.head, tags, stamp, valid=True, fresh_for=fresh, age=0.0)
        self.keep(loaded.place, found, call.policy)
        return True

    async def stamp(self, at: Awaiting) -> bytes | None:
        """A stamp; None, if nothing may be stored, or there is no store to store it in."""
        if self.circuit.open:
            return None
        try:
            return await at.stamp()
        except StoreError as error:
            self.failed(error)
            return None
