"""Whether anybody is watching, and which transactions of this context have something to say."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ...cache import consistency as consistencies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database_versions import DatabaseVersions
    from .transaction import Transaction


#: Whether what is executed is looked at.
is_on = False
#: Whether a stamp was ever asked for in this process, so that transactions have to take theirs.
is_armed = False
#: Where tags are kept in the database: who bumps them.
in_database: DatabaseVersions | None = None

# Connections whose transactions have begun in this context. A context goes from a thread to the
# event loop that it waits for, and on to its threads; a connection stays in its thread.
_noted: ContextVar[tuple[Transaction, ...]] = ContextVar("holdfast.connections", default=())


def note(tracked: Transaction) -> None:
    """A transaction of this connection has begun, or has written."""
    noted = _noted.get()
    if tracked not in noted:
        _noted.set((*(each for each in noted if each.began), tracked))


def open_transactions() -> Iterator[Transaction]:
    """The connections of this context in whose transactions something was executed."""
    for tracked in _noted.get():
        if tracked.began:
            yield tracked


def restrict(change: int) -> None:
    """There is one more, or one less, transaction with writes of its own."""
    consistencies.consistency.restricts += change


def _forget() -> None:
    # The parent's transactions are not ours.
    _noted.set(())
    consistencies.consistency.restricts = 0


os.register_at_fork(after_in_child=_forget)
