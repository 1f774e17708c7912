"""The algorithm of `Loader.fetch`, written once for both kinds of callers.

1. Look: in this process's tier, then in the store. What is true and fresh is returned; what is
   not may be, where the policy permits it, while a load in the background makes it anew.
2. Else take off: of all callers in this process one leads, and the others wait for it.
3. The leader takes the store's lease of the key, so that of all processes one loads; having got
   it, it looks again.
4. It takes a stamp, loads, and stores the result with that stamp and all that was recorded. The
   store takes it only if nothing of it was made untrue meanwhile.
5. Those who waited take the result, if it can't be older than what was true when they came (see
   `flights`); else they begin again.
"""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING, Any

from ..stores.errors import StoreError
from ..values import MISSING
from . import consistency as consistencies
from .driving import Awaiting
from .errors import LoadTimeout
from .events import Counts, counts
from .flights import Flight, Outcome, next_moment
from .flood import Flood, flood_of
from .leases import Lease, take_lease
from .looking import Looking
from .payload import Found, Kind, head_of, result_of
from .recording import innermost
from .refreshing import Refreshing, margin
from .storing import Loaded, load_and_pack

if TYPE_CHECKING:
    from collections.abc import Collection

    from .loading import Wanted
    from .policy import Policy
    from .tier import Tier

_monotonic = time.monotonic

# Stands for: there is nothing to be served.
_NOTHING: Any = object()

#: Seconds for which calls go their own way after a result was refused, without a queue.
APART = 10.0
#: Seconds until a loader that failed is tried again, where an old result can be served.
RETRY = 1.0
_MOST = 10_000


