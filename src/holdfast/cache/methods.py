"""Cached methods: the same functions, bound to an instance or a class together.

Both kinds are partials, which are called as fast as functions, and which `inspect` sees through
where it asks whether calling them makes a coroutine.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Self

#: What a cached function carries that takes its arguments.
_BOUND = frozenset({"key", "invalidate", "ainvalidate", "refresh", "peek"})


def is_method(function: Callable[..., Any], signature: inspect.Signature) -> bool:
    """Whether *function* was written in a class, and takes an instance or a class first."""
    outside, _, _ = function.__qualname__.rpartition(".")
    if not outside or outside.endswith("<locals>"):
        return False
    return next(iter(signature.parameters), None) in {"self", "cls", "klass", "mcs"}


class CachedMethod(functools.partial[Any]):
    """Stands in a class where the method stood. Called unbound, it takes the instance first."""

    def __new__(cls, function: Any) -> Self:
        """One for the wrapper of the method, with all that this carries."""
        made = super().__new__(cls, function)
        functools.update_wrapper(made, function)
        return made

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else BoundCachedMethod(self.func, instance)

    def __repr__(self) -> str:
        return f"<cached {self.func.__qualname__}>"


class BoundCachedMethod(functools.partial[Any]):
    """A cached method of one instance: `report.total(2026)`, `report.total.invalidate(2026)`."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.func, name)
        return functools.partial(found, *self.args) if name in _BOUND else found

    def __repr__(self) -> str:
        return f"<cached {self.func.__qualname__} of {self.args[0]!r}>"
