"""The outbox: what was written while the store of cached results could not be told.

A row with the tags is written in the same transaction as the change itself, so that it is there
exactly if the change is. It is replayed as soon as the store answers: the tags are bumped, then the
row is deleted. Until then, a process that still reaches the store may serve what is no longer true;
that is the price of going on without it, and the reason why `strict` is the default.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Collection
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache.recording import no_recording
from ...stores.errors import StoreError
from .counters import events
from .settings import on_outage
from .writes import tags as announced_tags

logger = logging.getLogger("holdfast")

#: Seconds after which a store that didn't answer is asked again.
PAUSE = 1.0
#: Rows that are replayed in one step.
_STEP = 100
_SEPARATOR = " "
#: Characters in a row's tags; where there are more, there are more rows.
_LONGEST = 500_000

_outage_until = 0.0
_replaying = threading.Lock()
_waiting: set[str] = set()


def note_outage() -> None:
    """The store has just not answered: for a while, don't wait for it again."""
    global _outage_until
    _outage_until = time.monotonic() + PAUSE


def is_outage() -> bool:
    """Whether the store has just not answered, and the outbox may take its place."""
    return _outage_until > 0.0 and time.monotonic() < _outage_until and on_outage() == "outbox"


def write(connection: BaseDatabaseWrapper, tags: Collection[bytes]) -> None:
    """Write *tags* down, as a part of the transaction that is open on *connection*.

    Raises:
        DatabaseError: it can't be done, for example because the table is missing.
    """
    from ..models import Announcement

    events.count("outbox_written")
    table = connection.ops.quote_name(Announcement._meta.db_table)
    column = connection.ops.quote_name("tags")
    line: list[str] = []
    size = 0
    lines = [line]
    for tag in tags:
        encoded = b64encode(tag).decode()
        if size + len(encoded) > _LONGEST:
            line, size = [], 0
            lines.append(line)
        line.append(encoded)
        size += len(encoded) + 1
    with connection.wrap_database_errors:
        cursor = connection.create_cursor()
        try:
            for line in lines:
                cursor.execute(
                    f"INSERT INTO {table} ({column}) VALUES (%s)",  # noqa: S608 - our own names
                    [_SEPARATOR.join(line)],
                )
        finally:
            cursor.close()


def write_at_once(connection: BaseDatabaseWrapper, tags: Collection[bytes]) -> None:
    """Write *tags* down before something that commits by itself."""
    write(connection, tags)
    replay_soon(connection.alias)


def replay(alias: str = "default") -> int:
    """Announce all that stands in the outbox of a database, and empty it. How many rows it had.

    Any process may do so, and several at once: an announcement that is made twice costs hits only.

    Raises:
        StoreError: the store doesn't answer. What is left in the outbox stays there.
        DatabaseError: the database doesn't.
    """
    from ..models import Announcement

    done = 0
    with no_recording():
        while True:
            rows = list(Announcement.objects.using(alias).order_by("pk")[:_STEP])
            if not rows:
                return done
            changed = {b64decode(tag) for row in rows for tag in row.tags.split(_SEPARATOR)}
            announced_tags().bump(changed)
            Announcement.objects.using(alias).filter(pk__in=[row.pk for row in rows]).delete()
            done += len(rows)
            events.count("outbox_replayed")


def replay_soon(alias: str) -> None:
    """Replay in the background, as soon as the store answers. Under gevent, in a greenlet."""
    from . import switch

    if switch.in_database is not None:
        return
    with _replaying:
        if alias in _waiting:
            return
        _waiting.add(alias)
    threading.Thread(
        target=_replay_until_done, args=(alias,), name="holdfast-outbox", daemon=True
    ).start()


def _replay_until_done(alias: str) -> None:
    try:
        while True:
            time.sleep(PAUSE / 2)
            try:
                with _replaying:
                    _waiting.discard(alias)
                replay(alias)
            except StoreError:
                note_outage()
            except DatabaseError as error:
                logger.warning("The outbox of %r can't be replayed: %s", alias, error)
            else:
                return
            finally:
                connections[alias].close()
    finally:
        with _replaying:
            _waiting.discard(alias)


def pending(alias: str = "default") -> int:
    """How many rows there are in the outbox of a database."""
    from ..models import Announcement

    with no_recording():
        return int(Announcement.objects.using(alias).count())


def _forget() -> None:
    global _replaying
    _replaying = threading.Lock()
    _waiting.clear()


os.register_at_fork(after_in_child=_forget)

__all__: list[Any] = ["is_outage", "note_outage", "pending", "replay", "replay_soon", "write"]
