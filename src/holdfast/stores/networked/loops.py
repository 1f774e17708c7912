"""What belongs to one event loop, opened when it is first needed there and closed with the loop.

Loops come and go: `asyncio.run` makes one, and `async_to_sync` one for each call. A connection of
a loop that is gone can be neither used nor closed, so it has to be closed while the loop still
runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar

from .processes import renew_after_fork

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One of something for each event loop.

    Args:
        make: called in the loop that it is for. Connects to nothing yet.
        close: awaited in that loop when it shuts down, or when `close` is called there.
    """

    def __init__(self, make: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._make = make
        self._close = close
        self._of: dict[asyncio.AbstractEventLoop, T] = {}
        self._closers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        # What a forked child inherited. Even letting it be collected would talk to the parent's
        # selector, so it is kept, and never touched.
        self._inherited: list[object] = []
        renew_after_fork(self)

    def running(self) -> T | None:
        """That of the running loop, if there is one."""
        return self._of.get(asyncio.get_running_loop())

    async def get(self) -> T:
        """That of the running loop; made, if there is none yet."""
        loop = asyncio.get_running_loop()
        thing = self._of.get(loop)
        if thing is None:
            self._forget_closed_loops()
            thing = self._of[loop] = self._make()
            # A loop closes the asynchronous generators that were begun in it before it ends:
            # the one call-back at the end of a loop that there is.
            closer = self._closers[loop] = self._until_the_end(loop, thing)
            await anext(closer)
        return thing

    async def close(self) -> None:
        """Close that of the running loop, if there is one."""
        closer = self._closers.get(asyncio.get_running_loop())
        if closer is not None:
            await closer.aclose()

    def forget_parent(self) -> None:
        """In a forked child: the parent's loops don't run here."""
        self._inherited.append((self._of, self._closers))
        self._of = {}
        self._closers = {}

    async def _until_the_end(
        self, loop: asyncio.AbstractEventLoop, thing: T
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._of.pop(loop, None)
            self._closers.pop(loop, None)
            await self._close(thing)

    def _forget_closed_loops(self) -> None:
        """Those that ended without shutting down their generators, as few do."""
        for loop in [loop for loop in list(self._of) if loop.is_closed()]:
            self._of.pop(loop, None)
            self._closers.pop(loop, None)
