"""How a record lies in Memcached.

A number that the server can count with lies there as digits, moved up so that none is negative.
Everything else begins with a byte that is no digit: what kind it is, and whether the key itself
follows, because Memcached's own key is only its hash.

Memcached counts seconds, and lets a record go up to two early (`EARLY`). So it is told to keep
records for that much longer, and the moment when they end stands in the 32 bits beside the value,
in hundredths of a second by this machine's clock, as far as 248 days ahead.
"""

from __future__ import annotations

import math
import struct
import time
from dataclasses import dataclass

from .wire import MISS, Reply

SMALLEST = -(2**63)
LARGEST = 2**63 - 1
#: What is added to a number that the server counts with.
OFFSET = 2**62
#: The server counts with numbers of this size and below: far from where it would wrap.
COUNTABLE = 2**61
#: ... by this much in one step, so that no two steps leave the range unseen.
COUNTABLE_STEP = 2**32

#: Seconds by which the server may let a record go before its time. One, as it counts whole seconds;
#: and one more, as it looks at the clock by a timer that runs a little late each time, so that now
#: and then two seconds pass in a blink.
EARLY = 2

_BYTES, _NUMBER, _KEYED = 0, 2, 1
_LENGTH = struct.Struct(">I")
_NUMBER_VALUE = struct.Struct(">q")
_DIGITS = frozenset(b"%c" % byte for byte in b"-0123456789")
_LONGEST_NUMBER = 20

_TICKS = 100
_CYCLE = 2**32
#: The server takes more seconds than this for a date.
_LONGEST_RELATIVE = 30 * 24 * 60 * 60
_LONGEST_TTL = 2**31 - 1
_LONGEST_MARKED = _CYCLE / 2 / _TICKS


@dataclass(frozen=True, slots=True)
class Life:
    """How long a record lives: what the server is told, and what stands beside the value."""

    ttl: int
    mark: int


FOR_EVER = Life(0, 0)


def life(ttl: float | None) -> Life:
    """What a TTL in seconds is told as."""
    if ttl is None:
        return FOR_EVER
    mark = 0
    if ttl < _LONGEST_MARKED:
        # 0 stands for no mark.
        mark = round((time.time() + ttl) * _TICKS) % _CYCLE or 1
    return Life(_told(math.ceil(min(ttl, _LONGEST_TTL)) + EARLY), mark)


def _told(seconds: int) -> int:
    """So many seconds, as the server is told."""
    if seconds <= _LONGEST_RELATIVE:
        return seconds
    return min(int(time.time()) + seconds, _LONGEST_TTL)


def left(reply: Reply) -> float | None:
    """Seconds that the record has left; None: for ever. Below 0, it has ended already."""
    if reply.mark:
        ticks = (reply.mark - round(time.time() * _TICKS)) % _CYCLE
        if ticks >= _CYCLE // 2:
            ticks -= _CYCLE
        return ticks / _TICKS
    return None if reply.ttl < 0 else float(reply.ttl)


def ended(reply: Reply) -> bool:
    """Whether there is no record, or it lies there past its end."""
    if reply.kind == MISS:
        return True
    if not reply.mark:
        return False
    remaining = left(reply)
    return remaining is not None and remaining <= 0


def kept(reply: Reply) -> Life:
    """The life that the record has, for writing it anew."""
    remaining = left(reply)
    if remaining is None:
        return FOR_EVER
    return Life(_told(max(1, math.ceil(remaining) + (EARLY if reply.mark else 0))), reply.mark)


def pack(value: bytes, key: bytes | None) -> bytes:
    """What is stored for *value*; with *key*, if the name is only its hash."""
    if value[:1] in _DIGITS and len(value) <= _LONGEST_NUMBER:
        number = as_number(value)
        if number is not None:
            return pack_number(number, key)
    if key is None:
        return b"\0" + value
    return b"\1" + _LENGTH.pack(len(key)) + key + value


def pack_number(number: int, key: bytes | None) -> bytes:
    """What is stored for a number: digits, if the server can count with it."""
    if key is not None:
        return b"\3" + _LENGTH.pack(len(key)) + key + _NUMBER_VALUE.pack(number)
    if -COUNTABLE <= number <= COUNTABLE:
        return b"%d" % (number + OFFSET)
    return b"\2" + _NUMBER_VALUE.pack(number)


def unpack(stored: bytes, key: bytes) -> bytes | int | None:
    """The value; a number as such; None if it belongs to another key with the same hash."""
    kind = stored[0]
    if kind == _BYTES:
        return stored[1:]
    if kind > _NUMBER + _KEYED:
        # The server pads with spaces what became shorter.
        return int(stored) - OFFSET
    body = stored[1:]
    if kind & _KEYED:
        (length,) = _LENGTH.unpack_from(body)
        body = body[_LENGTH.size :]
        if body[:length] != key:
            return None
        body = body[length:]
    if kind & _NUMBER:
        (number,) = _NUMBER_VALUE.unpack(body)
        return int(number)
    return body


def as_bytes(value: bytes | int | None) -> bytes | None:
    """A number as its digits."""
    return b"%d" % value if isinstance(value, int) else value


def as_number(value: bytes) -> int | None:
    """The number whose digits these are, in the one way to write it; else None."""
    try:
        number = int(value)
    except ValueError:
        return None
    return number if SMALLEST <= number <= LARGEST and b"%d" % number == value else None
