"""One call for a cached result, on its way."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from . import publishing
from .driving import Awaiting
from .events import Counts, counts
from .flights import next_moment
from .policy import Policy
from .recording import Recording

Load = Callable[[], Any]
Key = bytes | Callable[[], Any]
StoreAt = Callable[[Recording], Any]


@dataclass(slots=True, frozen=True)
class Wanted:
    """What a call asks for. See `Loader.fetch`."""

    key: Key
    load: Load
    policy: Policy
    tags: Collection[bytes] = ()
    store_at: StoreAt | None = None


class Call:
    """What is asked for, by whom, and since when.

    Attributes:
        at: what drives it.
        wanted: what it asks for.
        policy: of that.
        key: the result's name; made anew at each look, where it is a function.
        anew: whether to load it in any case.
        events: where it is counted.
        came: the moment when it came.
        deadline: when it has waited for others for as long as it may, by `time.monotonic`.
        in_foreground: whether it has to load itself what could be loaded in the background.
        missed: whether it was counted as a miss already.
        waited: whether it was counted as one that waited.
    """

    __slots__ = (
        "anew",
        "at",
        "came",
        "deadline",
        "events",
        "in_foreground",
        "key",
        "missed",
        "policy",
        "waited",
        "wanted",
    )

    def __init__(
        self, at: Awaiting, wanted: Wanted, *, key: bytes = b"", anew: bool = False
    ) -> None:
        self.at = at
        self.wanted = wanted
        self.policy = wanted.policy
        self.key = key
        self.anew = anew
        self.events: Counts = counts(wanted.policy.name)
        self.events.store = at.store
        if not publishing.begun:
            publishing.begin()
        self.came = next_moment()
        self.deadline = time.monotonic() + wanted.policy.wait
        self.in_foreground = False
        self.missed = False
        self.waited = False

    @property
    def left(self) -> float:
        """Seconds that it may wait for others still."""
        return max(0.0, self.deadline - time.monotonic())

    async def make_key(self) -> bytes:
        """The key, as things are now."""
        key = self.wanted.key
        self.key = key if isinstance(key, bytes) else await self.at.call(key)
        return self.key
