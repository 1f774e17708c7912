"""Which part of a value is it that can't be stored? For the error message only."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

_DEPTH = 8
_BREADTH = 1000


def culprit(value: Any) -> str:
    """What pickle stumbles over, and where in *value* it is: `a function at ['callback']`."""
    path = ""
    for _ in range(_DEPTH):
        for step, part in _parts(value):
            if not _can_be_pickled(part):
                path += step
                value = part
                break
        else:
            break
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ not in {"builtins", "types"}:
        name = f"{kind.__module__}.{name}"
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}" + (f" (at {path})" if path else "")


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        steps = ((f"[{key!r}]", item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        steps = ((f"[{place}]", item) for place, item in enumerate(value))
    else:
        steps = ((f".{name}", item) for name, item in getattr(value, "__dict__", {}).items())
    for _, step in zip(range(_BREADTH), steps, strict=False):
        yield step


def _can_be_pickled(value: Any) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - a user's __reduce__ may raise anything
        return False
    return True
