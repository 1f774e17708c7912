"""Plain data as MessagePack.

msgspec does the work, in C. It writes a tuple as an array and an enum as its value, so whatever is
not made of its own types only is lowered first, which takes a step of Python for each item. Reading
calls constructors of the standard library with checked arguments, and nothing that the bytes name.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

from . import classes, extensions
from .notation import NotPlain, decode, encode, lower

__all__ = ["NotPlain", "dump", "load"]

# Imported because they register their types.
_REGISTERED = (classes, extensions)

#: Types whose values msgspec writes and reads as what they are.
_SCALARS = frozenset({NoneType, bool, int, float, str, bytes})
_CONTAINERS = frozenset({dict, list})

#: The value that `dump` made *data* from. Whatever is wrong with *data*, an `Exception` is raised.
load = decode


def dump(value: Any) -> bytes:
    """*value* in MessagePack.

    Raises:
        NotPlain: it is not plain data, or nested too deep, or contains itself.
    """
    try:
        try:
            data = encode(value)
        except (TypeError, OverflowError, UnicodeEncodeError):
            pass  # lowered, it may do
        else:
            # What contains itself didn't get here.
            if _is_simple(value):
                return data
        return encode(lower(value))
    except RecursionError:
        raise NotPlain from None


def _is_simple(value: Any) -> bool:
    """Whether msgspec gives back what it was given. Costs no Python step per item."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind not in _CONTAINERS:
        return False
    containers = [value]
    for container in containers:
        if type(container) is dict:
            if not _SCALARS.issuperset(map(type, container)):
                return False
            items = container.values()
        else:
            items = container
        others = set(map(type, items)) - _SCALARS
        if others:
            if not others <= _CONTAINERS:
                return False
            containers.extend(item for item in items if type(item) in _CONTAINERS)
    return True
