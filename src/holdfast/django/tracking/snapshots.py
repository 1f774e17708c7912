"""What Django's transactions have to say about cached results."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connections

from ... import named_stores
from ...cache.consistency import Consistency
from ...stores.tags import AsyncTags, Stamp, Tags
from . import switch
from .hooks import tracked
from .moments import ELSEWHERE, next_moment, note_stamp
from .replicas import history
from .writes import STORE
from .writes import tags as announced_tags


class OfTransactions(Consistency):
    """Knows the transactions that are open in this context, on all of Django's connections."""

    def stamp(self, tags: Tags) -> Stamp | None:
        """See `Consistency.stamp`."""
        switch.is_armed = True
        if tags is not announced_tags():
            note_stamp(ELSEWHERE)
            return tags.stamp()
        is_snapshot, stamp = _of_snapshot()
        if is_snapshot:
            return stamp
        taken = tags.stamp()
        _note(taken)
        return taken

    async def astamp(self, tags: AsyncTags) -> Stamp | None:
        """See `Consistency.astamp`."""
        switch.is_armed = True
        if tags is not named_stores.asynchronous(STORE).tags:
            note_stamp(ELSEWHERE)
            return await tags.stamp()
        is_snapshot, stamp = _of_snapshot()
        if is_snapshot:
            return stamp
        taken = await tags.stamp()
        _note(taken)
        return taken

    def may_serve(self, tags: Collection[bytes]) -> bool:
        """See `Consistency.may_serve`."""
        return not any(
            each.writes.touches(tags) for each in switch.open_transactions() if each.writes
        )

    def may_share(self) -> bool:
        """See `Consistency.may_share`."""
        return not any(each.writes or each.isolates for each in switch.open_transactions())

    def may_wait(self) -> bool:
        """See `Consistency.may_wait`."""
        return not any(each.writes for each in switch.open_transactions())

    def invalidate(self, store: str, tags: Collection[bytes]) -> None:
        """See `Consistency.invalidate`."""
        if not _note_writes(store, tags):
            super().invalidate(store, tags)

    async def ainvalidate(self, store: str, tags: Collection[bytes]) -> None:
        """See `Consistency.ainvalidate`."""
        if not _note_writes(store, tags):
            await super().ainvalidate(store, tags)


def _of_snapshot() -> tuple[bool, Stamp | None]:
    """Whether an open transaction reads from a snapshot, and the stamp that is older than it."""
    oldest = min(
        (each for each in switch.open_transactions() if each.isolates),
        key=lambda each: (each.stamp is not None, each.began),
        default=None,
    )
    if oldest is None:
        return False, None
    note_stamp(oldest.began)
    return True, oldest.stamp


def _note(taken: Stamp | None) -> None:
    if taken is not None:
        history.note(taken)
    note_stamp(next_moment())


def _note_writes(store: str, tags: Collection[bytes]) -> bool:
    """Have *tags* made untrue by the COMMIT of each transaction that is open; False: none is."""
    if store != STORE:
        return False
    begun = set(switch.open_transactions())
    for connection in connections.all(initialized_only=True):
        known = tracked(connection)
        # In one that Django has begun, and in which nothing was executed yet.
        if known is not None and connection.in_atomic_block and known not in begun:
            known.begin()
            begun.add(known)
    for each in begun:
        each.note(tags)
    return bool(begun)
