"""How a record lies in Redis.

A number lies there as its decimal digits, so that the server can count. Everything else begins with
a zero byte and a version that no other state of any record has: what `replace` compares, and what
keeps digits that are no number of ours from being counted.
"""

from __future__ import annotations

import itertools
import os
import secrets
import struct

SMALLEST = -(2**63)
LARGEST = 2**63 - 1

#: The zero byte and the version.
HEADER = 9
#: What comes after them; and what all that is stored without them is above.
BODY = slice(HEADER, None)
NUMBERS_FROM = b"\1"
#: The first byte of all but numbers.
PLAIN = 0
_LONGEST_NUMBER = 20
#: Whatever begins otherwise is no number.
NUMBER_BEGINS_WITH = frozenset(b"%c" % byte for byte in b"-0123456789")
_header = struct.Struct(">BQ").pack


class _Versions:
    """Numbers that no other process and no other record has: counted from a random start."""

    def __init__(self) -> None:
        self.forget_parent()

    def forget_parent(self) -> None:
        self.next = itertools.count(secrets.randbits(62)).__next__


_versions = _Versions()
os.register_at_fork(after_in_child=_versions.forget_parent)


def header() -> bytes:
    """What begins a record that is no number; new for each step that writes."""
    return _header(PLAIN, _versions.next())


def pack(value: bytes, begin: bytes | None = None) -> bytes:
    """What is stored for *value*. One `header` as *begin* may serve all records of one step."""
    if value[:1] in NUMBER_BEGINS_WITH and len(value) <= _LONGEST_NUMBER and is_number(value):
        return value
    return (begin or header()) + value


def unpack(stored: bytes) -> bytes:
    """The value that `pack` was given."""
    return stored[HEADER:] if stored[0] == PLAIN else stored


def token(stored: bytes) -> bytes:
    """What tells this state of the record from any other; of numbers, the number itself."""
    return stored[:HEADER] if stored[0] == PLAIN else stored


def is_number(value: bytes) -> bool:
    """Whether these are the digits of a whole number of 64 bits, in the one way to write it."""
    try:
        number = int(value)
    except ValueError:
        return False
    return SMALLEST <= number <= LARGEST and b"%d" % number == value
