"""Values in a few words, and none of the user's code is run: a `__repr__` may ask the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from types import BuiltinFunctionType, FunctionType
from typing import Any

from .locals import is_lazy, values_of, wrapped

#: Items of a container that are shown, and how deep.
_ITEMS, _DEPTH = 10, 2
_BRACKETS: tuple[tuple[type, str, str], ...] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "set({", "})"),
    (frozenset, "frozenset({", "})"),
    (deque, "deque([", "])"),
)
#: What shows nothing but what is there, also for classes that leave it as it is.
_HARMLESS: frozenset[Any] = frozenset(
    kind.__repr__
    for kind in (
        *(bool, bytes, complex, float, int, str, type(None), range, object, type),
        *(date, datetime, time, timedelta, timezone, Decimal, FunctionType, BuiltinFunctionType),
    )
)
#: Modules of which this can be said as well.
_HARMLESS_MODULES = frozenset({"enum", "pathlib", "uuid", "django.http.request"})


def short_repr(value: object, most: int = 120) -> str:
    """A value in a few words. Objects are told by their class, models also by their key."""
    try:
        text = _told(value, _DEPTH)
    except Exception as error:  # noqa: BLE001 - others change it meanwhile, or it isn't what it says
        text = f"<{_name(type(value))} object, and {type(error).__name__}>"
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _told(value: Any, depth: int) -> str:
    kind: Any = type(value)
    if issubclass(kind, dict):
        return f"{{{_listed(dict.items(value), depth, _pair)}}}"
    for container, left, right in _BRACKETS:
        if issubclass(kind, container):
            end = "," if container is tuple and len(value) == 1 else ""
            return f"{left}{_listed(value, depth, _told)}{end}{right}"
    if issubclass(kind, BaseException):
        return f"{kind.__name__}({_listed(value.args, max(depth, 1), _told)})"
    if kind.__repr__ in _HARMLESS or getattr(kind.__repr__, "__module__", "") in _HARMLESS_MODULES:
        return repr(value)
    return _object(value, depth)


def _pair(pair: tuple[Any, Any], depth: int) -> str:
    key, value = pair
    return f"{_told(key, depth)}: {_told(value, depth)}"


def _listed(values: Iterable[Any], depth: int, told: Callable[[Any, int], str]) -> str:
    every = list(values)
    if not depth:
        return "..." if every else ""
    shown = [told(one, depth - 1) for one in every[:_ITEMS]]
    return ", ".join([*shown, "..."] if len(every) > _ITEMS else shown)


def _object(value: Any, depth: int) -> str:
    kind = type(value)
    values = values_of(value)
    inside = wrapped(value) if is_lazy(kind) else None
    if inside is not None and depth:
        return f"<{kind.__name__}: {_told(inside, depth - 1)}>"
    meta = next((vars(base)["_meta"] for base in kind.__mro__ if "_meta" in vars(base)), None)
    key = values.get(values_of(values_of(meta).get("pk")).get("attname", ""))
    return f"<{_name(kind)} object>" if key is None else f"<{_name(kind)} object ({_told(key, 0)})>"


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
