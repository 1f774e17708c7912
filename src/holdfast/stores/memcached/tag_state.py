"""The one item that all that concerns tags hangs on: epoch, sequence, and every mark there is.

Memcached does nothing to two items in one step, and may evict any of them. So what must not be lost
by itself lies in one: whoever finds it missing begins a new epoch, and marks can't go without the
epoch going too. It is changed by compare-and-set only.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

_HEAD = Struct(">8sQQQ?")
_MARK = Struct(">16s16sQ")

_ALL = bytes(8)


def all_for(tags: Collection[bytes]) -> bytes:
    """Stands in a mark for all tags there are, where a writer changes too many to name.

    It tells by what these were, so that it ends when just these are bumped, and not with some.
    """
    return _ALL + blake2b(b"".join(sorted(tags)), digest_size=8).digest()


def is_all(tag: bytes) -> bool:
    """Whether a mark is of all tags there are."""
    return tag.startswith(_ALL)


class Mark(NamedTuple):
    """That a writer is about to change a tag; the number tells it from all others."""

    tag: bytes
    writer: bytes
    number: int


@dataclass(frozen=True, slots=True)
class State:
    """What the item says.

    Attributes:
        epoch: eight random bytes.
        sequence: the last number that was given.
        floor: of all tags alike; none has a lower number.
        cleared: results with a lower stamp were deleted.
        quiet: nothing may be stored, for marks may have been lost.
        marks: all of them.
        token: for compare-and-set; another one after every change.
    """

    epoch: bytes
    sequence: int = 1
    floor: int = 0
    cleared: int = 0
    quiet: bool = True
    marks: tuple[Mark, ...] = ()
    token: int = 0

    def pack(self) -> bytes:
        """The item."""
        head = _HEAD.pack(self.epoch, self.sequence, self.floor, self.cleared, self.quiet)
        return head + b"".join(_MARK.pack(*mark) for mark in self.marks)

    @property
    def stamp(self) -> bytes:
        """Epoch and sequence."""
        return self.epoch + self.sequence.to_bytes(8)


def new_epoch() -> State:
    """One that nobody knows."""
    return State(secrets.token_bytes(8))


def unpack(item: bytes, token: int) -> State:
    """What the item says."""
    epoch, sequence, floor, cleared, quiet = _HEAD.unpack_from(item)
    marks = tuple(Mark(*mark) for mark in _MARK.iter_unpack(item[_HEAD.size :]))
    return State(epoch, sequence, floor, cleared, quiet, marks, token)
