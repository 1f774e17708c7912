"""Serving what was found: fresh, old with permission, or old because there is nothing better."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from ..values import MISSING
from . import consistency as consistencies
from . import verifying
from .call import Call
from .early import margin
from .flights import Flight
from .looking import Looking
from .payload import Found, Kind
from .recording import STALE, innermost
from .refreshing import Refreshing
from .tier import Tier

#: Stands for: there is nothing to be served.
NOTHING: Any = object()

#: Seconds until a loader that failed is tried again, where an old result can be served.
RETRY = 1.0
_MOST = 10_000


class Serving(Looking):
    """What may be served of what was found.

    Attributes:
        flights: by key: the load under way in this process.
        refreshing: the loads in the background.
    """

    refreshing: Refreshing

    def __init__(self, store: str, tier: Tier) -> None:
        super().__init__(store, tier)
        self.flights: dict[bytes, Flight] = {}
        # Keys whose loader has just failed, until when.
        self._failed: dict[bytes, float] = {}

    def serve(  # noqa: PLR0911 - one for each answer
        self, call: Call, found: Found | None
    ) -> Any:
        """The result, if it may be served; else `NOTHING`.

        Raises:
            Exception: the result is an error that was kept.
        """
        if found is None or not may_serve(found.tags):
            return NOTHING
        if found.unchecked:
            call.events.fail_safe += 1
            return self._old(call, found)
        if found.valid and found.fresh_for > 0:
            return self._fresh(call, found)
        over = -found.fresh_for
        if found.valid and over < call.policy.fail_safe and self._has_just_failed(call.key):
            call.events.fail_safe += 1
            return self._old(call, found)
        # Two permissions: what is both too old and untrue needs both.
        in_time = over < call.policy.stale or over < 0
        true = found.valid or self.untrue_for(call.key, found) < call.policy.stale_if_invalidated
        if not in_time or not true or call.in_foreground:
            return NOTHING
        if not self.refreshing.start(call):
            call.in_foreground = True
            return NOTHING
        call.events.stale += 1
        return self._old(call, found)

    def _fresh(self, call: Call, found: Found) -> Any:
        if found.head.kind is Kind.VALUE and found.fresh_for < margin(call.policy, found, call.key):
            self.refreshing.start(call)
        if found.head.kind >= Kind.ABSENT:
            call.events.errors_served += 1
            if verifying.is_on:
                verifying.consider(call, found)
        value = self.value(found, call.key)
        if value is MISSING:
            return NOTHING
        if found.kept is None:
            call.events.store_hits += 1
        else:
            call.events.tier_hits += 1
        note_tags(found.tags)
        if verifying.is_on:
            verifying.consider(call, found)
        return value

    def old_after_all(self, call: Call, found: Found | None) -> Any:
        """A result whose time is over, if there is one that may be served when all else fails."""
        if found is None or not found.valid or not may_serve(found.tags):
            return NOTHING
        return self._old(call, found) if -found.fresh_for < call.policy.keep else NOTHING

    def _old(self, call: Call, found: Found) -> Any:
        """An old result, from which nothing may be made that is kept."""
        if found.head.kind >= Kind.ABSENT:
            return NOTHING
        value = self.value(found, call.key)
        if value is MISSING:
            return NOTHING
        recording = innermost.get()
        if recording is not None:
            recording.add_all(found.tags)
            recording.refuse(STALE)
        return value

    def note_failure(self, key: bytes) -> None:
        """The loader has failed: leave it alone for a moment."""
        if len(self._failed) >= _MOST:
            self._failed.clear()
        self._failed[key] = time.monotonic() + RETRY

    def _has_just_failed(self, key: bytes) -> bool:
        return self._failed.get(key, 0.0) > time.monotonic()

    def forget_parent(self) -> None:
        """In a forked child: the loads under way are the parent's."""
        self.flights.clear()
        self._looks.clear()
        self.refreshing.forget_parent()


def may_serve(tags: Collection[bytes]) -> bool:
    """Whether this transaction may see what depends on *tags*."""
    return not consistencies.consistency.restricts or consistencies.may_serve(tags)


def note_tags(tags: Collection[bytes]) -> None:
    """What is being made here depends on them, too."""
    recording = innermost.get()
    if recording is not None:
        recording.add_all(tags)
