"""Reading and writing, and what either does when LMDB says no.

A read is one transaction, over before the call returns. A write is a function of the transaction.
It is called again where the map had to grow first, so it must change nothing but the file.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Final

from ..errors import StoreFull, StoreTimeout
from . import waiting
from .environment import Environment, lmdb

#: What an attempt returns that wrote nothing: somebody else was writing.
BUSY: Final = object()
#: The same: but now there is more room, and nothing to wait for.
AGAIN: Final = object()

# Most turns last for five to ten microseconds, and no pause for less than a hundred, whatever is
# asked for: so it pays to try again at once for as long as the turns of a few others take.
_TRIES_AT_ONCE = 60
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.00003, 0.003
# Every so many writes, or seconds, one of them tidies up, too.
_CARE_WRITES, _CARE_SECONDS = 64, 1.0
_RECLAIM_SECONDS = 5.0
_RECOVERIES = 50


class RoomNeeded(Exception):  # noqa: N818 - a request, not a mistake
    """Raised by a write before its data would fill the map too far: enlarge it, and call again."""


class Transactions:
    """Calls functions with a transaction of one environment.

    Args:
        environment: the file.
        timeout: seconds to wait for others who write.
        care: called in a write transaction now and then, for what has to be tidied up.
        make_room: called in a write transaction, with a number that grows until it was enough, to
            evict what may be evicted; None where nothing may.
    """

    def __init__(
        self,
        environment: Environment,
        timeout: float,
        care: Callable[[Any], None],
        make_room: Callable[[Any, int], None] | None,
    ) -> None:
        self.environment = environment
        self.timeout = timeout
        self._care = care
        self._make_room = make_room
        self._squeezed = 0
        self._writes = 0
        self._care_at = 0.0
        self._reclaim_at = 0.0

    # Reading

    def read(self, work: Callable[..., Any], *args: Any) -> Any:
        """What *work(txn, ...)* returns.

        Raises:
            StoreUnavailable: the file can't be used.
        """
        for recovery in range(_RECOVERIES + 1):
            begin = self.environment.begin
            try:
                with begin() as txn:
                    return work(txn, *args)
            except lmdb().Error as error:
                self.recover(error, begin, last=recovery == _RECOVERIES)
        raise AssertionError("unreachable")

    def recover(self, error: Exception, begin: Any, *, last: bool = False) -> None:
        """Mend what made a read by *begin* fail, so that it can be tried again.

        Raises:
            StoreError: it can't be mended.
        """
        environment, library = self.environment, lmdb()
        if last:
            raise environment.explained(error) from error
        if isinstance(error, library.MapResizedError):
            # Another process has enlarged the file.
            pauses = _Pauses(self)
            while not environment.turn.take():
                waiting.sleep(pauses.next())
            try:
                environment.follow()
            finally:
                environment.turn.give_back()
        elif isinstance(error, library.ReadersFullError):
            if not environment.reclaim():
                waiting.sleep(0.001)
        elif _interrupted(error):
            waiting.sleep(0.0002)
        else:
            raise environment.explained(error) from error

    # Writing

    def write(self, work: Callable[..., Any], *args: Any) -> Any:
        """What *work(txn, ...)* returns, after its changes are committed.

        Blocks while others write, for up to the time-out; greenlets go on meanwhile.

        Raises:
            StoreTimeout: others were writing all the while; nothing was written.
            StoreFull: there is no room; nothing was written.
            StoreUnavailable: the file can't be used.
        """
        result = self.attempt(work, args)
        if result is BUSY or result is AGAIN:
            pauses = _Pauses(self)
            while result is BUSY or result is AGAIN:
                pause = pauses.next()
                if result is BUSY:
                    waiting.sleep(pause)
                result = self.attempt(work, args)
        return result

    async def write_async(self, work: Callable[..., Any], *args: Any) -> Any:
        """The same, letting the event loop go on meanwhile."""
        result = self.attempt(work, args)
        if result is BUSY or result is AGAIN:
            pauses = _Pauses(self)
            while result is BUSY or result is AGAIN:
                pause = pauses.next()
                if result is BUSY:
                    await waiting.sleep_async(pause)
                result = self.attempt(work, args)
        return result

    def attempt(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """What *work* returns; `BUSY` or `AGAIN` if nothing was written. Never waits."""
        environment = self.environment
        if environment.begin_write is None or environment.moved:
            environment.open()
        take = environment.turn.take
        if not take():
            for _ in range(_TRIES_AT_ONCE):
                if take():
                    break
            else:
                return BUSY
        try:
            begin = environment.begin_write
            if begin is None:
                return BUSY  # closed in between, by another thread of this process
            try:
                txn = begin(None, None, True, True)
                try:
                    result = work(txn, *args)
                    self._writes += 1
                    if not self._writes % _CARE_WRITES or time.monotonic() > self._care_at:
                        self._tidy_up(txn)
                    txn.commit()
                except BaseException:
                    txn.abort()
                    raise
            except (lmdb().Error, RoomNeeded) as error:
                return self._mend(error)
            self._squeezed = 0
            environment.full = None
            return result
        finally:
            environment.turn.give_back()

    def _tidy_up(self, txn: Any) -> None:
        now = time.monotonic()
        self._care_at = now + _CARE_SECONDS
        self._care(txn)
        if now > self._reclaim_at:
            self._reclaim_at = now + _RECLAIM_SECONDS
            self.environment.reclaim()
            self.environment.look_whether_moved()

    def _mend(self, error: Exception) -> Any:
        """Do what makes the write possible the next time. The turn is ours."""
        environment, library = self.environment, lmdb()
        if isinstance(error, library.MapResizedError):
            environment.follow()
        elif isinstance(error, RoomNeeded):
            environment.grow()
        elif isinstance(error, library.MapFullError):
            return self._mend_full(error)
        elif isinstance(error, library.ReadersFullError):
            if not environment.reclaim():
                return BUSY
        elif not _interrupted(error):
            raise environment.explained(error) from error
        return AGAIN

    def _mend_full(self, error: Exception) -> Any:
        """The map is full, although the data leaves a third of it free."""
        environment = self.environment
        if environment.reclaim() or environment.grow():
            return AGAIN
        if environment.pinned():
            # Somebody reads, and may still see what would have to be overwritten.
            environment.full = error
            return BUSY
        # A large value lies in pages that follow each other, and the free ones are scattered.
        if self._make_room is None:
            if not environment.grow(beyond=True):
                raise environment.explained(error) from error
            return AGAIN
        self._squeezed += 1
        with environment.begin_write(write=True, buffers=True) as txn:
            self._make_room(txn, self._squeezed)
        return AGAIN


def _interrupted(error: Exception) -> bool:
    """Whether another thread of this process closed or enlarged the map in the middle of it.

    py-lmdb then ends the transactions that are open, and refuses new ones for that moment.
    """
    library = lmdb()
    if type(error) is library.Error:
        return "closed/deleted/dropped" in str(error)
    return isinstance(
        error, library.BadRslotError | library.BadTxnError | library.InvalidParameterError
    )


class _Pauses:
    """How long to wait before trying again, and when to give up."""

    __slots__ = ("_deadline", "_environment", "_pause", "_timeout")

    def __init__(self, transactions: Transactions) -> None:
        self._timeout = transactions.timeout
        self._environment = transactions.environment
        self._deadline = time.monotonic() + self._timeout
        self._pause = _SHORTEST_PAUSE

    def next(self) -> float:
        """Seconds to wait now.

        Raises:
            StoreTimeout: the time is over.
        """
        if time.monotonic() >= self._deadline:
            full = self._environment.full
            if full is not None:
                raise StoreFull(
                    f"{self._environment.file} is full: some process has been reading for longer"
                    f" than {self._timeout:g} s, and what it may see can't be overwritten."
                ) from full
            raise StoreTimeout(
                f"Others were writing to {self._environment.file} for {self._timeout:g} s on end;"
                " nothing was written."
            )
        pause = self._pause
        self._pause = min(pause * 1.5, _LONGEST_PAUSE)
        # Spread, so that those who wait don't all come back at once.
        return pause * (0.5 + random.random())  # noqa: S311 - nobody needs to be kept from guessing
