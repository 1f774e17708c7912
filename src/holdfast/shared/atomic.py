"""What a shared dict does in several steps, as if in one: by compare and set.

Each reads a record with its token, and writes only if the record is still the same; where it is
not, somebody else was quicker, and it starts again, a little later each time.
"""

from __future__ import annotations

import copy
import inspect
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..stores.protocol import KEEP, KeptTTL, Token
from ..values import MISSING
from .errors import ChangeTimeout
from .in_place import Awaited
from .records import Records, checked_ttl

_SHORTEST_PAUSE = 0.000_2
_LONGEST_PAUSE = 0.02
#: Seconds for which it is tried again, unless it is said.
PATIENCE = 5.0
# How many keys popitem takes its choice from, so that processes don't all want the same one.
_CHOICE = 32

# Returned by a decision: leave the record as it is.
_LEAVE: Any = object()

_Decision = Callable[[Any], Any]


class Atomic:
    """Operations on the records of one dict, where `at` runs them."""

    __slots__ = ("at", "records")

    def __init__(self, records: Records, at: Awaited) -> None:
        self.records = records
        self.at = at

    async def change(
        self, key: Any, function: _Decision, default: Any, ttl: KeptTTL, timeout: float
    ) -> Any:
        """Replace the value by what *function* makes of it, and return that."""

        def decide(value: Any) -> Any:
            if value is MISSING:
                if default is MISSING:
                    raise KeyError(key)
                # A fresh one each time, as the function may change it in place and be called again.
                value = copy.deepcopy(default)
            return function(value)

        _, new = await self._replace(key, decide, ttl, timeout)
        return new

    async def compare_and_set(
        self, key: Any, expected: Any, new: Any, ttl: KeptTTL, timeout: float
    ) -> bool:
        """Write *new*, if the value equals *expected*."""

        def decide(value: Any) -> Any:
            if (value is MISSING) != (expected is MISSING) or not (
                value is expected or value == expected
            ):
                return _LEAVE
            return new

        _, written = await self._replace(key, decide, ttl, timeout)
        return written is not _LEAVE

    async def setdefault(self, key: Any, default: Any, ttl: KeptTTL, timeout: float) -> Any:
        """The value; *default*, written, where there is none."""
        value, _ = await self._replace(
            key, lambda value: default if value is MISSING else _LEAVE, ttl, timeout
        )
        return default if value is MISSING else value

    async def pop(self, key: Any, default: Any, timeout: float) -> Any:
        """The value, deleted."""
        value, _ = await self._replace(
            key, lambda value: _LEAVE if value is MISSING else MISSING, KEEP, timeout
        )
        if value is not MISSING:
            return value
        if default is MISSING:
            raise KeyError(key)
        return default

    async def popitem(self, timeout: float) -> tuple[Any, Any]:
        """Some key and its value, deleted."""
        after: bytes | None = None
        while True:
            page = await self.at.store.scan(self.records.prefix, after=after, limit=_CHOICE)
            for place in random.sample(page.keys, len(page.keys)):
                key = self.records.key(place)
                value = await self.pop(key, _LEAVE, timeout)
                if value is not _LEAVE:
                    return key, value
            after = page.after
            if after is None:
                raise KeyError("popitem(): the shared dict is empty")

    async def _replace(
        self, key: Any, decide: _Decision, ttl: KeptTTL, timeout: float
    ) -> tuple[Any, Any]:
        """Write what *decide* makes of the value; return both. MISSING stands for no record."""
        records, store = self.records, self.at.store
        place = records.place(key)
        lives = ttl if ttl == KEEP else checked_ttl(ttl)
        patience = _Patience(timeout)
        while True:
            token: Token | None = None
            value: Any = MISSING
            found = await store.gets(place)
            if found is not None:
                data, token = found
                value = records.load(data, place)
            new = decide(value)
            if self.at.may_await and inspect.isawaitable(new):
                new = await new
            if new is _LEAVE or (new is MISSING and found is None):
                return value, new
            data_or_none = None if new is MISSING else records.dump(new, place)
            if await store.replace(
                place,
                data_or_none,
                token,
                records.ttl if ttl == KEEP and token is None else lives,
                topic=records.topic,
            ):
                return value, new
            await self.at.pause(patience.next(records, place))

    async def set_many(self, items: Mapping[Any, Any], ttl: float | None) -> None:
        """Write all, in one round trip."""
        records = self.records
        places = {records.place(key): value for key, value in items.items()}
        data = {place: records.dump(value, place) for place, value in places.items()}
        if data:
            await self.at.store.set_many(data, ttl, topic=records.topic)

    async def count(self) -> int:
        """How many keys there are: goes through all of them, in pages."""
        count, after = 0, None
        while True:
            page = await self.at.store.scan(self.records.prefix, after=after)
            count += len(page.keys)
            after = page.after
            if after is None:
                return count

    async def is_empty(self) -> bool:
        """Whether there is no key."""
        after = None
        while True:
            page = await self.at.store.scan(self.records.prefix, after=after, limit=1)
            if page.keys:
                return False
            after = page.after
            if after is None:
                return True


class _Patience:
    """How long to wait before the next try, and when to give up."""

    __slots__ = ("_deadline", "_pause", "_timeout", "_tries")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout
        self._pause = _SHORTEST_PAUSE
        self._tries = 0

    def next(self, records: Records, place: bytes) -> float:
        self._tries += 1
        if time.monotonic() >= self._deadline:
            raise ChangeTimeout(
                f"{records.describe(place)} was changed by others in each of {self._tries} tries"
                f" in {self._timeout} seconds. Change it less often, use a counter for a number,"
                " or give a longer timeout."
            )
        # Each waits differently, or they would meet again.
        pause = random.uniform(0, self._pause)  # noqa: S311 - not a secret
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        return pause
