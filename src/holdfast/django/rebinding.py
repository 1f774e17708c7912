"""Django's own functions, which find something else under some of the names they use."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])


def with_names(function: _F, **names: Any) -> _F:
    """The same function, with *names* in place of those of its module.

    So we run the code of whichever Django is installed, and neither a copy of it nor, for everybody
    in the process, another one. A name that a release doesn't use changes nothing.
    """
    original = cast("FunctionType", function)
    made = FunctionType(
        original.__code__,
        {**original.__globals__, **names},
        original.__name__,
        original.__defaults__,
        original.__closure__,
    )
    made.__kwdefaults__ = original.__kwdefaults__
    made.__qualname__ = original.__qualname__
    made.__doc__ = original.__doc__
    return cast("_F", made)