class Fetching(Looking):
    """The way of calls for the results of one store.

    Args:
        store: its name.
        tier: this process's part of it.
    """

    def __init__(self, store: str, tier: Tier) -> None:
        super().__init__(store, tier)
        #: By key: the load under way in this process.
        self.flights: dict[bytes, Flight] = {}
        self._refreshing = Refreshing(self)
        # By key, until when: those whose results are private, and whose loader has just failed.
        self._apart: dict[bytes, float] = {}
        self._failed: dict[bytes, float] = {}
        _all.add(self)

    async def fetch(self, at: Awaiting, wanted: Wanted, *, anew: bool = False) -> Any:
        """Find it or load it. *anew*: load it in any case."""
        policy, events = wanted.policy, counts(wanted.policy.name)
        came, deadline = next_moment(), _monotonic() + wanted.policy.wait
        missed = waited = False
        while True:
            key = wanted.key
            if not isinstance(key, bytes):
                key = await at.call(key)
            found = None
            if not anew:
                found = await self.look(at, key, policy, events)
                served = self._serve(at, wanted, key, found, events)
                if served is not _NOTHING:
                    return served
            if not missed:
                missed = True
                events.misses += 1
                if found is not None and not found.valid:
                    events.invalid += 1
            if await self._goes_apart(at, key):
                return await self._load_apart(at, wanted, key, found, events)
            flight = Flight()
            under_way = self.flights.setdefault(key, flight)
            if under_way is flight:
                flight.board()
                try:
                    return await self._lead(
                        at, wanted, key, flight, found, deadline, events, anew=anew
                    )
                finally:
                    self.flights.pop(key, None)
                    flight.land()
            if not waited:
                waited = True
                events.waits += 1
            if not await self._wait(at, under_way, policy, deadline, events):
                return await self._overdue(at, wanted, key, found, events)
            outcome = under_way.outcome
            if outcome is None:
                continue  # it failed: the next one tries
            if outcome.payload is None or (outcome.place != key and not outcome.stored):
                return await self._load_apart(at, wanted, key, found, events)
            if outcome.place == key and (outcome.stored or under_way.began > came):
                result = self._taken(outcome)
                if result is not _NOTHING:
                    return result

    async def peek(self, at: Awaiting, key: bytes, policy: Policy) -> Any:
        """What is there, fresh and true; else MISSING."""
        found = await self.look(at, key, policy, counts(policy.name))
        if found is None or not found.valid or found.fresh_for <= 0 or not _may_serve(found.tags):
            return MISSING
        _record(found.tags)
        return self.value(found, key, policy)

    # Serving what was found

    def _serve(
        self, at: Awaiting, wanted: Wanted, key: bytes, found: Found | None, events: Counts
    ) -> Any:
        """The result, if it may be served; else `_NOTHING`."""
        if found is None or not _may_serve(found.tags):
            return _NOTHING
        policy = wanted.policy
        over = -found.fresh_for
        if found.unchecked:
            events.fail_safe += 1
            return self._old(key, found, policy)
        if found.valid and over < 0:
            if found.head.kind is Kind.VALUE and -over < margin(policy, found, key):
                self._refreshing.start(at, wanted, key)
            value = self.value(found, key, policy)
            if value is MISSING:
                return _NOTHING
            if found.kept is None:
                events.store_hits += 1
            else:
                events.tier_hits += 1
            _record(found.tags)
            return value
        if found.valid and policy.fail_safe > over and self._failed.get(key, 0.0) > _monotonic():
            events.fail_safe += 1
            return self._old(key, found, policy)
        # Two permissions: what is both too old and untrue needs both.
        in_time = over < policy.stale or over < 0
        true = found.valid or self.untrue_for(found, key) < policy.stale_if_invalidated
        if not in_time or not true or found.head.kind >= Kind.ABSENT:
            return _NOTHING
        if not self._refreshing.start(at, wanted, key):
            return _NOTHING
        events.stale += 1
        return self._old(key, found, policy)

    def _old(self, key: bytes, found: Found, policy: Policy) -> Any:
        """An old result, from which nothing may be made that is kept."""
        value = self.value(found, key, policy)
        if value is MISSING:
            return _NOTHING
        recording = innermost.get()
        if recording is not None:
            recording.add_all(found.tags)
            recording.refuse("it was made of a result that was served stale")
        return value

    # Waiting for others

    @staticmethod
    async def _wait(
        at: Awaiting, flight: Flight, policy: Policy, deadline: float, events: Counts
    ) -> bool:
        begun = _monotonic()
        left = deadline - begun
        landed = left > 0 and await at.wait(flight, policy.name, left)
        events.wait_seconds += _monotonic() - begun
        return landed

    @staticmethod
    def _taken(outcome: Outcome) -> Any:
        """The result of another's load; `_NOTHING`, if it isn't for us."""
        if outcome.payload is None or not _may_serve(outcome.tags):
            return _NOTHING
        head = head_of(outcome.payload)
        assert head is not None  # noqa: S101 - we made it
        _record(outcome.tags)
        result = result_of(outcome.payload, head.kind, outcome.place)
        return _NOTHING if result is MISSING else result

    async def _overdue(
        self, at: Awaiting, wanted: Wanted, key: bytes, found: Found | None, events: Counts
    ) -> Any:
        """The time to wait is over: what the user chose for that."""
        policy = wanted.policy
        events.timeouts += 1
        if policy.on_wait == "error":
            raise LoadTimeout(
                f"The result of {policy.name} is being loaded elsewhere for longer than"
                f" {policy.wait:g} seconds. Give a longer wait=, or on_wait='load' or 'stale'."
            )
        if policy.on_wait == "stale" and self._is_usable(found, policy):
            assert found is not None  # noqa: S101 - it is usable
            events.stale += 1
            old = self._old(key, found, policy)
            if old is not _NOTHING:
                return old
        return await self._load_apart(at, wanted, key, found, events)

    @staticmethod
    def _is_usable(found: Found | None, policy: Policy) -> bool:
        """Whether a result whose time is over may be served where there is no other way."""
        return (
            found is not None
            and found.valid
            and -found.fresh_for < policy.keep
            and found.head.kind < Kind.ABSENT
            and _may_serve(found.tags)
        )

    # Loading

    async def _goes_apart(self, at: Awaiting, key: bytes) -> bool:
        """Whether this call neither waits for others, nor has others wait."""
        until = self._apart.get(key)
        if until is not None:
            if until > _monotonic():
                return True
            self._apart.pop(key, None)
        # What a transaction with writes of its own loads is for itself.
        return not consistencies.consistency.may_share() and await self._stamp(at) is None

    async def _load_apart(
        self, at: Awaiting, wanted: Wanted, key: bytes, found: Found | None, events: Counts
    ) -> Any:
        return await self._load_or_fall_back(
            at, wanted, key, Flight(), Lease.none(at), found, events
        )

    async def _lead(  # noqa: PLR0913, PLR0917 - all that is known of the call
        self,
        at: Awaiting,
        wanted: Wanted,
        key: bytes,
        flight: Flight,
        found: Found | None,
        deadline: float,
        events: Counts,
        *,
        anew: bool,
    ) -> Any:
        policy = wanted.policy
        flood = flood_of(policy.name)
        lane = None
        if flood.on and found is None:
            lane = await self._take_lane(at, flood, key, policy, deadline, events)
        try:
            lease = await take_lease(at, self.circuit, key, deadline - _monotonic())
            if lease is None:
                return await self._overdue(at, wanted, key, found, events)
            try:
                if lease.held and not anew:
                    again = await self.look(at, key, policy, events, in_tier=False)
                    if again is not None and again.valid and again.fresh_for > 0:
                        flight.outcome = Outcome(
                            again.payload, frozenset(again.tags), stored=True, place=key
                        )
                    served = self._serve(at, wanted, key, again, events)
                    if served is not _NOTHING:
                        return served
                    found = again or found
                return await self._load_or_fall_back(at, wanted, key, flight, lease, found, events)
            finally:
                await lease.release()
        finally:
            if lane is not None:
                flood.lanes.pop(flood.lane(key), None)
                lane.land()

    @staticmethod
    async def _take_lane(  # noqa: PLR0913, PLR0917 - all that is known of the call
        at: Awaiting, flood: Flood, key: bytes, policy: Policy, deadline: float, events: Counts
    ) -> Flight | None:
        """Wait for the others in this lane; None, if it took too long."""
        events.floods += 1
        mine = Flight()
        while (before := flood.lanes.setdefault(flood.lane(key), mine)) is not mine:
            left = deadline - _monotonic()
            if left <= 0 or not await at.wait(before, policy.name, left):
                return None
        mine.board()
        return mine

    async def _load_or_fall_back(  # noqa: PLR0913, PLR0917 - all that is known of the call
        self,
        at: Awaiting,
        wanted: Wanted,
        key: bytes,
        flight: Flight,
        lease: Lease,
        found: Found | None,
        events: Counts,
    ) -> Any:
        policy = wanted.policy
        try:
            loaded = await self.load_and_store(at, wanted, key, flight, lease, events)
        except Exception:
            if not policy.fail_safe or not self._is_usable(found, policy):
                raise
            assert found is not None  # noqa: S101 - it is usable
            _note(self._failed, key, RETRY)
            old = self._old(key, found, policy)
            if old is _NOTHING:
                raise
            events.fail_safe += 1
            return old
        if loaded.error is not None:
            raise loaded.error
        return loaded.value

    async def load_and_store(  # noqa: PLR0913, PLR0917 - all that is known of the call
        self,
        at: Awaiting,
        wanted: Wanted,
        key: bytes,
        flight: Flight,
        lease: Lease,
        events: Counts,
    ) -> Loaded:
        """Load, store, and say in *flight* what came of it."""
        shows_newest = consistencies.consistency.may_share()
        stamp = await self._stamp(at)
        if stamp is None:
            # What can't be stored is of no use to other processes, so they need not wait for it.
            await lease.release()
        flight.began = next_moment() if shows_newest else 0
        loaded = await load_and_pack(at, wanted, key, events)
        if (
            loaded.head.kind is Kind.NONE
            or loaded.head.kind is Kind.ABSENT
            or (loaded.value is None and loaded.error is None)
        ):
            events.negative += 1
            flood_of(wanted.policy.name).count()
        stored = False
        if loaded.payload is None:
            if loaded.error is None:
                _note(self._apart, key, APART)
        elif stamp is not None and loaded.ttl != 0:
            stored = await self._put(at, loaded, stamp, wanted.policy, events)
        if loaded.payload is not None or loaded.error is None:
            flight.outcome = Outcome(loaded.payload, loaded.tags, stored, loaded.place)
        return loaded

    async def _put(
        self, at: Awaiting, loaded: Loaded, stamp: bytes, policy: Policy, events: Counts
    ) -> bool:
        payload, tags = loaded.payload, tuple(loaded.tags)
        assert payload is not None  # noqa: S101 - the caller has looked
        try:
            stored = await self.ask(at, "put", loaded.place, payload, loaded.ttl, stamp, tags)
        except StoreError:
            stored = False  # no room, or no store
        if stored:
            events.stored += 1
            events.stored_bytes += len(payload)
            self.keep(
                loaded.place,
                Found(
                    payload,
                    loaded.head,
                    tags,
                    stamp,
                    valid=True,
                    fresh_for=loaded.head.fresh,
                    age=0.0,
                ),
                policy,
            )
        else:
            events.not_stored += 1
        return bool(stored)

    async def _stamp(self, at: Awaiting) -> bytes | None:
        """A stamp; None, if nothing may be stored, or there is no store to store it in."""
        if self.circuit.open:
            return None
        try:
            return await at.stamp()
        except StoreError as error:
            self.failed(at, error)
            return None

    def forget_parent(self) -> None:
        """In a forked child: the loads under way are the parent's."""
        self.flights.clear()
        self._refreshing.forget_parent()


def _may_serve(tags: Collection[bytes]) -> bool:
    consistency = consistencies.consistency
    return not consistency.restricts or consistency.may_serve(tags)


def _record(tags: Collection[bytes]) -> None:
    recording = innermost.get()
    if recording is not None:
        recording.add_all(tags)


def _note(notes: dict[bytes, float], key: bytes, seconds: float) -> None:
    """Note *key* for that long. Forgetting all when there are too many costs only what they save."""
    if len(notes) >= _MOST:
        notes.clear()
    notes[key] = _monotonic() + seconds


_all: weakref.WeakSet[Fetching] = weakref.WeakSet()


def _in_child() -> None:
    for fetching in list(_all):
        fetching.forget_parent()


os.register_at_fork(after_in_child=_in_child)
