"""Going on without a store that can't be reached, and back to it as soon as it can.

The first call that finds it gone opens the circuit. Until it is closed, no call asks the store, so
none waits for a time-out. Meanwhile the store is asked every so often in the background, and with
its first answer the circuit closes.
"""

from __future__ import annotations

import logging
import os
import weakref

from ..stores.errors import StoreError, StoreUnavailable
from .driving import Awaiting

logger = logging.getLogger("holdfast")

#: Seconds between two looks whether the store is back.
PROBE_EVERY = 0.2


class Outage(StoreUnavailable):
    """The store can't be reached, and was not even asked."""


class Circuit:
    """Whether one store is asked at all, in this process.

    Attributes:
        open: True: it isn't.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self.open = False
        self._probing = False
        _circuits.add(self)

    def trip(self, at: Awaiting, error: StoreError) -> None:
        """The store could not be reached: ask it no more until it answers."""
        if not self.open:
            self.open = True
            logger.warning(
                "Cached results go on without the store %r, which can't be reached: %s",
                self._store,
                error,
            )
        self.look(at)

    def look(self, at: Awaiting) -> None:
        """Have somebody look whether it is back, if nobody does."""
        if not self._probing:
            self._probing = True
            if not at.aside(self._probe):
                self._probing = False

    def close(self) -> None:
        """Ask it again."""
        if self.open:
            self.open = False
            logger.warning("The store %r of cached results can be reached again.", self._store)

    def forget_parent(self) -> None:
        """In a forked child: find out anew."""
        self.open = self._probing = False

    async def _probe(self, at: Awaiting) -> None:
        # A task ends with its loop: then the next call has another one look.
        try:
            while self.open:
                await at.sleep(PROBE_EVERY)
                try:
                    await at.tags("sequence")
                except StoreError:
                    continue
                self.close()
        finally:
            self._probing = False


_circuits: weakref.WeakSet[Circuit] = weakref.WeakSet()


def _in_child() -> None:
    for circuit in list(_circuits):
        circuit.forget_parent()


os.register_at_fork(after_in_child=_in_child)
