"""Making large values smaller, where that helps."""

from __future__ import annotations

import zlib

#: Bytes from which on compression pays, by default: below, a network is quicker than zlib.
WORTH_TRYING = 32_768
#: The most that compressed bytes may become when nobody has signed them.
LIMIT = 256 * 2**20

_LEVEL = 1
_SAMPLE = 4096
_HELPS = 0.9


def compress(data: bytes) -> bytes | None:
    """*data*, smaller by a tenth at least; None where it can't be."""
    if len(data) > LIMIT:
        return None
    # Pictures and the like are given up after a sample.
    sample = data[:_SAMPLE]
    if len(data) > 4 * _SAMPLE and len(zlib.compress(sample, _LEVEL)) > _HELPS * len(sample):
        return None
    smaller = zlib.compress(data, _LEVEL)
    return smaller if len(smaller) < _HELPS * len(data) else None


def decompress(data: bytes | memoryview, limit: int | None = LIMIT) -> bytes:
    """What `compress` was given.

    Raises:
        ValueError: it would be more than *limit* bytes, or is torn.
    """
    stream = zlib.decompressobj()
    whole = stream.decompress(data, limit or 0)
    if not stream.eof:
        raise ValueError("compressed data is torn, or becomes larger than anything of ours")
    if stream.unused_data:
        raise ValueError("compressed data is followed by something else")
    return whole
