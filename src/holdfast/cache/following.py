"""Following a store on a network: what has changed there, without a round trip at each hit.

One thread (or greenlet) of the process asks for the store's sequence, which changes with any tag,
ten times a second. As long as it is the same, nothing was made untrue. An answer is believed for
`STREAM_LAG` seconds from when it was asked for: if the next one is late, because the store, the
network or this process is, results kept here are checked by a round trip again. So nothing is
served that has been untrue for longer than that, whatever fails. Nothing can be missed, for the
sequence is a state and no message.
"""

from __future__ import annotations

import os
import time
import weakref

from .. import configuration, named_stores
from ..stores.errors import StoreError
from . import background

#: Seconds for which results may be served that were made untrue, where they are "streamed".
STREAM_LAG = 0.5
#: Seconds between two questions.
_PAUSE = 0.1
#: Seconds after the last use of an answer after which nothing is asked any more.
_IDLE = 10.0

#: What no sequence is.
_UNKNOWN = b""

_monotonic = time.monotonic


class Follower:
    """What is known of one store's sequence. One for each store and process."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._begin()
        _followers.add(self)

    def _begin(self) -> None:
        self._sequence = _UNKNOWN
        self._believed_until = 0.0
        self._used = 0.0
        self._runs = False

    def sequence(self) -> bytes:
        """The sequence as it was less than `STREAM_LAG` seconds ago; empty: it isn't known."""
        now = self._used = _monotonic()
        if now < self._believed_until:
            return self._sequence
        if not self._runs:
            self._runs = True
            if not background.run_aside(self._follow, "holdfast-cache"):
                self._runs = False
        return _UNKNOWN

    def forget_parent(self) -> None:
        """In a forked child: the thread is the parent's."""
        self._begin()

    def _follow(self) -> None:
        try:
            while _monotonic() - self._used < _IDLE:
                asked = _monotonic()
                try:
                    sequence = named_stores.store(self._store).tags.sequence()
                except StoreError:
                    self._believed_until = 0.0
                except configuration.ConfigurationError:
                    return  # there are other settings by now, without this store
                else:
                    # In this order: what is believed is never older than it says.
                    self._sequence = sequence
                    self._believed_until = asked + STREAM_LAG
                background.sleep(_PAUSE)
        finally:
            background.close_what_it_opened()
            self._runs = False


_followers: weakref.WeakSet[Follower] = weakref.WeakSet()
_of: dict[str, Follower] = {}


def follower(store: str) -> Follower:
    """The one of that store."""
    found = _of.get(store)
    return _of.setdefault(store, Follower(store)) if found is None else found


def _in_child() -> None:
    for each in list(_followers):
        each.forget_parent()


os.register_at_fork(after_in_child=_in_child)
configuration.listeners.append(_of.clear)
