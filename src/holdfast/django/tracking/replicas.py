"""Results read from replicas, which may be behind what was committed.

Such a result is kept only if nothing that it depends on was changed for as long as the replica may
be behind. To find that out, stamps are kept for a while: all that was bumped since a stamp that is
older than the lag has a number above it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from ...stores.tags import Stamp
from . import drivers
from .settings import REPLICA_LAG, replicas
from .writes import tags as announced_tags

_MOST = 64


class History:
    """Stamps of this process, with their age by a clock that nobody can set."""

    def __init__(self) -> None:
        self._stamps: deque[tuple[float, Stamp]] = deque(maxlen=_MOST)

    def note(self, stamp: Stamp) -> None:
        """Keep *stamp*, which has just been taken, if the last one isn't as good."""
        now = time.monotonic()
        if not self._stamps or now - self._stamps[-1][0] > REPLICA_LAG / 16:
            self._stamps.append((now, stamp))

    def before(self, seconds: float) -> Stamp | None:
        """The youngest that is older than that."""
        limit = time.monotonic() - seconds
        for taken, stamp in reversed(self._stamps):
            if taken <= limit:
                return stamp
        return None


history = History()


def lag_of(connection: BaseDatabaseWrapper) -> float | None:
    """Seconds by which *connection*'s database may be behind; 0: it is no replica; None: unknown.

    It is one if the settings say so (`REPLICAS`), if it is another's mirror in tests, if it has the
    name of another alias's database but stands elsewhere, or if PostgreSQL says so.
    """
    declared = replicas()
    if connection.alias in declared:
        return declared[connection.alias]
    if _looks_like_one(connection) or drivers.is_replica(connection):
        return REPLICA_LAG
    return 0.0


def _looks_like_one(connection: BaseDatabaseWrapper) -> bool:
    given = settings.DATABASES.get(connection.alias, {})
    if (given.get("TEST") or {}).get("MIRROR"):
        return True
    if connection.alias == "default" or connection.vendor == "sqlite":
        return False
    place = (given.get("HOST"), given.get("PORT"))
    return any(
        other.get("NAME") == given.get("NAME")
        and other.get("ENGINE") == given.get("ENGINE")
        and (other.get("HOST"), other.get("PORT")) != place
        for alias, other in settings.DATABASES.items()
        if alias != connection.alias
    )


def is_settled(lag: float | None, tags: Collection[bytes]) -> bool:
    """Whether nothing that *tags* name was changed for *lag* seconds."""
    if lag is None:
        return False
    stamp = history.before(lag)
    return stamp is not None and announced_tags().valid(stamp, tags)
