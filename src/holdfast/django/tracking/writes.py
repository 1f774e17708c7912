"""What a transaction has written, until it ends.

Phase 1, before COMMIT: the tags of all that was written are marked in the store, and nothing that
has one of them is served or stored any more. Phase 2, after it: they are bumped. Where the process
dies between the two, the marks outlive the commit and turn into bumps by themselves. Where nobody
can tell whether a COMMIT went through, the marks are left to do the same. Only where a COMMIT took
longer than marks last is nothing left of them: then the bump is tried until it is done.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection
from functools import partial
from itertools import count

from ... import configuration, named_stores
from ...cache import background
from ...stores.errors import StoreError
from ...stores.tags import Tags
from .counters import events
from .names import tables_of

logger = logging.getLogger("holdfast")

#: The store that cached results are in.
STORE = "cache"

#: Seconds between two tries of a bump that was not acknowledged.
PAUSE = 1.0

_numbers = count()
_process = os.urandom(8)


def _renew() -> None:
    global _process
    _process = os.urandom(8)


os.register_at_fork(after_in_child=_renew)


def new_writer() -> bytes:
    """A name for one transaction, that no other has, in any process."""
    return _process + next(_numbers).to_bytes(6, "big")


def tags() -> Tags:
    """Where what is written is announced."""
    return named_stores.store(STORE).tags


class Writes:
    """The tags of what was written in one transaction, in order, so that a part can be undone."""

    __slots__ = ("_kept", "_lasts", "_order", "_savepoints", "_tables", "_tags", "marked", "writer")

    def __init__(self) -> None:
        self._order: list[frozenset[bytes]] = []
        self._tags: set[bytes] = set()
        #: What tables the tags are about; None: that has to be found out.
        self._tables: set[bytes] | None = None
        self._savepoints: list[tuple[str, int]] = []
        #: What is to be announced by the store: all of it, if nothing else was said.
        self._kept: set[bytes] | None = None
        #: The writer that has marks in the store, and of which tags.
        self.writer = b""
        self.marked: set[bytes] = set()
        # Until when these last at least, by `time.monotonic`.
        self._lasts = 0.0

    def __bool__(self) -> bool:
        return bool(self._tags)

    @property
    def tags(self) -> Collection[bytes]:
        """All that is untrue once this is committed."""
        return self._tags

    def add(self, tags: Collection[bytes]) -> None:
        """Something was written."""
        if not self._tags.issuperset(tags):
            self._order.append(frozenset(tags))
            self._tags.update(tags)
            self._tables = None

    def touches(self, tags: Collection[bytes]) -> bool:
        """Whether what depends on *tags* may not be what others see.

        Tables are compared, not rows: a row that was deleted here, or moved to elsewhere, is in no
        result any more that this transaction makes, and leaves no tag in it.
        """
        if self._tables is None:
            self._tables = tables_of(self._tags)
        return not self._tables.isdisjoint(tables_of(tags))

    def savepoint(self, name: str) -> None:
        """Remember what was written until here."""
        self._savepoints.append((name, len(self._order)))

    def release(self, name: str) -> None:
        """The savepoint, and those set after it, are no more."""
        place = self._find(name)
        if place is not None:
            del self._savepoints[place:]

    def roll_back_to(self, name: str) -> None:
        """What was written since the savepoint was not."""
        place = self._find(name)
        if place is None:
            return
        del self._savepoints[place + 1 :]
        del self._order[self._savepoints[place][1] :]
        self._tags = set().union(*self._order)
        self._tables = None

    def _find(self, name: str) -> int | None:
        for place in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[place][0] == name:
                return place
        return None

    def clear(self) -> None:
        """The transaction is over."""
        self._order.clear()
        self._savepoints.clear()
        self._tags = set()
        self._tables = None
        self._kept = None
        self.marked = set()

    @property
    def pending(self) -> set[bytes]:
        """What the store has to be told."""
        return self._tags if self._kept is None else self._kept

    def keep(self, tags: set[bytes]) -> None:
        """Only *tags* have to be announced by the store: the others have been bumped elsewhere."""
        self._kept = tags

    # The two phases

    def mark(self) -> None:
        """Phase 1.

        Raises:
            StoreError: the store didn't acknowledge it: COMMIT must not be sent.
        """
        if not self.marked:
            self.writer = new_writer()
        wanted = self.marked | self.pending
        # Where it fails, some may be marked. They become bumps by themselves.
        self.marked = set()
        announced = tags()
        lasts = time.monotonic() + announced.commit_timeout
        announced.mark(wanted, self.writer)
        self.marked, self._lasts = wanted, lasts

    def bump(self) -> None:
        """Phase 2. It never fails: the marks stand, and turn into bumps by themselves."""
        marked, stand = self.marked, time.monotonic() < self._lasts
        self.clear()
        if marked and not announce(marked, self.writer) and not stand:
            events.count("bumps_repeated")
            again = partial(_announce_until_done, marked, self.writer)
            background.run_aside(again, "holdfast-bump")

    def unmark(self) -> None:
        """It was rolled back, for certain."""
        marked = self.marked
        self.clear()
        if not marked:
            return
        try:
            tags().unmark(marked, self.writer)
        except StoreError as error:
            events.count("unmark_failed")
            logger.info("Marks of a transaction that was rolled back are left to expire: %s", error)

    def leave(self) -> None:
        """Nobody knows whether it was committed: the marks stand until that is over."""
        if self.marked:
            events.count("unknown_outcome")
        self.clear()


def announce(changed: Collection[bytes], writer: bytes) -> bool:
    """Bump what has been marked; whether that was acknowledged."""
    try:
        tags().bump(changed, writer)
    except StoreError as error:
        events.count("bump_failed")
        logger.info("Marks of a committed transaction are left to become bumps: %s", error)
        return False
    return True


def _announce_until_done(changed: Collection[bytes], writer: bytes) -> None:
    """In the background. Its end is the store's return, or other settings."""
    try:
        while True:
            background.sleep(PAUSE, keeps=False)
            try:
                tags().bump(changed, writer)
            except StoreError:
                continue
            except configuration.ConfigurationError:
                pass
            return
    finally:
        background.close_what_it_opened()
