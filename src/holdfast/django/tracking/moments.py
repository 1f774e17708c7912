"""The order, in this process, of stamps and of the snapshots of transactions.

A result may be stored with a stamp only if the stamp was taken before each snapshot that the result
was read from. So each of both gets a number when it begins.
"""

from __future__ import annotations

from contextvars import ContextVar
from itertools import count

from ...cache.recording import Recording, innermost

next_moment = count(1).__next__

#: For a stamp of another store than the one in which writes are announced.
ELSEWHERE = -1

#: The stamps of the results that are being made in this context: the recording around each one,
#: and the moment at which the stamp was taken.
_stamped: ContextVar[tuple[tuple[Recording | None, int], ...]] = ContextVar(
    "holdfast.stamped", default=()
)


def note_stamp(moment: int) -> None:
    """A stamp was taken for the recording that will be opened next in this context."""
    around = innermost.get()
    outer: set[int] = set()
    each = around
    while each is not None:
        outer.add(id(each.outer))
        each = each.outer
    kept = tuple(entry for entry in _stamped.get() if around is not None and id(entry[0]) in outer)
    _stamped.set((*kept, (around, moment)))


def latest_stamp() -> int | None:
    """The moment of the last of the stamps that what is read here will be stored with.

    A snapshot that began before it is too old. None: one of the stamps isn't known. `ELSEWHERE`:
    one is of another store.
    """
    moments = {id(around): moment for around, moment in _stamped.get()}
    latest = 0
    each = innermost.get()
    while each is not None:
        if not each.closed:
            moment = moments.get(id(each.outer))
            if moment is None or moment == ELSEWHERE:
                return None if moment is None else ELSEWHERE
            latest = max(latest, moment)
        each = each.outer
    return latest
