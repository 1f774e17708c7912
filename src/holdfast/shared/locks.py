"""A lock that all workers see."""

from __future__ import annotations

import logging
import time
from os import urandom
from types import TracebackType
from typing import Any, NoReturn

from ..stores.errors import StoreError
from .errors import AlreadyHeld, LockLost, LockTimeout
from .handle import Handle
from .holders import forget_lost, holdings, running_code
from .in_place import Awaited, InPlace, finish
from .keys import place_of
from .records import checked_ttl

logger = logging.getLogger("holdfast")

_OWN: Any = object()
# Locks held at once by one process, beyond which those that nobody released are looked for.
_MANY = 1000
_ABANDONED = 3600.0


class Holding:
    """A lock while it is held: what `with holdfast.shared.lock(...) as lock` gives.

    Attributes:
        fence: a number that grows each time that anybody takes this lock. Send it along with what
            you write elsewhere, and have older ones refused there: so not even a holder that slept
            past its time does damage.
    """

    __slots__ = ("_deadline", "_depth", "_key", "_lock", "_outer", "_owner", "fence")

    def __init__(self, lock: Lock, owner: bytes, fence: int, deadline: float, key: Any) -> None:
        self.fence = fence
        self._lock = lock
        self._owner = owner
        self._deadline = deadline
        self._key = key
        self._depth = 1
        # What the same code held of the same lock before, and has lost.
        self._outer = holdings.get(key)

    @property
    def name(self) -> str:
        """What the lock is called."""
        return self._lock.name

    @property
    def held(self) -> bool:
        """Whether it is held still, as far as this process knows: costs nothing, asks nobody.

        Its time isn't over by this process's clock, and none of the renewals that a networked store
        needs three times a second was refused.
        """
        if time.monotonic() >= self._deadline:
            return False
        return self._lock._store.still_held(self._lock._place, self._owner)

    @property
    def abandoned(self) -> bool:
        """Whether its time was over so long ago that nobody will release it any more."""
        return time.monotonic() > self._deadline + _ABANDONED

    def check(self) -> None:
        """Raise `LockLost`, unless `held`: before each step that must not be done twice."""
        if not self.held:
            raise self._lost()

    def extend(self, ttl: float | None = None) -> None:
        """Hold it for *ttl* seconds from now; default: as many as the lock's own.

        Raises:
            LockLost: it was too late.
        """
        finish(self._extend(InPlace(self._lock._store), ttl))

    async def aextend(self, ttl: float | None = None) -> None:
        """As `extend`."""
        await self._extend(Awaited(self._lock._async_store), ttl)

    def release(self) -> None:
        """Let go. Done by the end of `with`, too; doing it twice does nothing.

        Raises:
            LockLost: the lock's time was over before.
        """
        finish(self._release(InPlace(self._lock._store)))

    async def arelease(self) -> None:
        """As `release`."""
        await self._release(Awaited(self._lock._async_store))

    async def _extend(self, at: Awaited, ttl: float | None) -> None:
        lives = checked_ttl(ttl) or self._lock.ttl
        begun = time.monotonic()
        if not self._depth or not await at.store.renew(self._lock._place, self._owner, lives):
            self._deadline = min(self._deadline, begun)
            raise self._lost()
        self._deadline = begun + lives

    async def _release(self, at: Awaited) -> None:
        if self._depth > 1:
            self._depth -= 1
            return
        if not self._depth:
            return
        self._depth = 0
        self._deadline = min(self._deadline, time.monotonic())
        if holdings.get(self._key) is self:
            del holdings[self._key]
            if self._outer is not None and self._outer._depth:
                holdings[self._key] = self._outer
        try:
            released = await at.store.release(self._lock._place, self._owner)
        except StoreError:
            raise
        except BaseException:
            # Cancelled, before or after it was done. Once more, or it would last for all its ttl.
            await self._lock._let_go_quietly(at, self._owner)
            raise
        if not released:
            raise self._lost()

    def _enter_again(self) -> None:
        self._depth += 1

    def forget(self) -> None:
        """In a forked child: the lock is the parent's."""
        self._depth = 0
        self._deadline = 0.0

    def _lost(self) -> LockLost:
        return LockLost(
            f"The lock {self.name!r} is held no more: its ttl of {self._lock.ttl} seconds was over,"
            " or its store was emptied. Somebody else may have had it meanwhile. Give a longer ttl,"
            " or call extend() in time."
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("A lock that is held can't be copied or pickled; the lock itself can.")

    def __repr__(self) -> str:
        state = "held" if self.held else "not held"
        return f"<holdfast.shared.lock {self.name!r}, {state}, fence {self.fence}>"


class Lock(Handle):
    """A lock that all workers see, and all machines where its store is networked.

        with holdfast.shared.lock("report", ttl=30) as lock:  # or: async with
            lock.fence

    It belongs to the thread, greenlet or task that took it, and ends with its process: on one
    machine the next waiter has it at once when that is killed, across machines within a second.
    Waiters sleep until they are woken (on Memcached, which wakes nobody, they ask every few
    milliseconds).

    Args:
        name: what it is called.
        ttl: seconds after which it is taken from a holder that still lives; `extend` gives more.
        timeout: seconds to wait for it; 0: not at all; None: as long as it takes.
        reentrant: whether its holder may take it again. Otherwise that raises `AlreadyHeld`, rather
            than waiting for itself.
        store: which of the stores in HOLDFAST["STORES"].

    Raises:
        LockTimeout: it could not be had in time.
        LockLost: at the end of `with`: it had been lost before. Not where the block raised.
        StoreUnavailable: the store can't be reached.
    """

    __slots__ = ("_entered", "_place", "reentrant", "timeout", "ttl")

    def __init__(
        self,
        name: str,
        *,
        ttl: float = 30,
        timeout: float | None = None,
        reentrant: bool = False,
        store: str = "default",
    ) -> None:
        super().__init__(name, store)
        lives = checked_ttl(ttl)
        if lives is None:
            raise TypeError("A lock needs a ttl in seconds: one that never ends may be stuck.")
        self.ttl: float = lives
        self.timeout = timeout
        self.reentrant = reentrant
        self._place = place_of(b"l", name)
        #: What `with` took, until its end.
        self._entered: list[Holding] = []

    def _arguments(self) -> dict[str, Any]:
        own = {"ttl": self.ttl, "timeout": self.timeout, "reentrant": self.reentrant}
        return super()._arguments() | own

    def acquire(self, *, timeout: float | None = _OWN) -> Holding:
        """Take it, waiting up to *timeout* seconds; default: the lock's own. Raises as the lock."""
        return finish(self._acquire(InPlace(self._store), timeout))

    async def aacquire(self, *, timeout: float | None = _OWN) -> Holding:
        """As `acquire`."""
        return await self._acquire(Awaited(self._async_store), timeout)

    def release(self) -> None:
        """Let go of what this thread, greenlet or task holds.

        Raises:
            LockLost: it had been lost before.
            RuntimeError: it isn't held here.
        """
        self._mine().release()

    async def arelease(self) -> None:
        """As `release`."""
        await self._mine().arelease()

    @property
    def held(self) -> bool:
        """Whether this thread, greenlet or task holds it."""
        holding = holdings.get(self._key())
        return holding is not None and holding.held

    def __enter__(self) -> Holding:
        holding = self.acquire()
        self._entered.append(holding)
        return holding

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        finish(self._leave(InPlace(self._store), error))

    async def __aenter__(self) -> Holding:
        holding = await self.aacquire()
        self._entered.append(holding)
        return holding

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave(Awaited(self._async_store), error)

    def _key(self) -> tuple[Any, str, bytes]:
        return running_code(), self._store_name, self._place

    def _pop_entered(self, key: Any) -> Holding:
        """What the `with` that ends took. It may end in another thread or task than it began in."""
        entered = self._entered
        own = [holding for holding in entered if holding._key == key]
        if not own and len(entered) > 1:
            raise RuntimeError(
                f"`with` on the lock {self.name!r} ends in another thread or task than it began in,"
                " and others have begun one on the same object: give each a lock of its own."
            )
        holding = (own or entered)[-1]
        entered.remove(holding)
        return holding

    def _mine(self) -> Holding:
        holding = holdings.get(self._key())
        if holding is None:
            raise RuntimeError(f"The lock {self.name!r} is not held by this thread or task.")
        return holding

    async def _acquire(self, at: Awaited, timeout: Any) -> Holding:
        key = self._key()
        holding = holdings.get(key)
        if holding is not None and holding.held:
            if not self.reentrant:
                raise AlreadyHeld(
                    f"The lock {self.name!r} is held already by the code that asks for it, which"
                    " would wait for itself. Give reentrant=True, if it may take it again."
                )
            holding._enter_again()
            return holding
        patience = self.timeout if timeout is _OWN else timeout
        # So many that nobody else has the same: of this process, a fork of it, or any other.
        owner = urandom(16)
        fence = None
        try:
            fence = await at.store.acquire(self._place, owner, self.ttl, timeout=patience)
            acquired = time.monotonic()
        except BaseException:
            # Cancelled, interrupted or timed out: it may have been taken all the same.
            await self._let_go_quietly(at, owner)
            raise
        if fence is None:
            raise LockTimeout(
                f"The lock {self.name!r} was held by others for all of {patience} seconds."
            )
        holding = Holding(self, owner, fence, acquired + self.ttl, key)
        holdings[key] = holding
        if len(holdings) > _MANY:
            forget_lost()
        return holding

    async def _let_go_quietly(self, at: Awaited, owner: bytes) -> None:
        try:
            await at.store.release(self._place, owner)
        except StoreError:
            pass  # then it ends with its ttl

    async def _leave(self, at: Awaited, error: BaseException | None) -> None:
        key = self._key()
        entered = self._pop_entered(key)
        # Another one, if it was released within the block, and taken again.
        holding = holdings.get(key, entered)
        try:
            await holding._release(at)
        except StoreError as failure:
            if error is None:
                raise
            logger.warning("%s", failure)
