"""Whether two values are the same, looked at from outside, and where they first differ.

Not by `==` alone, which says of two rows of Django's that they are equal where their keys are.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import types
import uuid
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from reprlib import Repr
from typing import Any

from .. import framework

#: Types whose `==` says it all.
_PLAIN = (
    bool,
    int,
    float,
    str,
    bytes,
    complex,
    type(None),
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    uuid.UUID,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
)
_DEEPEST = 50

_SAME = ""

_short = Repr()
_short.maxstring = _short.maxother = 120
_short.maxlist = _short.maxtuple = _short.maxset = _short.maxdict = 4
_short.maxlevel = 3
_LONGEST = 200


class Incomparable(Exception):  # noqa: N818 - a state, not a mistake
    """It can't be told whether two values are the same. The message says why."""


def difference(one: Any, other: Any) -> str:
    """Where the two differ, in a few words; empty: they are the same.

    Raises:
        Incomparable: that can't be told.
    """
    try:
        return _differ(one, other, "", 0, set())
    except Incomparable:
        raise
    except Exception as error:
        raise Incomparable(f"comparing failed: {type(error).__name__}: {error}") from error


def shortened(value: Any) -> str:
    """A value in a few words."""
    try:
        text = _short.repr(value)
    except Exception as error:  # noqa: BLE001 - a repr may fail in any way
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _differ(one: Any, other: Any, where: str, depth: int, seen: set[tuple[int, int]]) -> str:
    if one is other:
        return _SAME
    if depth > _DEEPEST:
        raise Incomparable("it is nested too deep")
    one, other = _as_comparable(one, other)
    if type(one) is not type(other):
        return _told(where, one, other)
    if isinstance(one, float) and math.isnan(one) and math.isnan(other):
        return _SAME
    if isinstance(one, _PLAIN):
        return _SAME if one == other else _told(where, one, other)
    pair = (id(one), id(other))
    if pair in seen:
        return _SAME
    seen.add(pair)
    look = next((look for kind, look in _LOOKS if isinstance(one, kind)), _objects)
    return look(one, other, where, depth + 1, seen)


def _as_comparable(one: Any, other: Any) -> tuple[Any, Any]:
    if type(one) is type(other):
        for plainly in framework.comparable:
            made = plainly(one)
            if made is not NotImplemented:
                return made, plainly(other)
    return one, other


def _told(where: str, one: Any, other: Any) -> str:
    return f"{where or 'value'}: {shortened(one)} != {shortened(other)}"


def _mappings(
    one: Mapping[Any, Any], other: Mapping[Any, Any], where: str, depth: int, seen: Any
) -> str:
    if one.keys() != other.keys():
        return _told(f"{where}.keys()", sorted(map(repr, one)), sorted(map(repr, other)))
    for key in one:
        found = _differ(one[key], other[key], f"{where}[{key!r}]", depth, seen)
        if found:
            return found
    return _SAME


def _sequences(one: Sequence[Any], other: Sequence[Any], where: str, depth: int, seen: Any) -> str:
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        found = _differ(left, right, f"{where}[{place}]", depth, seen)
        if found:
            return found
    return _SAME if len(one) == len(other) else _told(f"len({where})", len(one), len(other))


def _sets(one: Any, other: Any, where: str, depth: int, seen: Any) -> str:
    return _SAME if one == other else _told(where, one, other)


def _objects(one: Any, other: Any, where: str, depth: int, seen: Any) -> str:
    """What they would be stored as."""
    try:
        left, right = one.__reduce_ex__(4), other.__reduce_ex__(4)
    except Exception as error:
        raise Incomparable(f"a {type(one).__qualname__} can't be compared") from error
    if isinstance(left, str) or isinstance(right, str):
        return _SAME if left == right else _told(where, one, other)
    names = ("function", "arguments", "", "items", "entries", "setter")
    for name, mine, others in zip(names, left, right, strict=False):
        if name in {"items", "entries"}:  # iterators
            mine, others = list(mine or ()), list(others or ())  # noqa: PLW2901
        found = _differ(mine, others, f"{where}.{name}" if name else where, depth, seen)
        if found:
            return found
    return _SAME


#: How each kind of container is looked at; all else as an object.
_LOOKS: tuple[tuple[Any, Callable[[Any, Any, str, int, Any], str]], ...] = (
    (Mapping, _mappings),
    (AbstractSet, _sets),
    ((list, tuple), _sequences),
)
