"""What type checkers see of a cached function: its own signature, and what it carries."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from ..values import Missing
from .policy import Policy

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)


class Cached(Protocol[_P, _R_co]):
    """A function whose results are kept; in a class, a method."""

    policy: Policy

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """The result, found or loaded."""
        ...

    def invalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Make the result untrue: no worker serves it from now on."""
        ...

    async def ainvalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """As `invalidate`."""
        ...

    def refresh(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Load the result now, and return it."""
        ...

    def peek(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co | Missing:
        """The result, if there is one that is fresh and true; else MISSING."""
        ...

    def key(self, *args: _P.args, **kwargs: _P.kwargs) -> bytes:
        """What the result is called in the store."""
        ...

    @overload
    def __get__(self, instance: None, owner: Any = None) -> Cached[_P, _R_co]: ...
    @overload
    def __get__(
        self: Cached[Concatenate[Any, _Q], _R_co], instance: object, owner: Any = None
    ) -> Cached[_Q, _R_co]: ...


class AsyncCached(Protocol[_P, _R_co]):
    """The same of a coroutine function."""

    policy: Policy

    async def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """The result, found or loaded."""
        ...

    async def invalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Make the result untrue: no worker serves it from now on."""
        ...

    async def ainvalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """As `invalidate`."""
        ...

    async def refresh(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co:
        """Load the result now, and return it."""
        ...

    async def peek(self, *args: _P.args, **kwargs: _P.kwargs) -> _R_co | Missing:
        """The result, if there is one that is fresh and true; else MISSING."""
        ...

    def key(self, *args: _P.args, **kwargs: _P.kwargs) -> bytes:
        """What the result is called in the store."""
        ...

    @overload
    def __get__(self, instance: None, owner: Any = None) -> AsyncCached[_P, _R_co]: ...
    @overload
    def __get__(
        self: AsyncCached[Concatenate[Any, _Q], _R_co], instance: object, owner: Any = None
    ) -> AsyncCached[_Q, _R_co]: ...


class Decorator(Protocol):
    """What `cached` returns."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a coroutine is a result, too: the first holds
        self, function: Callable[_P, Coroutine[Any, Any, _R]], /
    ) -> AsyncCached[_P, _R]: ...
    @overload
    def __call__(self, function: Callable[_P, _R], /) -> Cached[_P, _R]: ...
