"""Iterators that run inside a scope, wherever they are consumed, closed or collected.

A generator runs in the context of whoever asks it for its next item: a server's thread, another
task, or the garbage collector in the middle of another request. These wrappers make the scope
current for each step and for the generator's `finally`, and put back what was there before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    import asyncio

from .scope import Hold, Scope, scope_var

_T = TypeVar("_T")

_get = scope_var.get
_set = scope_var.set


class ScopedIterator(Generic[_T]):
    """Runs each step of an iterator, and its end, inside *scope*.

    Args:
        iterator: what is wrapped; it is closed, where it has a `close`, with this wrapper or when
            this wrapper is collected.
        hold: keeps the scope's values past its end, for carried generators.
        on_error: called when a step raises an `Exception`.
    """

    __slots__ = ("_close", "_hold", "_iterator", "_on_error", "_scope")

    def __init__(
        self,
        scope: Scope,
        iterator: Iterator[_T],
        *,
        hold: Hold | None = None,
        on_error: Callable[[], object] | None = None,
    ) -> None:
        self._scope = scope
        self._iterator = iterator
        self._hold = hold
        self._on_error = on_error
        self._close: Callable[[], object] | None = getattr(iterator, "close", None)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _T:
        return self._inside(self._iterator.__next__)

    def _inside(self, step: Callable[[], _T]) -> _T:
        scope = self._scope
        outer = _get()
        if outer is not scope:
            _set(scope)
        try:
            return step()
        except StopIteration:
            raise
        except Exception:
            if self._on_error is not None:
                self._on_error()
            raise
        finally:
            if outer is not scope:
                _set(outer)

    def send(self, value: Any) -> _T:
        """As a generator's."""
        iterator: Any = self._iterator
        return self._inside(lambda: iterator.send(value))

    def throw(self, error: BaseException) -> _T:
        """As a generator's."""
        iterator: Any = self._iterator
        return self._inside(lambda: iterator.throw(error))

    def close(self) -> None:
        """Close what is wrapped, inside the scope. Idempotent."""
        close, self._close = self._close, None
        if close is not None:
            with self._scope.entered():
                close()

    def __del__(self) -> None:
        if getattr(self, "_close", None) is not None:
            self.close()


class ScopedAsyncIterator(Generic[_T]):
    """The same for asynchronous iterators."""

    __slots__ = ("_aclose", "_hold", "_iterator", "_loop", "_on_error", "_scope")

    def __init__(
        self,
        scope: Scope,
        iterator: AsyncIterator[_T],
        *,
        hold: Hold | None = None,
        on_error: Callable[[], object] | None = None,
    ) -> None:
        self._scope = scope
        self._iterator = iterator
        self._hold = hold
        self._on_error = on_error
        self._aclose: Callable[[], Any] | None = getattr(iterator, "aclose", None)
        self._loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _T:
        if self._loop is None:
            self._loop = _running_loop()
        return await self._inside(self._iterator.__anext__)  # type: ignore[no-any-return]

    async def _inside(self, step: Callable[[], Any]) -> Any:
        scope = self._scope
        outer = _get()
        if outer is not scope:
            _set(scope)
        try:
            return await step()
        except StopAsyncIteration:
            self._aclose = None
            raise
        except Exception:
            if self._on_error is not None:
                self._on_error()
            raise
        finally:
            if outer is not scope:
                _set(outer)

    async def asend(self, value: Any) -> _T:
        """As an asynchronous generator's."""
        iterator: Any = self._iterator
        return await self._inside(lambda: iterator.asend(value))  # type: ignore[no-any-return]

    async def athrow(self, error: BaseException) -> _T:
        """As an asynchronous generator's."""
        iterator: Any = self._iterator
        return await self._inside(lambda: iterator.athrow(error))  # type: ignore[no-any-return]

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to close."""
        return self._aclose is None

    async def aclose(self) -> None:
        """Close what is wrapped, inside the scope. Idempotent."""
        aclose, self._aclose = self._aclose, None
        if aclose is not None:
            with self._scope.entered():
                await aclose()

    def __del__(self) -> None:
        # Left behind without aclose(). The event loop would close the generator in whatever
        # context is current when it is collected; so ask it to, but inside the scope.
        if getattr(self, "_aclose", None) is None or self._loop is None or self._loop.is_closed():
            return
        closing = ScopedAsyncIterator(self._scope, self._iterator, hold=self._hold)
        self._aclose = None
        try:
            self._loop.call_soon_threadsafe(_close_in_a_task, self._loop, closing)
        except RuntimeError:
            closing._aclose = None  # the loop is being closed; its own hooks do what can be done


def _close_in_a_task(loop: asyncio.AbstractEventLoop, left: ScopedAsyncIterator[Any]) -> None:
    task = loop.create_task(left.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


# A loop refers to its tasks weakly.
_closing: set[asyncio.Task[None]] = set()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    # Here and not above: importing asyncio loads ssl, which gevent wants to patch first.
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None  # another library's loop, such as trio's
