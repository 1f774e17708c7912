"""Plain data as MessagePack.

msgspec does the work, in C. It writes a tuple as an array and an enum as its value, so whatever is
not made of its own types only is lowered first, which takes a step of Python for each item. Reading
calls constructors of the standard library with checked arguments, and nothing that the bytes name.
"""

from __future__ import annotations

from itertools import chain
from types import NoneType
from typing import Any

from . import classes, extensions
from .notation import NotPlain, decode, encode, lower

__all__ = ["NotPlain", "dump", "load"]

# Imported because they register their types.
_REGISTERED = (classes, extensions)

#: Types whose values msgspec writes and reads as what they are.
_SCALARS = frozenset({NoneType, bool, int, float, str, bytes})
_SIMPLE = _SCALARS | {dict, list}

_flattened = chain.from_iterable

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
    """Whether msgspec gives back what it was given. Goes through a level of nesting at once."""
    kind = type(value)
    if kind is dict:
        items, kinds = [*value.values()], set(map(type, value))
    elif kind is list:
        items, kinds = value, set()
    else:
        return kind in _SCALARS
    while True:
        # Of all items and keys of one level.
        kinds.update(map(type, items))
        if kinds <= _SCALARS:
            return True
        if not kinds <= _SIMPLE:
            return False
        above, items = items, []
        below: set[type] = set()
        if dict in kinds:
            dicts = [item for item in above if type(item) is dict]
            items += _flattened(map(dict.values, dicts))
            below.update(map(type, _flattened(dicts)))
        if list in kinds:
            items += _flattened([item for item in above if type(item) is list])
        kinds = below
