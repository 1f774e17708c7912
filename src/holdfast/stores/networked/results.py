"""How a result with tags lies in a store on a network.

stamp      16  epoch and sequence number
count       2  of the tags
length      4  of their names
digests        16 bytes for each tag, for the server to look them up
names          of the tags, each with its length before it
value
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from ..errors import StoreError

_HEAD = Struct(">16sHI")
_LENGTH = Struct(">I")
_MOST_TAGS = 2**16 - 1
DIGEST = 16


class Result(NamedTuple):
    """A result, taken apart."""

    stamp: bytes
    digests: bytes
    tags: tuple[bytes, ...]
    value: bytes


def digest(name: bytes) -> bytes:
    """16 bytes for a tag, or a writer, of any length."""
    return blake2b(name, digest_size=DIGEST).digest()


def digests(names: Collection[bytes]) -> bytes:
    """Those of all, one after the other; each once."""
    return b"".join(map(digest, dict.fromkeys(names)))


def apart(joined: bytes) -> list[bytes]:
    """Digests, one by one."""
    return [joined[place : place + DIGEST] for place in range(0, len(joined), DIGEST)]


def pack(stamp: bytes, tags: Collection[bytes], value: bytes) -> bytes:
    """A result as it is stored.

    Raises:
        StoreError: it has more than 65,535 tags.
    """
    joined = digests(tags)
    count = len(joined) // DIGEST
    if count > _MOST_TAGS:
        raise StoreError(
            f"A result may have {_MOST_TAGS:,} tags, and this one has {count:,}: give it fewer"
            " that say more, such as that of a whole table."
        )
    names = b"".join(_LENGTH.pack(len(tag)) + tag for tag in dict.fromkeys(tags))
    return _HEAD.pack(stamp, count, len(names)) + joined + names + value


def unpack(stored: bytes) -> Result:
    """What `pack` was given."""
    stamp, count, length = _HEAD.unpack_from(stored)
    names_at = _HEAD.size + count * DIGEST
    value_at = names_at + length
    return Result(
        stamp,
        stored[_HEAD.size : names_at],
        _names(stored[names_at:value_at]),
        stored[value_at:],
    )


@lru_cache(4096)
def _names(packed: bytes) -> tuple[bytes, ...]:
    """Remembered, since the same results are asked for again."""
    found, place = [], 0
    while place < len(packed):
        (length,) = _LENGTH.unpack_from(packed, place)
        place += _LENGTH.size
        found.append(packed[place : place + length])
        place += length
    return tuple(found)
