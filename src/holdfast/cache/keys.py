"""What names a cached result: the function and its arguments, as bytes.

Different arguments make different keys, also where Python calls them equal: 1, 1.0 and True are
three. A person who looks into the store can read them: `c:shop.views.profile:i7`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import partial
from types import NoneType
from typing import Any
from uuid import UUID

from .. import framework

#: By type: turns a value into bytes that begin with a letter for its kind.
_encoders: dict[type, Callable[[Any], bytes]] = {}


def encode(value: Any) -> bytes:
    """An argument as part of a key. A microsecond at most for the usual ones.

    Raises:
        TypeError: it is nothing that a key could be made of.
    """
    encoder = _encoders.get(type(value))
    return _encode_other(value) if encoder is None else encoder(value)


def encode_all(values: tuple[Any, ...]) -> bytes:
    """Several arguments."""
    return b"".join([b"%d:%b" % (len(part), part) for part in map(encode, values)])


def _encode_text(value: str) -> bytes:
    return b"s" + value.encode("utf-8", "surrogatepass")


def _encode_dict(value: dict[Any, Any]) -> bytes:
    # Sorted: dicts are equal whatever their order.
    pairs = sorted((encode(key), encode(item)) for key, item in value.items())
    return b"d" + b"".join(
        [b"%d:%b%d:%b" % (len(key), key, len(item), item) for key, item in pairs]
    )


def _encode_set(value: set[Any] | frozenset[Any]) -> bytes:
    return b"S" + b"".join([b"%d:%b" % (len(part), part) for part in sorted(map(encode, value))])


_encoders[int] = partial(bytes.__mod__, b"i%d")
_encoders[str] = _encode_text
_encoders[bool] = lambda value: b"T" if value else b"F"
_encoders[NoneType] = lambda _: b"n"
_encoders[float] = lambda value: b"f" + repr(value).encode()
_encoders[bytes] = lambda value: b"b" + value
_encoders[UUID] = lambda value: b"u" + value.hex.encode()
_encoders[Decimal] = lambda value: b"D" + str(value).encode()
_encoders[tuple] = lambda value: b"t" + encode_all(value)
_encoders[list] = lambda value: b"l" + encode_all(tuple(value))
_encoders[dict] = _encode_dict
_encoders[set] = _encoders[frozenset] = _encode_set
_encoders[dt.timedelta] = lambda value: b"P" + repr(value).encode()
for _kind, _letter in ((dt.date, b"y"), (dt.datetime, b"z"), (dt.time, b"x")):
    # With the time zone by name, too: the same moment reads differently elsewhere.
    _encoders[_kind] = partial(
        lambda letter, value: letter + repr(value).encode("utf-8", "surrogatepass"), _letter
    )


#: How a value of a subclass becomes one of the type itself, whatever the subclass overrides.
_PLAINLY: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
}


def _encode_other(value: Any) -> bytes:
    """Of other types, or of what merely stands for a value."""
    for held_by in framework.stand_ins:
        value = held_by(value)
    encoder = _encoders.get(type(value))
    return _encode_instance(value) if encoder is None else encoder(value)


def _encode_instance(value: Any) -> bytes:
    """What names an instance, with its class."""
    kind = type(value)
    if isinstance(value, type):
        return b"c" + _name(value)
    if isinstance(value, Enum):
        return _instance(kind, encode(value.name))
    own = getattr(kind, "__holdfast_key__", None)
    if own is not None:
        return _instance(kind, encode(own(value)))
    for known in framework.key_makers:
        found = known(value)
        if found is not NotImplemented:
            counts_as, name = found
            return _instance(counts_as, encode(name))
    if dataclasses.is_dataclass(value) and kind.__hash__ is not None:
        fields = tuple(getattr(value, field.name) for field in dataclasses.fields(value))
        return _instance(kind, encode_all(fields))
    for plain, plainly in _PLAINLY.items():
        # A subclass adds nothing that we know of: SafeString, named tuples.
        if isinstance(value, plain):
            return _instance(kind, encode(plainly(value)))
    raise TypeError(
        f"A key can't be made of a {kind.__module__}.{kind.__qualname__}: pass what names it (an"
        " id, a text), give its class a method __holdfast_key__(self) that returns that, or give"
        " key= to cached()."
    )


def _instance(kind: type, encoded: bytes) -> bytes:
    return b"o%b=%b" % (_name(kind), encoded)


def _name(kind: type) -> bytes:
    return f"{kind.__module__}.{kind.__qualname__}".encode()
