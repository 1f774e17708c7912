"""A ContextVar that the middleware sets, and empties when the request ends."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_variables: dict[str, ContextVar[str | None]] = {
    name: ContextVar(name, default=None) for name in ("marker", "early")
}


def put(name: str, value: str) -> None:
    _variables[name].set(value)


def read(name: str = "marker") -> str | None:
    return _variables[name].get()


def clear() -> None:
    for variable in _variables.values():
        variable.set(None)


def carry(work: Callable[..., Any]) -> Callable[..., Any]:
    return work


def wait_until_over() -> bool:
    time.sleep(0.05)
    return True
