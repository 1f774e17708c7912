"""What transactions have to say about cached results.

This room knows of no database. Where one is known, its room installs a `Consistency` that knows its
transactions:

    class OfDjango(Consistency): ...
    consistency.install(OfDjango())

What it has to say, and why:

- A result must be stored with a stamp taken *before the snapshot that it was read from*. Under READ
  COMMITTED that is any time before the query, so the default takes it just before the loader runs.
  Under REPEATABLE READ and SERIALIZABLE (and in SQLite) it is the transaction's BEGIN: return the
  stamp that was taken there, or None, for "store nothing".
- A transaction that has written sees its own rows, which nobody else sees yet: it may not be served
  what others cached of them (`may_serve`), and what it loads must not be stored (`stamp` is None)
  nor be given to others who wait for the same (`may_share`).
- An invalidation by hand within a transaction holds from COMMIT on (`invalidate`).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from .. import named_stores

if TYPE_CHECKING:
    from ..stores.tags import AsyncTags, Stamp, Tags


class Consistency:
    """What holds where no transaction is known. Subclass it, and `install` one.

    Each method is called in the thread, greenlet or task that asks for a cached result, and must
    be quick: those that are awaited may wait for the store, the others for nothing.

    Attributes:
        restricts: whether `may_serve` has to be asked at all just now, in this process. Read at
            each hit, so it is a plain attribute: count up while any transaction has writes of its
            own, and down again.
    """

    restricts: int = 0

    def stamp(self, tags: Tags) -> Stamp | None:
        """The stamp for what will be loaded now; None: it must not be stored."""
        return tags.stamp()

    async def astamp(self, tags: AsyncTags) -> Stamp | None:
        """As `stamp`."""
        return await tags.stamp()

    def may_serve(self, tags: Collection[bytes]) -> bool:
        """Whether a cached result that depends on *tags* may be served here.

        False where this transaction itself has written one of them: the call then loads.
        """
        return True

    def may_share(self) -> bool:
        """Whether what is loaded here shows the newest committed state, as anybody would see it."""
        return True

    def may_wait(self) -> bool:
        """Whether a call here may wait for the load of another, and have others wait for its own.

        False where a transaction has written: others may be waiting for its locks already, and
        what it loads is nothing for them. By default, where it may not share, either.
        """
        return self.may_share()

    def invalidate(self, store: str, tags: Collection[bytes]) -> None:
        """Make untrue what depends on one of *tags*: at once, or at COMMIT."""
        named_stores.store(store).tags.bump(tags)

    async def ainvalidate(self, store: str, tags: Collection[bytes]) -> None:
        """As `invalidate`."""
        await named_stores.asynchronous(store).tags.bump(tags)


#: The one that is asked. Read it as an attribute of this module: it is replaced.
consistency = Consistency()


def install(replacement: Consistency) -> None:
    """From now on, ask *replacement*. Once, when the process starts."""
    global consistency
    consistency = replacement


_alone: ContextVar[bool] = ContextVar("holdfast.alone", default=False)


def may_serve(tags: Collection[bytes]) -> bool:
    """Whether a cached result that depends on *tags* may be served here."""
    return not _alone.get() and consistency.may_serve(tags)


def may_wait() -> bool:
    """Whether a call here may wait for others, have others wait for it, and store its result."""
    return not _alone.get() and consistency.may_wait()


@contextmanager
def alone() -> Iterator[None]:
    """Within the block, in this context, all is loaded: nothing cached is served, nothing stored.

    For who has to know what is true, and not what is kept. Works across `await`, too.
    """
    # That one, whatever is installed meanwhile.
    asked, process = consistency, os.getpid()
    asked.restricts += 1
    before = _alone.get()
    _alone.set(True)
    try:
        yield
    finally:
        _alone.set(before)
        if process == os.getpid():  # a forked child has begun to count anew
            asked.restricts -= 1
