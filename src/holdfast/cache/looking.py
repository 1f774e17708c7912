"""Looking for a result: in this process, then in the store, and without either when it is gone."""

from __future__ import annotations

import time
from typing import Any

from .. import named_stores
from ..stores.errors import StoreError, StoreUnavailable
from ..values import MISSING
from .call import Call
from .driving import Awaiting
from .early import margin
from .flights import Look, next_moment
from .following import follower
from .kept import Kept
from .outage import Circuit, Outage
from .payload import Found, Kind, found_in, result_of, value_of
from .policy import Policy
from .tier import Tier

_monotonic = time.monotonic
_MOST = 10_000


class Looking:
    """Where results of one store are found.

    Args:
        store: its name.
        tier: this process's part of it.
    """

    def __init__(self, store: str, tier: Tier) -> None:
        self._store = store
        self._tier = tier
        #: Whether the store is asked at all.
        self.circuit = Circuit(store)
        # By key: the look under way in this process.
        self._looks: dict[bytes, Look] = {}
        # By key: the stamp of a result, and when it was last seen to be true.
        self._seen: dict[bytes, tuple[bytes, float]] = {}

    async def look_together(self, call: Call) -> Found | None:
        """As `look`; on a network, one round trip for all who ask for the same at once."""
        key = call.key
        if named_stores.store(self._store).local:
            return await self.look(call)
        while True:
            mine = Look()
            before = self._looks.setdefault(key, mine)
            if before is mine:
                break
            if not await call.at.wait(before, call.policy.name, call.left):
                return await self.look(call)
            if call.came < before.true_at:
                return before.found
        mine.board()
        try:
            moment = next_moment()
            mine.found = await self.look(call)
            mine.true_at = moment
            return mine.found
        finally:
            self._looks.pop(key, None)
            mine.land()

    async def look(self, call: Call, *, in_tier: bool = True) -> Found | None:
        """What there is: also what is no longer true, or fresh."""
        at, key, policy = call.at, call.key, call.policy
        kept = self._tier.get(key) if policy.tier and in_tier else None
        try:
            if kept is not None:
                if await self._found_true(call, kept):
                    return kept.as_found()
                if kept.fresh_until > _monotonic():
                    self._remember(key, kept, policy)
                    self._tier.drop(kept)
            entry = await self.ask(at, "get", key)
        except StoreError:
            call.events.outages += 1
            return _unchecked(self._tier.get(key) if policy.tier else None, policy)
        found = None if entry is None else found_in(entry)
        if found is not None and found.valid:
            if policy.stale_if_invalidated:
                self._see(key, found.stamp)
            if found.fresh_for > 0:
                self.keep(key, found, policy)
        return found

    async def _found_true(self, call: Call, kept: Kept) -> bool:
        """Whether it is still fresh and true."""
        now = _monotonic()
        if now >= kept.fresh_until:
            return False
        # The sequence first, for what is found valid after it is so as long as it stays.
        sequence = None
        if named_stores.store(self._store).local:
            sequence = await self.ask(call.at, "sequence")
        elif call.policy.tier == "streamed":
            sequence = follower(self._store).sequence() or None
        if sequence is None or sequence != kept.sequence:
            if not await self.ask(call.at, "valid", kept.found.stamp, kept.tags):
                return False
            kept.sequence = sequence
        kept.seen = now
        kept.visited = True
        return True

    def keep(self, key: bytes, found: Found, policy: Policy) -> None:
        """Keep it in this process, if that is wanted."""
        if not policy.tier or found.head.kind >= Kind.ABSENT:
            return
        value = value_of(found.payload, key)
        if value is MISSING:
            return
        kept = Kept(key, found, value, _monotonic())
        if found.head.kind is Kind.VALUE:
            kept.quiet_until -= margin(policy, found, key)
        self._tier.put(kept)

    @staticmethod
    def value(found: Found, key: bytes) -> Any:
        """The value to be returned, or the error that was kept, raised; MISSING: unreadable."""
        if found.kept is not None:
            return found.kept.give()
        return result_of(found.payload, found.head.kind, key)

    # How long it has been untrue

    def untrue_for(self, key: bytes, found: Found) -> float:
        """Seconds since it was made untrue, at most: since it was last seen to be true, or made."""
        stamp, seen = self._seen.get(key, (b"", 0.0))
        if stamp != found.stamp:
            return found.age
        return min(found.age, _monotonic() - seen)

    def _remember(self, key: bytes, kept: Kept, policy: Policy) -> None:
        if policy.stale_if_invalidated:
            self._see(key, kept.found.stamp, kept.seen)

    def _see(self, key: bytes, stamp: bytes, when: float | None = None) -> None:
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[key] = (stamp, _monotonic() if when is None else when)

    # Asking the store

    async def ask(self, at: Awaiting, method: str, *args: Any) -> Any:
        """A call of the store's `Tags`.

        Raises:
            StoreError: it could not be done; at once, while the store can't be reached.
        """
        if self.circuit.open:
            self.circuit.look()
            raise Outage(f"The store {self._store!r} can't be reached.")
        try:
            return await at.tags(method, *args)
        except StoreError as error:
            self.failed(error)
            raise

    def failed(self, error: StoreError) -> None:
        """Count it, and note if the store can't be reached."""
        if isinstance(error, Outage):
            return
        self.circuit.counts.errors += 1
        if isinstance(error, StoreUnavailable):
            self.circuit.trip(error)


def _unchecked(kept: Kept | None, policy: Policy) -> Found | None:
    """What this process has, if it may be served without asking the store."""
    now = _monotonic()
    if kept is None or now - kept.seen >= policy.fail_safe:
        return None
    if now - kept.fresh_until >= policy.fail_safe:
        return None
    return kept.as_found(unchecked=True)
