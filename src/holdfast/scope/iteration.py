"""Iterators that run inside a scope, wherever they are consumed, closed or collected.

A generator runs in the context of whoever asks it for its next item: a server's thread, another
task, or the garbage collector in the middle of another request. These wrappers make the scope
current for each step and for the generator's `finally`, and put back what was there before.
"""

from __future__ import annotations

import sys
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

    __slots__ = ("_end", "_iterator", "_on_error", "_scope")

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
        self._on_error = on_error
        self._end = _AsyncEnd(scope, hold, needed=hasattr(iterator, "aclose"))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _T:
        if self._end.loop is None:
            return await self._inside(self._first)  # type: ignore[no-any-return]
        return await self._inside(self._iterator.__anext__)  # type: ignore[no-any-return]

    def _first(self) -> Any:
        # A generator takes over the finalizer that is set when it is first asked. The event loop's
        # would close it in whatever context it is collected in.
        self._end.loop = _running_loop()
        if self._end.loop is None or not self._end.needed:
            return self._iterator.__anext__()
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._end.soon)
        try:
            return self._iterator.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    async def _inside(self, step: Callable[[], Any]) -> Any:
        scope = self._scope
        outer = _get()
        if outer is not scope:
            _set(scope)
        try:
            return await step()
        except StopAsyncIteration:
            self._end.needed = False
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
        return not self._end.needed

    async def aclose(self) -> None:
        """Close what is wrapped, inside the scope. Idempotent."""
        await self._end.now(self._iterator)

    def close_soon(self) -> None:
        """Have the event loop close what is wrapped, inside the scope. Idempotent."""
        self._end.soon(self._iterator)

    close_soon.never_blocks = True  # type: ignore[attr-defined]  # see Scope.closes_at_once


class _AsyncEnd:
    """How an asynchronous iterator is closed: once, and inside its scope.

    Apart from the iterator, since the garbage collector may finalize generator, iterator and scope
    of one response in any order.
    """

    __slots__ = ("hold", "loop", "needed", "scope")

    def __init__(self, scope: Scope, hold: Hold | None, *, needed: bool) -> None:
        self.scope = scope
        self.hold = hold
        self.needed = needed
        self.loop: asyncio.AbstractEventLoop | None = None

    async def now(self, iterator: Any) -> None:
        # Where another task is inside the generator, that one brings it to its end.
        if self.needed and not getattr(iterator, "ag_running", False):
            self.needed = False
            with self.scope.entered():
                await iterator.aclose()

    def soon(self, iterator: Any) -> None:
        if not self.needed or self.loop is None or self.loop.is_closed():
            return
        self.needed = False
        # The values stay until that is done; a hold of before may just be collected, too.
        hold = self.scope.hold() if self.scope.usable else self.hold
        try:
            self.loop.call_soon_threadsafe(self._close_in_a_task, self.loop, iterator, hold)
        except RuntimeError:
            return  # the loop has just been closed, and nobody can await anything any more

    def _close_in_a_task(
        self, loop: asyncio.AbstractEventLoop, iterator: Any, hold: Hold | None
    ) -> None:
        task = loop.create_task(self._close_held(iterator, hold))
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    async def _close_held(self, iterator: Any, hold: Hold | None) -> None:
        kept = hold  # noqa: F841 - while this runs
        with self.scope.entered():
            await iterator.aclose()


# A loop refers to its tasks weakly.
_closing: set[asyncio.Task[None]] = set()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    # Here and not above: importing asyncio loads ssl, which gevent wants to patch first.
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None  # another library's loop, such as trio's
