"""Values as text for keys: two that a view could tell apart have different texts.

What can't be written down so that this holds is refused: a generator, a lock, a queryset.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import pathlib
import types
import uuid
from typing import Any

from django.db.models import Model
from django.utils.functional import LazyObject, Promise, empty

#: Types of which `repr` says all.
_PLAIN = frozenset(
    {
        bool,
        bytes,
        complex,
        dt.date,
        dt.datetime,
        dt.time,
        dt.timedelta,
        decimal.Decimal,
        float,
        int,
        str,
        types.NoneType,
        uuid.UUID,
    }
)
_PATHS = (pathlib.PurePath,)
_DEEPEST = 20
#: The size of an object that has attributes and weak references, and nothing else.
_WITHOUT_SLOTS = max(object.__basicsize__, type("", (), {}).__basicsize__)


class NotCanonical(TypeError):  # noqa: N818 - a state, not a mistake
    """A value that can't stand in a key. The message names its type."""


def canonical(value: Any, through: object = None) -> str:
    """*value* as text.

    Args:
        value: what to write down. Lazy objects are evaluated. A model's instance is all that it
            holds: its fields, and what was loaded with it.
        through: an object that may be part of the value and is not looked into, because all that
            is read from it is watched: the request.

    Raises:
        NotCanonical: it can't be written down.
    """
    kind = type(value)
    if kind is str:
        return repr(value)
    if kind in _PLAIN:
        return f"{kind.__name__}{value!r}"
    return _written(value, through, 0)


def _written(value: Any, through: object, depth: int) -> str:  # noqa: C901, PLR0911 - one line a kind
    kind = type(value)
    if kind is str:
        return repr(value)
    if kind in _PLAIN:
        return f"{kind.__name__}{value!r}"
    if value is through:
        return "request"
    if depth > _DEEPEST:
        raise NotCanonical(f"a {_name(kind)} that is nested too deep, or holds itself")
    deeper = depth + 1
    if issubclass(kind, LazyObject):
        return _written(_evaluated(value), through, deeper)
    if issubclass(kind, Promise):
        return f"lazy{str(value)!r}"
    if issubclass(kind, enum.Enum):
        return f"{_name(kind)}.{value.name}"
    if issubclass(kind, _PATHS):
        return f"path{str(value)!r}"
    if issubclass(kind, type):
        return f"type {_name(value)}"
    container = _container(value, kind, through, deeper)
    if container is not None:
        return container
    return _instance(value, kind, through, deeper)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _evaluated(lazy: Any) -> Any:
    if lazy._wrapped is empty:  # noqa: SLF001 - there is no public way
        lazy._setup()  # noqa: SLF001
    return lazy._wrapped  # noqa: SLF001


def _container(value: Any, kind: type, through: object, depth: int) -> str | None:
    own = "" if kind.__module__ == "builtins" else _name(kind)
    if issubclass(kind, dict):
        items = (
            f"{_written(key, through, depth)}:{_written(item, through, depth)}"
            for key, item in dict.items(value)
        )
        # In their order, which a view can see.
        body = f"{{{','.join(items)}}}"
    elif issubclass(kind, list | tuple):
        bracket = "[]" if issubclass(kind, list) else "()"
        body = bracket[0] + ",".join(_written(item, through, depth) for item in value) + bracket[1]
    elif issubclass(kind, set | frozenset):
        body = f"<{','.join(sorted(_written(item, through, depth) for item in value))}>"
    elif issubclass(kind, str | bytes | int | float):
        base: Any = next(k for k in (str, bytes, int, float) if issubclass(kind, k))
        body = repr(base(value)) if base is not str else repr(str.__str__(value))
    else:
        return None
    held = getattr(value, "__dict__", None) if own else None
    return f"{own}{body}{_held(held, through, depth) if held else ''}"


def _held(held: dict[str, Any], through: object, depth: int) -> str:
    return f"{{{','.join(f'{k}={_written(v, through, depth)}' for k, v in held.items())}}}"


def _instance(value: Any, kind: type, through: object, depth: int) -> str:
    """An object of a class written in Python, which is what it holds."""
    if issubclass(kind, Model):
        return _row(value, through, depth)
    held: dict[str, Any] | None = getattr(value, "__dict__", None)
    # What is larger holds more than its attributes: slots, or what a class written in C keeps.
    if held is None or kind.__basicsize__ > _WITHOUT_SLOTS or kind.__module__ in _OPAQUE:
        raise NotCanonical(f"a {_name(kind)}")
    return f"{_name(kind)}{_held(held, through, depth)}"


def _row(value: Any, through: object, depth: int) -> str:
    """A model's instance, with what was loaded with it."""
    state = value._state  # noqa: SLF001 - Django's documentation names it
    held = {name: item for name, item in value.__dict__.items() if name != "_state"}
    related = dict(getattr(state, "fields_cache", {}))
    return (
        f"{value._meta.label}@{state.db}"  # noqa: SLF001 - as above
        f"{_held(held, through, depth)}{_held(related, through, depth)}"
    )


#: Modules whose objects mean more than they hold.
_OPAQUE = frozenset({"django.db.models.query", "django.db.models.manager", "threading"})
