"""How a record lies in the file: a header, the key where it was too long for LMDB, the value.

All numbers are big-endian, so that they sort as bytes as they do as numbers.

    version    8  of the last write; unique in the file, so it serves as token for compare-and-set
    expiry     8  milliseconds of the file's clock; 0: never
    birth      8  version of the write that made the record: its place in the order of insertion
    indexed    8  where the expiry index has this record; 0: nowhere. It may stand there too early
                  (then the sweep moves it on), never too late: so overwriting costs no index write
    slot       4  where reads note, for eviction, that it was used
    length     2  of the key that follows; 0 where LMDB's own key is the key
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from struct import Struct

HEADER = Struct(">QqQqIH")
SIZE = HEADER.size

#: Where a read looks, without unpacking everything.
EXPIRY = slice(8, 16)
SLOT = slice(32, 36)
LENGTH = slice(36, 38)
NO_EXPIRY = bytes(8)
NO_KEY = bytes(2)

#: LMDB takes keys of up to 511 bytes. Longer ones become all of these: as much of the beginning as
#: leaves room for a digest. They still sort among the others by their beginning, so a scan by
#: prefix meets them, and no key of full length is anybody's own.
LONGEST = 478
_BEGINNING = 479

#: Begins the keys of results with tags, which aren't among the records that users list.
RESULTS, AFTER_RESULTS = b"\xff\xfeholdfast:", b"\xff\xfeholdfast;"

NUMBER = Struct(">Q")
Unpacked = tuple[int, int, int, int, int, int]
unpack: Callable[[bytes | memoryview], Unpacked] = HEADER.unpack_from


def long_key(key: bytes) -> bytes:
    """The 511 bytes under which LMDB has a key that is too long for it (or empty)."""
    return key[:_BEGINNING].ljust(_BEGINNING, b"\0") + blake2b(key, digest_size=32).digest()


def engine_key(key: bytes) -> bytes:
    """The bytes under which LMDB has *key*."""
    return key if 0 < len(key) <= LONGEST else long_key(key)


def original_key(engine_key: bytes, raw: bytes | memoryview) -> bytes:
    """The key that the user gave."""
    length = unpack(raw)[5]
    # A length of 0 in a key of full length: the empty key, which LMDB can't hold either.
    if length or len(engine_key) > LONGEST:
        return bytes(raw[SIZE : SIZE + length])
    return bytes(engine_key)


def number(value: bytes | memoryview) -> int:
    """The number that *value* is.

    Numbers lie in the file as the decimal digits that `get` returns: then nothing needs to be
    converted but by `increment` itself, and what `set` wrote is a number where it looks like one.

    Raises:
        TypeError: it is none.
    """
    digits = bytes(value) if len(value) <= 20 else b""  # noqa: PLR2004 - those of -2**63
    try:
        found = int(digits)
    except ValueError:
        found = None
    if found is None or b"%d" % found != digits or not -(2**63) <= found < 2**63:
        raise TypeError("Only a whole number of 64 bits can be incremented; this record is none.")
    return found


def checked(number: int) -> int:
    """*number*, if 64 bits can hold it."""
    if not -(2**63) <= number < 2**63:
        raise OverflowError(f"{number} does not fit into 64 bits.")
    return number


def beginning(prefix: bytes) -> bytes:
    """What the engine's key of each record begins with whose key begins with *prefix*."""
    return prefix[:_BEGINNING]
