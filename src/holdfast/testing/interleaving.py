"""Two requests, of which one is held somewhere while the other runs through.

A race between requests shows itself in one run of a thousand, if it is left to chance. Here the
first request stops at its n-th point: where it has written something that others may see, or
before its view; the second one runs from its beginning to its end; the first goes on. This is done
once for each point that the first one has.

Requests of a sync client run in threads, those of an async one as tasks of one event loop, where
they are held at each `await`.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

#: Seconds for which the second request may wait for something that the first one holds.
PATIENCE = 2.0
#: Seconds after which a request that does not end is a failure.
LONGEST = 60.0

_held: contextvars.ContextVar[Hold | None] = contextvars.ContextVar("holdfast.hold", default=None)


class Hold:
    """Stops a request at its n-th point.

    Args:
        at: which point, from 1; 0: at none, points are counted.
    """

    def __init__(self, at: int) -> None:
        self.at = at
        self.points = 0
        self.reached = threading.Event()
        self.released = threading.Event()

    def point(self) -> None:
        """The request has come to a point."""
        self.points += 1
        if self.points == self.at:
            self.reached.set()
            self.released.wait(LONGEST)


def point(*_: object) -> None:
    """Where a request may be held. Does nothing for those that nobody holds."""
    hold = _held.get()
    if hold is not None:
        hold.point()


@dataclass(slots=True)
class Interleaved(Generic[_T]):
    """What came of it.

    Attributes:
        pairs: results of the first and the second request, for each point.
        serial: at how many points the second one waited for the first, on a lock for example.
    """

    pairs: list[tuple[_T, _T]] = field(default_factory=list)
    serial: int = 0


class _Call(Generic[_T]):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], _T], prepare: Callable[[], object]) -> None:
        self._call = call
        self._prepare = prepare
        self.hold = Hold(0)
        self.ended = threading.Event()
        self._result: _T
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="holdfast-interleaved", daemon=True)

    def start(self, at: int = 0) -> None:
        self.hold = Hold(at)
        self._thread.start()

    def _run(self) -> None:
        _held.set(self.hold)
        try:
            self._prepare()
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self.ended.set()
            # Nobody is to wait for a point that it did not come to.
            self.hold.reached.set()

    def result(self) -> _T:
        if not self.ended.wait(LONGEST):
            raise TimeoutError(f"a request did not end within {LONGEST:.0f} s")
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result


def interleave(
    first: Callable[[], _T],
    second: Callable[[], _T],
    *,
    most: int = 200,
    prepare: Callable[[], object] = lambda: None,
) -> Interleaved[_T]:
    """Run *first* and *second* once for each point of the first.

    Args:
        first: makes a request and returns its response.
        second: the same, for the other one.
        most: how many points at most.
        prepare: called in each thread before its request.

    Raises:
        TimeoutError: a request did not end within a minute.
    """
    found: Interleaved[_T] = Interleaved()
    at = 1
    while at <= most:
        one, two = _Call(first, prepare), _Call(second, prepare)
        one.start(at)
        one.hold.reached.wait(LONGEST)
        was_held = not one.ended.is_set()
        two.start()
        if was_held and not two.ended.wait(PATIENCE):
            found.serial += 1
        one.hold.released.set()
        found.pairs.append((one.result(), two.result()))
        if not was_held:
            break
        at += 1
    return found


async def ainterleave(
    first: Callable[[], Awaitable[_T]], second: Callable[[], Awaitable[_T]], *, most: int = 200
) -> Interleaved[_T]:
    """The same for async requests: the first one is held at each of its awaits.

    Args:
        first: makes a request and returns its response.
        second: the same, for the other one.
        most: how many awaits at most.
    """
    found: Interleaved[_T] = Interleaved()
    at = 1
    while at <= most:
        stepped = _Stepped(first(), second, at)
        one = await asyncio.wait_for(_own_task(stepped), LONGEST)
        if stepped.other is None:
            found.pairs.append((one, await asyncio.wait_for(_own_task(second()), LONGEST)))
            break
        if not stepped.other.done():
            found.serial += 1
        found.pairs.append((one, await stepped.other))
        at += 1
    return found


def _own_task(awaitable: Awaitable[_T]) -> asyncio.Task[_T]:
    async def run() -> _T:
        return await awaitable

    # A context of its own, as a server would give it.
    return asyncio.get_running_loop().create_task(run(), context=contextvars.Context())


class _Stepped(Generic[_T]):
    """Awaits something, and another one whole at the n-th time that it waits itself."""

    def __init__(
        self, awaitable: Awaitable[_T], other: Callable[[], Awaitable[_T]], at: int
    ) -> None:
        self._awaitable = awaitable
        self._make_other = other
        self._at = at
        self.other: asyncio.Task[_T] | None = None

    def __await__(self) -> Generator[Any, Any, _T]:
        steps = self._awaitable.__await__()
        waits = 0
        error: BaseException | None = None
        while True:
            try:
                waited_for = next(steps) if error is None else _thrown(steps, error)
            except StopIteration as end:
                result: _T = end.value
                return result
            error = None
            waits += 1
            if waits == self._at:
                self.other = _own_task(self._make_other())
                yield from asyncio.wait({self.other}, timeout=PATIENCE).__await__()
            try:
                yield waited_for
            except BaseException as raised:  # noqa: BLE001 - handed to who waits
                error = raised


def _thrown(steps: Generator[Any, Any, Any], error: BaseException) -> Any:
    return steps.throw(error)
