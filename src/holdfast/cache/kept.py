"""A result as this process keeps it, ready to be given out without that anybody can change it."""

from __future__ import annotations

import datetime as dt
import decimal
import time
import uuid
from collections.abc import Callable
from functools import partial
from types import NoneType
from typing import Any

from .payload import Found, value_of

#: Types whose values can't be changed, by anybody: subclasses could be, so exactly these.
_CONSTANT = frozenset(
    {
        NoneType,
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        dt.date,
        dt.datetime,
        dt.time,
        dt.timedelta,
        decimal.Decimal,
        uuid.UUID,
    }
)

#: Bytes that a result takes beside its value: keys, tags, the objects that hold them.
_OVERHEAD = 600
#: How many bytes the objects take that a byte of encoded value becomes.
_GROWTH = 4


class Kept:
    """One result in memory.

    Attributes:
        copy: makes the value to give out; None: `value` itself, which can't be changed.
        value: the value, if it can't be changed.
        found: all that is known of it; its `valid` and times are those when it was found.
        sequence: the store's sequence at which it was last seen to be true; None: never yet.
        quiet_until: until when a hit has nothing to do but to look at the sequence, by
            `time.monotonic`.
        fresh_until: until when it is fresh.
        seen: when it was last seen to be true.
        size: bytes that it takes, estimated.
        visited: whether it was used since the tier last looked.
        newer, older: its neighbours in the tier.
    """

    __slots__ = (
        "copy",
        "found",
        "fresh_until",
        "key",
        "newer",
        "older",
        "quiet_until",
        "seen",
        "sequence",
        "size",
        "tags",
        "value",
        "visited",
    )

    copy: Callable[[], Any] | None

    def __init__(self, key: bytes, found: Found, value: Any, now: float) -> None:
        self.key = key
        self.found = found
        self.tags = found.tags
        self.sequence: bytes | None = None
        self.fresh_until = now + found.fresh_for
        self.quiet_until = self.fresh_until
        self.seen = now
        self.visited = False
        self.newer: Kept | None = None
        self.older: Kept | None = None
        size = len(found.payload)
        self.size = size * (1 + _GROWTH) + len(key) + _OVERHEAD
        self.value = None
        if is_constant(value):
            self.copy = None
            self.value = value
        elif type(value) is dict and all(map(is_constant, value.values())):
            # Keys are constant as far as they are ours: a key that could change has no place in
            # what is stored. Those that are objects would be shared, so look at them, too.
            self.copy = value.copy if all(map(is_constant, value)) else self._decoder()
        elif type(value) is list and all(map(is_constant, value)):
            self.copy = value.copy
        else:
            self.copy = self._decoder()

    def _decoder(self) -> Callable[[], Any]:
        self.size = len(self.found.payload) + len(self.key) + _OVERHEAD
        return partial(value_of, self.found.payload, self.key)

    def give(self) -> Any:
        """The value; who gets it may change it."""
        return self.value if self.copy is None else self.copy()

    def as_found(self, *, unchecked: bool = False) -> Found:
        """What was found, as of now; it was found to be true just now, unless *unchecked*."""
        found = self.found
        fresh_for = self.fresh_until - time.monotonic()
        return found._replace(
            valid=True,
            fresh_for=fresh_for,
            age=max(0.0, found.head.fresh - fresh_for),
            kept=self,
            unchecked=unchecked,
        )

    def end(self) -> None:
        """Nobody may use it any more."""
        self.quiet_until = self.fresh_until = 0.0
        self.sequence = None


def is_constant(value: Any) -> bool:
    """Whether nothing in it can be changed."""
    kind = type(value)
    if kind in _CONSTANT:
        return True
    if kind is tuple or kind is frozenset:
        return all(map(is_constant, value))
    return False
