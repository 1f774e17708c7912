"""The heartbeat of locks on a networked store.

A lock there is a lease of `HEARTBEAT` seconds at most, so that the death of its holder is noticed
in that time. While the holder lives, a thread of its process renews all of its leases on one
server, three times in a lease, until the locks' own TTLs are over. Each server has a thread of its
own: one that hangs, or is down, keeps nobody from renewing what lies on the others. Under gevent's
monkey patching the threads are greenlets.
"""

from __future__ import annotations

import logging
import threading
import time
from _thread import allocate_lock
from collections.abc import Callable, Hashable
from typing import NamedTuple

from ..errors import StoreError
from ..protocol import HEARTBEAT
from .processes import renew_after_fork

logger = logging.getLogger("holdfast")

#: Seconds between two renewals.
BEAT = HEARTBEAT / 3
#: Beats without a lock after which the thread ends.
IDLE_BEATS = 30
#: Lost leases that are remembered, whose holders never let go.
_MOST_LOST = 10_000

Lease = tuple[bytes, bytes]


class Taken(NamedTuple):
    """A lock that was taken: its fence, and a moment before it was."""

    fence: int
    begun: float


#: Given locks (key and owner) with the seconds that each shall be held from now on, renews them in
#: the store and returns those that were lost.
Extend = Callable[[dict[Lease, float]], set[Lease]]


def _alone(_key: bytes) -> None:
    """All locks lie on the one server that there is."""


class Leases:
    """The locks that this process holds in one store.

    Args:
        extend: renews leases that lie on one server.
        place: the store's URL, for the log.
        server: which server has the lock of that key.
    """

    def __init__(
        self, extend: Extend, place: str, server: Callable[[bytes], Hashable] = _alone
    ) -> None:
        self._extend = extend
        self._place = place
        self._server = server
        self._of: dict[Hashable, Heartbeat] = {}

    def hold(self, key: bytes, owner: bytes, ttl: float, begun: float | None = None) -> None:
        """Renew this lease for *ttl* seconds from *begun*, or from now.

        *begun* is from before it was asked for: the answer may have lain unread for long.
        """
        server = self._server(key)
        heartbeat = self._of.get(server)
        if heartbeat is None:
            # Of two threads that come first at once, one makes what both use.
            heartbeat = self._of.setdefault(server, Heartbeat(self._extend, self._place))
        heartbeat.hold(key, owner, (begun or time.monotonic()) + ttl)

    def let_go(self, key: bytes, owner: bytes) -> None:
        """Renew it no more."""
        heartbeat = self._of.get(self._server(key))
        if heartbeat is not None:
            heartbeat.let_go(key, owner)

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """See `Store.still_held`."""
        heartbeat = self._of.get(self._server(key))
        return heartbeat is None or heartbeat.still_held(key, owner)

    def let_all_go(self) -> None:
        """Renew none any more: what is held ends with its lease."""
        for heartbeat in list(self._of.values()):
            heartbeat.let_all_go()


class Heartbeat:
    """The leases on one server, and the thread that renews them.

    Args:
        extend: renews them.
        place: the store's URL, for the log.
    """

    def __init__(self, extend: Extend, place: str) -> None:
        self._extend = extend
        self._place = place
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        self._until: dict[Lease, float] = {}
        # Until their holders let go; the first comes first.
        self._lost: dict[Lease, None] = {}
        self._lock = allocate_lock()
        self._thread: threading.Thread | None = None
        self._failing = False

    def forget_parent(self) -> None:
        """In a forked child: the locks are the parent's."""
        self._begin()

    def hold(self, key: bytes, owner: bytes, until: float) -> None:
        """Renew this lease until then, by the monotonic clock."""
        start = None
        with self._lock:
            self._until[key, owner] = until
            if self._thread is None:
                start = self._thread = threading.Thread(
                    target=self._beat, name="holdfast-leases", daemon=True
                )
        if start is not None:
            try:
                start.start()
            except BaseException:
                # Too many threads just now, say. The next lock tries again.
                with self._lock:
                    self._thread = None
                raise

    def let_go(self, key: bytes, owner: bytes) -> None:
        """Renew it no more."""
        with self._lock:
            self._until.pop((key, owner), None)
            self._lost.pop((key, owner), None)

    def still_held(self, key: bytes, owner: bytes) -> bool:
        """Whether it is neither over nor known to be lost."""
        until = self._until.get((key, owner))
        if until is None:
            return (key, owner) not in self._lost
        return time.monotonic() < until

    def let_all_go(self) -> None:
        """Renew none any more: what is held ends with its lease."""
        with self._lock:
            self._until.clear()

    def _beat(self) -> None:
        idle = 0
        while True:
            time.sleep(BEAT)
            idle = 0 if self._renew() else idle + 1
            if idle >= IDLE_BEATS:
                with self._lock:
                    if not self._until:
                        self._thread = None
                        return

    def _renew(self) -> bool:
        """Renew all leases; whether there were any."""
        due = None
        while due is None or due:
            known = self._known(due)
            if not known:
                return due is not None
            now = time.monotonic()
            held = {lease: min(until - now, HEARTBEAT) for lease, until in known.items()}
            try:
                lost = self._extend(held)
            except Exception as error:
                # Whatever it is, the thread goes on: nobody else renews these locks. It is told
                # once, not three times a second for as long as it lasts.
                if not self._failing:
                    self._failing = True
                    logger.warning(
                        "locks held in %s could not be renewed, and may be lost: %s",
                        self._place,
                        error,
                        exc_info=not isinstance(error, StoreError),
                    )
                return True
            self._failing = False
            due = self._settle(known, lost)
        return True

    def _known(self, due: set[Lease] | None) -> dict[Lease, float]:
        """The leases that are held, or those of *due*, and until when."""
        now = time.monotonic()
        with self._lock:
            for lease in [lease for lease, until in self._until.items() if until <= now]:
                self._lose(lease)
            if due is None:
                return dict(self._until)
            return {lease: self._until[lease] for lease in due if lease in self._until}

    def _settle(self, known: dict[Lease, float], lost: set[Lease]) -> set[Lease]:
        """Forget what was lost; those that their holder renewed meanwhile.

        What was written for them may be the shorter of the two, so they are due once more.
        """
        with self._lock:
            changed = {
                lease for lease, until in known.items() if self._until.get(lease, until) != until
            }
            for lease in lost - changed:
                self._lose(lease)
        return changed

    def _lose(self, lease: Lease) -> None:
        if lease in self._until:
            # Noted before it is forgotten, for who asks takes no lock.
            self._lost[lease] = None
            del self._until[lease]
        if len(self._lost) > _MOST_LOST:
            del self._lost[next(iter(self._lost))]
