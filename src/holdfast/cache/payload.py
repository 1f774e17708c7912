"""A result as it is stored: what kind it is, how long it was made to live, and the value.

Nothing goes by a date (there is one, for people who ask when a result was made, and by whom). How
much of its life a result has left is what the store says of it (`Entry.expires_in`), and what part
of that is the time in which it is fresh is written here.
"""

from __future__ import annotations

import random
import time
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import named_stores
from ..stores.tags import Entry
from ..values import MISSING
from ..values.errors import UnreadableValue
from .errors import CachedError
from .workers import this_worker

if TYPE_CHECKING:
    from .kept import Kept

# Of the layout; another one is no result.
_VERSION = 2
_HEAD = Struct(">BBfff8sd")

_NEVER = float("inf")


class Kind(IntEnum):
    """What was loaded."""

    VALUE = 0
    #: None, where that has a time of its own.
    NONE = 1
    #: An error that says "there is none".
    ABSENT = 2
    #: Any other error.
    ERROR = 3


class Head(NamedTuple):
    """What is stored beside the value. Times in seconds.

    Attributes:
        kind: what the value is.
        fresh: how long it was made to be fresh; infinite: for ever.
        keep: how long it is kept after that.
        took: how long its load took.
        by: the process that loaded it, by `Worker.token`.
        at: when it was packed, by that machine's clock. Nothing is decided by it.
    """

    kind: Kind
    fresh: float
    keep: float
    took: float
    by: bytes = bytes(8)
    at: float = 0.0


def pack(value: Any, head: Head, place: bytes) -> bytes:
    """The bytes to store at *place*.

    Raises:
        NotStorable: the value can't be stored.
    """
    body = named_stores.codec().dump(value, place)
    times = head.fresh, head.keep, head.took
    return _HEAD.pack(_VERSION, head.kind, *times, this_worker().token, time.time()) + body


def head_of(payload: bytes) -> Head | None:
    """What `pack` was given; None, if it is none of ours."""
    if len(payload) <= _HEAD.size or payload[0] != _VERSION:
        return None
    _, kind, *rest = _HEAD.unpack_from(payload)
    return Head(Kind(kind), *rest)


def body_of(payload: bytes) -> bytes:
    """The value alone, encoded."""
    return payload[_HEAD.size :]


def value_of(payload: bytes, place: bytes) -> Any:
    """The value, made anew; MISSING, where the bytes are not ours or can't be read here."""
    try:
        return named_stores.codec().load(payload[_HEAD.size :], place)
    except UnreadableValue:
        return MISSING  # of another version of the project: loaded anew


def result_of(payload: bytes, kind: Kind, place: bytes) -> Any:
    """The value to be returned, or its error raised; MISSING, where it can't be read."""
    value = value_of(payload, place)
    if kind >= Kind.ABSENT and value is not MISSING:
        raise value if isinstance(value, BaseException) else CachedError(str(value))
    return value


class Found(NamedTuple):
    """A result that was found, wherever. Times in seconds.

    Attributes:
        payload: as stored.
        head: what is in it.
        tags: what it depends on.
        stamp: when it was loaded.
        valid: whether it is still true.
        fresh_for: how long it is fresh still; below 0: since when it isn't.
        age: since when it is stored, at most.
        kept: where this process has it ready.
        unchecked: whether the store could not be asked.
    """

    payload: bytes
    head: Head
    tags: tuple[bytes, ...]
    stamp: bytes
    valid: bool
    fresh_for: float
    age: float
    kept: Kept | None = None
    unchecked: bool = False


def found_in(entry: Entry) -> Found | None:
    """What a store's entry says; None, if it is none of ours."""
    head = head_of(entry.value)
    if head is None:
        return None
    if entry.expires_in is None:
        fresh_for, age = _NEVER, _NEVER  # nothing says how old it is
    else:
        fresh_for = entry.expires_in - head.keep
        age = max(0.0, head.fresh - fresh_for)
    return Found(entry.value, head, entry.tags, entry.stamp, entry.valid, fresh_for, age)


def jittered(ttl: float, jitter: float) -> float:
    """Somewhat less, at random: results written together must not end together."""
    return ttl * (1 - jitter * random.random())  # noqa: S311 - nobody needs to be kept from guessing
