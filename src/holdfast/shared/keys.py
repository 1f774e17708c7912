"""How names and keys of shared state become keys of a store.

Different keys stay different (1 and "1"), a dict never meets another's keys, and a person who looks
into the store can read them: `d:{flags}:skey0`. What is in braces makes Redis Cluster keep a whole
dict and its log of changes in one place.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

_RESERVED = re.compile(rb"[%:{}\x00-\x20\x7f]")
_QUOTED = re.compile(rb"%([0-9A-F]{2})")


def place_of(kind: bytes, name: str) -> bytes:
    """The store's key of what is called *name*: kind `d`, `c` or `l`, for dict, counter, lock."""
    if not name or not isinstance(name, str):
        raise TypeError(f"Shared state is named by a text such as 'flags', not {name!r}.")
    quoted = _RESERVED.sub(lambda found: b"%%%02X" % found[0][0], _utf8(name))
    return b"%s:{%s}" % (kind, quoted)


def name_of(place: bytes) -> tuple[bytes, str, bytes]:
    """The kind, the name, and what follows them: what `place_of` was given, for people who look.

    Raises:
        ValueError: *place* is none of ours.
    """
    kind, colon_brace, rest = place.partition(b":{")
    quoted, brace, key = rest.partition(b"}")
    if not colon_brace or not brace or kind not in {b"d", b"c", b"l"}:
        raise ValueError(f"{place!r} is not a key of shared state")
    name = _QUOTED.sub(lambda found: bytes([int(found[1], 16)]), quoted)
    return kind, _text(name), key.removeprefix(b":")


def encode_key(key: Any) -> bytes:
    """A dict's key as bytes. Keys that are equal to a dict are equal here.

    Raises:
        TypeError: it is no text, whole number, bytes, UUID, or tuple of these.
    """
    if isinstance(key, str):
        # Of a subclass, such as an enum of texts, the text that it is equal to.
        return b"s" + _utf8(key)
    if isinstance(key, int):
        return b"i%d" % int.__index__(key)
    if isinstance(key, bytes):
        return b"b" + bytes.__getitem__(key, slice(None))
    if isinstance(key, UUID):
        return b"u" + key.hex.encode()
    if isinstance(key, tuple):
        parts = [encode_key(part) for part in key]
        return b"t" + b"".join(b"%d:%s" % (len(part), part) for part in parts)
    raise TypeError(
        f"A shared dict's key must be a str, int, bytes, UUID or a tuple of these, not"
        f" {type(key).__qualname__} ({key!r})."
    )


def decode_key(data: bytes) -> Any:
    """The key that `encode_key` was given.

    Raises:
        ValueError: it was given none.
    """
    kind, rest = data[:1], data[1:]
    if kind == b"s":
        return _text(rest)
    if kind == b"i":
        return int(rest)
    if kind == b"b":
        return rest
    if kind == b"u":
        return UUID(rest.decode())
    if kind == b"t":
        return tuple(_parts(rest))
    raise ValueError(f"{data!r} is not a key of a shared dict")


def _parts(data: bytes) -> list[Any]:
    parts = []
    while data:
        size, _, rest = data.partition(b":")
        end = int(size)
        if not 0 < end <= len(rest):
            raise ValueError("a torn tuple")
        parts.append(decode_key(rest[:end]))
        data = rest[end:]
    return parts


def _utf8(text: str) -> bytes:
    return str.encode(text, "utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
