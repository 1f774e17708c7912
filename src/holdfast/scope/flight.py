"""One call under way, for which others wait.

The waiters may be threads, greenlets and tasks of any event loop at once; each is woken in its
own way. Nothing here polls.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio

# The flights that the running code is itself part of. Tasks, carried threads and sync_to_async
# inherit it, so that a call which would wait for itself is noticed on whatever way it came.
_aboard: ContextVar[tuple[Flight, ...]] = ContextVar("holdfast.aboard", default=())


def disembark() -> None:
    """The running code is part of no flight any more: what others started, and go on without."""
    _aboard.set(())


class _Event(Protocol):
    def set(self) -> object: ...
    def wait(self, timeout: float | None = None) -> object: ...


def _event() -> _Event:
    """Something to wait on that lets other greenlets of this thread run.

    Looked up at each use: holdfast may have been imported before a monkey patch, and gevent may be
    used with none.
    """
    gevent: Any = sys.modules.get("gevent")
    if gevent is not None and gevent._hub_local.get_hub_if_exists() is not None:
        event: _Event = sys.modules["gevent.event"].Event()
        return event
    return threading.Event()


class Flight:
    """A call under way. Make it, board it, land it; others wait meanwhile."""

    __slots__ = ("_before", "_wakers", "awaits", "landed")

    def __init__(self) -> None:
        self.landed = False
        # The flights that this one can't land before.
        self.awaits: set[Flight] = set()
        self._wakers: list[Callable[[], object]] = []
        self._before: tuple[Flight, ...] = ()

    def board(self) -> None:
        """Mark the running code as the one that does the call."""
        self._before = _aboard.get()
        _aboard.set((*self._before, self))

    def land(self) -> None:
        """Wake all that wait. What they look for must be in its place by now."""
        _aboard.set(self._before)
        self.landed = True
        wakers = self._wakers
        while wakers:
            try:
                wakers.pop()()
            except IndexError:
                return  # a waiter that came late woke itself

    def wait(self, what: str, timeout: float | None = None) -> bool:
        """Block this thread or greenlet until the call has landed.

        Args:
            what: the name of the call, for the error.
            timeout: seconds after which to wait no longer; None: as long as it takes.

        Returns:
            Whether it has landed.

        Raises:
            RuntimeError: the call waits, itself or by way of others, for the code that runs here.
        """
        event = _event()
        with self._no_circle(what):
            self._wakers.append(event.set)
            if self.landed:
                event.set()
            event.wait(timeout)
            self._give_up(event.set)
        return self.landed

    async def wait_async(self, what: str, timeout: float | None = None) -> bool:  # noqa: ASYNC109
        """Suspend this task until the call has landed. As `wait` otherwise."""
        # Here and not above: importing asyncio loads ssl, which gevent wants to patch first.
        import asyncio

        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        def wake_from_anywhere() -> None:
            try:
                loop.call_soon_threadsafe(wake)
            except RuntimeError:
                pass  # that loop is closed, and nobody waits in it

        with self._no_circle(what):
            self._wakers.append(wake_from_anywhere)
            if not self.landed:
                try:
                    async with asyncio.timeout(timeout):
                        await woken
                except TimeoutError:
                    pass
                finally:
                    self._give_up(wake_from_anywhere)
        return self.landed

    def _give_up(self, waker: Callable[[], object]) -> None:
        """Wake it no more: many may come and go while one call takes its time."""
        if not self.landed:
            try:
                self._wakers.remove(waker)
            except ValueError:
                pass  # it was just woken

    @contextmanager
    def _no_circle(self, what: str) -> Iterator[None]:
        """Note who waits for whom, and refuse what would never end."""
        aboard = _aboard.get()
        for mine in aboard:
            mine.awaits.add(self)
        try:
            # Noted first and looked at then: of two that close a circle at once, one sees it.
            seen: set[Flight] = set()
            ahead = [self]
            while ahead:
                flight = ahead.pop()
                if flight in aboard and not flight.landed:
                    raise RuntimeError(
                        f"{what} was asked for the result that it is just computing: it called"
                        " itself with the same arguments, and would wait for itself for ever."
                    )
                if flight not in seen:
                    seen.add(flight)
                    ahead.extend(tuple(flight.awaits))
            yield
        finally:
            for mine in aboard:
                mine.awaits.discard(self)
