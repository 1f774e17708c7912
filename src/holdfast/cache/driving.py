"""Driving the one algorithm for both kinds of callers.

It is written as a coroutine that asks its driver for each step that may wait: `Awaiting` lets the
event loop go on meanwhile; `Blocking` has done the step when it returns, in the way of the thread
or greenlet that it runs in, so that the whole runs to its end in one go (`finish`).
"""

from __future__ import annotations

import inspect
from _thread import get_ident
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .. import named_stores
from . import background
from . import consistency as consistencies

if TYPE_CHECKING:
    from ..stores.tags import Stamp
    from .flights import Flight

_T = TypeVar("_T")

#: Runs in the background, and is given the driver that it has there.
Job = Callable[["Awaiting"], Coroutine[Any, Any, None]]


class Awaiting:
    """For tasks of an event loop.

    Args:
        store: the name of the store.
    """

    __slots__ = ("store",)

    may_await = True

    def __init__(self, store: str) -> None:
        self.store = store

    async def tags(self, method: str, *args: Any) -> Any:
        """A call of the store's `Tags`."""
        return await getattr(named_stores.asynchronous(self.store).tags, method)(*args)

    async def stamp(self) -> Stamp | None:
        """The stamp for what is loaded now; None: it must not be stored."""
        tags = named_stores.asynchronous(self.store).tags
        return await consistencies.consistency.astamp(tags)

    async def acquire(self, key: bytes, owner: bytes, ttl: float, timeout: float) -> bool:
        """Take the store's lock; False, if it could not be had in time."""
        store = named_stores.asynchronous(self.store)
        return await store.acquire(key, owner, ttl, timeout=timeout) is not None

    async def release(self, key: bytes, owner: bytes) -> None:
        """Let go of it."""
        await named_stores.asynchronous(self.store).release(key, owner)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """What the user's own function returns, awaited if need be."""
        result = function(*args)
        return await result if inspect.isawaitable(result) else result

    async def wait(self, flight: Flight, what: str, timeout: float) -> bool:
        """Wait for a flight; whether it has landed."""
        return await flight.wait_async(what, timeout)

    def start(self, job: Job, broken_off: Callable[[], object]) -> bool:
        """Have *job* done in the background; False, if there is too much to do already.

        *broken_off* is called if it ends before it is done, as a task does with its event loop.
        """
        return background.start_task(lambda: job(self), broken_off)


class Blocking(Awaiting):
    """For threads and greenlets."""

    __slots__ = ()

    may_await = False

    async def tags(self, method: str, *args: Any) -> Any:
        """See `Awaiting.tags`."""
        return getattr(named_stores.store(self.store).tags, method)(*args)

    async def stamp(self) -> Stamp | None:
        """See `Awaiting.stamp`."""
        return consistencies.consistency.stamp(named_stores.store(self.store).tags)

    async def acquire(self, key: bytes, owner: bytes, ttl: float, timeout: float) -> bool:
        """See `Awaiting.acquire`."""
        store = named_stores.store(self.store)
        return store.acquire(key, owner, ttl, timeout=timeout) is not None

    async def release(self, key: bytes, owner: bytes) -> None:
        """See `Awaiting.release`."""
        named_stores.store(self.store).release(key, owner)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """What the user's own function returns."""
        return function(*args)

    async def wait(self, flight: Flight, what: str, timeout: float) -> bool:
        """Wait for a flight; whether it has landed."""
        if flight.loop_thread == get_ident():
            # A task of the loop that we would block. It can't land while we wait.
            return False
        return flight.wait(what, timeout)

    def start(self, job: Job, broken_off: Callable[[], object]) -> bool:
        """See `Awaiting.start`."""
        return background.start_thread(lambda: finish(job(self)))


def finish(operation: Coroutine[Any, Any, _T]) -> _T:
    """The result of an operation whose driver is `Blocking`."""
    try:
        operation.send(None)
    except StopIteration as stop:
        return cast("_T", stop.value)
    operation.close()
    raise RuntimeError("an operation that blocks was suspended")
