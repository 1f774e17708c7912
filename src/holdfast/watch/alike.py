"""Whether two values are the same, and whether people could tell them from each other."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from .locals import is_lazy, values_of, wrapped

_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_PLAIN_MODULES = frozenset({"datetime", "decimal", "uuid"})
_CONTAINERS = (dict, list, set, frozenset, tuple)
#: How deep containers are compared.
_DEPTH = 3
#: Seconds: how far apart two who overlap note a moment, and how far moments are from now.
_TOGETHER, _AGO, _AHEAD = 60.0, 3_600.0, 30 * 86_400.0


def same(one: object, other: object) -> bool:
    """Whether nobody could tell the two values from each other."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_lazy(type(one)):
        mine, theirs = wrapped(one), wrapped(other)
        return mine is not None and theirs is not None and same(mine, theirs)
    try:
        if type(one).__eq__ is not object.__eq__:
            return bool(one == other)
        # Two objects that were made alike, as two who begin at once make them.
        return bool(values_of(one)) and values_of(one) == values_of(other)
    except Exception:  # noqa: BLE001 - it's the user's code
        return False


def told_apart(one: Any, other: Any) -> bool:
    """Whether two values that aren't the same are told from each other by what is plain in them.

    Objects that were made alike (clients, locks) can't be, and neither can containers of such.
    What was found out at two moments, and is equal, is the same with its time beside it.
    """
    if not (_is_container(one) and type(one) is type(other)):
        return any(_is_plain(each) or _is_container(each) for each in (one, other))
    try:
        differing, equal = _compared(one, other, _DEPTH)
    except Exception:  # noqa: BLE001 - keys are compared by the user's code; others change them
        return True
    return bool(differing) and not (equal and all(_are_moments(*pair) for pair in differing))


def _compared(one: Any, other: Any, depth: int) -> tuple[list[tuple[Any, Any]], bool]:
    """The pairs that tell two containers apart, and whether any value is equal in them."""
    pairs = _pairs(one, other)
    if pairs is None:
        return [(one, other)], False
    differing: list[tuple[Any, Any]] = []
    equal = False
    for mine, theirs in pairs:
        if same(mine, theirs):
            equal = equal or _is_value(mine)
        elif _is_container(mine) and type(mine) is type(theirs):
            if depth > 1:
                inside, equal_inside = _compared(mine, theirs, depth - 1)
                differing += inside
                equal = equal or equal_inside
        elif any(_is_value(each) for each in (mine, theirs)):
            differing.append((mine, theirs))
    return differing, equal


def _pairs(one: Any, other: Any) -> list[tuple[Any, Any]] | None:
    """What stands in the same place of both; None: they aren't of one shape."""
    if issubclass(type(one), dict):
        mine, theirs = dict(dict.items(one)), dict(dict.items(other))
        if mine.keys() != theirs.keys():
            return None
        return [(mine[key], theirs[key]) for key in mine]
    listed, others = list(one), list(other)
    if len(listed) != len(others):
        return None
    if issubclass(type(one), (set, frozenset)):
        plain, others_plain = (
            {each for each in every if _is_value(each)} for every in (one, other)
        )
        return [] if plain == others_plain else None
    return list(zip(listed, others, strict=True))


def _are_moments(one: Any, other: Any) -> bool:
    """Whether they are times, such as until when something holds, that two noted together."""
    if type(one) is not type(other):
        return False
    try:
        if type(one) is float:
            return abs(one - other) <= _TOGETHER and any(
                now - _AGO <= one <= now + _AHEAD for now in (time.time(), time.monotonic())
            )
        return type(one) is datetime and abs((one - other).total_seconds()) <= _TOGETHER
    except TypeError:
        return False  # one has a time zone


def _is_container(value: object) -> bool:
    return issubclass(type(value), _CONTAINERS)


def _is_plain(value: object) -> bool:
    return issubclass(type(value), _PLAIN) or type(value).__module__ in _PLAIN_MODULES


def _is_value(value: object) -> bool:
    """Whether it is more than its identity: plain, or of a class that says what is equal."""
    return _is_plain(value) or _is_container(value) or type(value).__eq__ is not object.__eq__
