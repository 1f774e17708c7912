"""The algorithm of `Loader.fetch`, written once for both kinds of callers.

1. Look: in this process's tier, then in the store. What is true and fresh is returned; what is
   not may be, where the policy permits it, while a load in the background makes it anew
   (`serving`).
2. Else take off: of all callers in this process one leads, and the others wait for it.
3. The leader takes the store's lease of the key, so that of all processes one loads; having got
   it, it looks again.
4. It takes a stamp, loads, and stores the result with that stamp and all that was recorded. The
   store takes it only if nothing of it was made untrue meanwhile (`leading`).
5. Those who waited take the result, if it can't be older than what was true when they came (see
   `flights`); else they begin again.
"""

from __future__ import annotations

import os
import time
import weakref
from typing import Any

from ..values import MISSING
from . import consistency as consistencies
from .call import Call
from .errors import LoadTimeout
from .flights import Flight, Outcome, next_moment
from .leading import Leading
from .leases import take_lease
from .payload import Found, head_of, result_of
from .serving import NOTHING, may_serve, note_tags

_monotonic = time.monotonic


class Fetching(Leading):
    """The way of calls for the results of one store. See `Leading` and what it is made of."""

    async def fetch(self, call: Call) -> Any:
        """Find it or load it."""
        while True:
            key = await call.make_key()
            found = None
            if not call.anew:
                found = await self.look_together(call)
                served = self.serve(call, found)
                if served is not NOTHING:
                    return served
            _count_miss(call, found)
            if self.is_apart(key) or not consistencies.may_wait():
                return await self.load_apart(call, found)
            flight = Flight()
            under_way = self.flights.setdefault(key, flight)
            if under_way is flight:
                flight.board()
                try:
                    return await self._lead(call, flight, found)
                finally:
                    self.flights.pop(key, None)
                    flight.land()
            if not await _wait(call, under_way):
                return await self._overdue(call, found)
            if _is_for_its_caller_only(under_way.outcome, key):
                return await self.load_apart(call, found)
            result = _taken(call, under_way)
            if result is not NOTHING:
                return result

    async def peek(self, call: Call) -> Any:
        """What is there, fresh and true; else MISSING."""
        await call.make_key()
        found = await self.look(call)
        if found is None or not found.valid or found.fresh_for <= 0 or not may_serve(found.tags):
            return MISSING
        note_tags(found.tags)
        return self.value(found, call.key)

    async def _lead(self, call: Call, flight: Flight, found: Found | None) -> Any:
        """Load for all who wait, in this process and in others."""
        lane = await self.enter_lane(call) if found is None else None
        try:
            lease = await take_lease(call.at, self.circuit, call.key, call.left)
            if lease is None:
                return await self._overdue(call, found)
            try:
                if lease.held and not call.anew:
                    moment = next_moment()
                    again = await self.look(call, in_tier=False)
                    if again is not None and again.valid and again.fresh_for > 0:
                        flight.outcome = Outcome(
                            again.payload, frozenset(again.tags), moment, call.key
                        )
                    served = self.serve(call, again)
                    if served is not NOTHING:
                        return served
                    found = again or found
                    if lease.was_anothers:
                        call.events.takeovers += 1
                return await self.load_or_fall_back(call, flight, lease, found)
            finally:
                await lease.release()
        finally:
            if lane is not None:
                lane.leave()

    async def _overdue(self, call: Call, found: Found | None) -> Any:
        """The time to wait is over: what the user chose for that."""
        policy = call.policy
        call.events.timeouts += 1
        if policy.on_wait == "error":
            raise LoadTimeout(
                f"The result of {policy.name} is being loaded elsewhere for longer than"
                f" {policy.wait:g} seconds. Give a longer wait=, or on_wait='load' or 'stale'."
            )
        if policy.on_wait == "stale":
            old = self.old_after_all(call, found)
            if old is not NOTHING:
                call.events.stale += 1
                return old
        return await self.load_apart(call, found)


def _count_miss(call: Call, found: Found | None) -> None:
    if not call.missed:
        call.missed = True
        call.events.misses += 1
        if found is not None and not found.valid:
            call.events.invalid += 1


async def _wait(call: Call, flight: Flight) -> bool:
    """Wait for another's load; False, if it took too long."""
    if not call.waited:
        call.waited = True
        call.events.waits += 1
    begun = _monotonic()
    left = call.left
    landed = left > 0 and await call.at.wait(flight, call.policy.name, left)
    call.events.wait_seconds += _monotonic() - begun
    return landed


def _is_for_its_caller_only(outcome: Outcome | None, key: bytes) -> bool:
    """Whether those who waited have to load for themselves."""
    if outcome is None:
        return False  # it failed: the next one tries, for all
    return outcome.payload is None or (outcome.place != key and not outcome.true_at)


def _taken(call: Call, flight: Flight) -> Any:
    """The result of another's load; `NOTHING`, if it may be older than this call."""
    outcome = flight.outcome
    if outcome is None or outcome.payload is None or outcome.place != call.key:
        return NOTHING
    if not (outcome.true_at > call.came or flight.began > call.came) or not may_serve(outcome.tags):
        return NOTHING
    if call.anew and flight.began < call.came:
        return NOTHING
    head = head_of(outcome.payload)
    assert head is not None  # noqa: S101 - we made it
    note_tags(outcome.tags)
    result = result_of(outcome.payload, head.kind, outcome.place)
    return NOTHING if result is MISSING else result


_all: weakref.WeakSet[Fetching] = weakref.WeakSet()


def fetching(store: str, tier: Any) -> Fetching:
    """One that a forked child begins anew."""
    made = Fetching(store, tier)
    _all.add(made)
    return made


def _in_child() -> None:
    for each in list(_all):
        each.forget_parent()


os.register_at_fork(after_in_child=_in_child)
