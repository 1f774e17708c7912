"""Going on without a store that can't be reached, and back to it as soon as it can.

The first call that finds it gone opens the circuit. Until it is closed, no call asks the store, so
none waits for a time-out. Meanwhile one thread (or greenlet) asks the store every so often, and
with its first answer the circuit closes. Not a task: an event loop may end, or stand still.
"""

from __future__ import annotations

import logging
import os
import weakref

from .. import configuration, named_stores
from ..stores.errors import StoreError, StoreUnavailable
from . import background
from .events import store_counts

logger = logging.getLogger("holdfast")

#: Seconds between two looks whether the store is back.
PROBE_EVERY = 0.2


class Outage(StoreUnavailable):
    """The store can't be reached, and was not even asked."""


class Circuit:
    """Whether one store is asked at all, in this process.

    Attributes:
        open: True: it isn't.
        counts: the store's figures.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self.counts = store_counts(store)
        self.open = False
        self._probing = False
        _circuits.add(self)

    def trip(self, error: StoreError) -> None:
        """The store could not be reached: ask it no more until it answers."""
        if not self.open:
            self.open = True
            self.counts.breaks += 1
            logger.warning(
                "Cached results go on without the store %r, which can't be reached: %s",
                self._store,
                error,
            )
        self.look()

    def look(self) -> None:
        """Have somebody look whether it is back, if nobody does."""
        if not self._probing:
            self._probing = True
            if not background.run_aside(self._probe, "holdfast-cache"):
                self._probing = False

    def close(self) -> None:
        """Ask it again."""
        if self.open:
            self.open = False
            logger.warning("The store %r of cached results can be reached again.", self._store)

    def forget_parent(self) -> None:
        """In a forked child: find out anew."""
        self.open = self._probing = False

    def _probe(self) -> None:
        try:
            while self.open:
                background.sleep(PROBE_EVERY)
                try:
                    named_stores.store(self._store).tags.sequence()
                except StoreError:
                    continue
                except configuration.ConfigurationError:
                    return  # there are other settings by now, without this store
                self.close()
        finally:
            background.close_what_it_opened()
            self._probing = False


_circuits: weakref.WeakSet[Circuit] = weakref.WeakSet()


def _in_child() -> None:
    for circuit in list(_circuits):
        circuit.forget_parent()


os.register_at_fork(after_in_child=_in_child)
