"""The transaction of one connection: when it began, what it wrote, how it ends.

A connection belongs to a thread, so nothing here needs a lock.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from typing import Any

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper

from ...stores.errors import StoreError
from ...stores.tags import Stamp
from . import drivers, outbox, switch, triggers
from .catalogue import catalogue_of
from .counters import events
from .errors import WriteNotAnnounced
from .known import Texts, texts_of
from .moments import next_moment
from .names import names_of
from .relations import relations_of
from .settings import has_triggers, on_outage
from .writes import Writes, tags


class Transaction:
    """What is known of a connection and of its open transaction.

    Args:
        connection: Django's.

    Attributes:
        writes: what the transaction has written so far.
        began: the moment at which it began to read or write; 0: none is open.
        stamp: the stamp taken before that, if any was.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = weakref.ref(connection)
        self.alias = connection.alias
        self.writes = Writes()
        self.began = 0
        self.stamp: Stamp | None = None
        # The triggers in the database know that it is seen.
        self._said_tracked = False
        # It was begun by a BEGIN, or by a SAVEPOINT, that Django knows nothing of.
        self._is_raw = False
        self._raw_savepoint = ""
        self._isolates: bool | None = None
        self._texts: Texts | None = None
        self.know(connection)

    def know(self, connection: BaseDatabaseWrapper) -> None:
        """Find out what can be known of the database."""
        self._names = names_of(connection)
        self._relations = relations_of(connection, self._names.identity)
        # While apps are loaded, not all models are there.
        self._texts = texts_of(catalogue_of(connection)) if apps.ready else None

    def reconnected(self, connection: BaseDatabaseWrapper) -> None:
        """It has a new connection to the server, which knows nothing of the old one."""
        self.end(self.writes.leave)
        self._isolates = None
        self.know(connection)

    @property
    def isolates(self) -> bool:
        """Whether the queries of the open transaction read from the snapshot it began with."""
        if self._isolates is None:
            connection: Any = self._connection()
            if connection is None or connection.connection is None:
                return True
            try:
                self._isolates = drivers.isolates(connection)
            except connection.Database.Error:
                return True  # the transaction is broken; the next one is asked
        return self._isolates

    def is_open(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether what is executed now belongs to a transaction."""
        return self._is_raw or not connection.autocommit

    def begin(self) -> None:
        """The first statement of a transaction is about to be executed."""
        if switch.is_armed and self.isolates:
            try:
                self.stamp = tags().stamp()
            except StoreError:
                self.stamp = None
        self.began = next_moment()
        switch.note(self)

    def say_tracked(self, connection: BaseDatabaseWrapper) -> None:
        """Before its first write: it need not be told of by triggers."""
        if not self._said_tracked and connection.vendor == "postgresql" and has_triggers():
            triggers.say_tracked(connection)
            self._said_tracked = True

    def note(self, changed: Collection[bytes]) -> None:
        """It has written this."""
        if changed and not self.writes:
            switch.restrict(1)
            switch.note(self)
        self.writes.add(changed)

    def roll_back_to(self, savepoint: str) -> None:
        """What it wrote since then was not written."""
        had_writes = bool(self.writes)
        self.writes.roll_back_to(savepoint)
        if had_writes and not self.writes:
            switch.restrict(-1)

    def end(self, finish: Callable[[], None]) -> None:
        """It is over, and this is what becomes of what it wrote."""
        had_writes = bool(self.writes)
        try:
            finish()
        finally:
            if had_writes:
                switch.restrict(-1)
            self.began = 0
            self.stamp = None
            self._said_tracked = False
            self._is_raw = False
            self._raw_savepoint = ""

    # The two phases

    def commit_around(self, connection: BaseDatabaseWrapper, commit: Callable[[], Any]) -> Any:
        """Call *commit*, and announce what was written before it and after it."""
        if not self.writes:
            result = commit()
            self.end(_nothing)
            return result
        is_marked = self._announce(connection)
        try:
            result = commit()
        except BaseException as error:
            if not drivers.was_refused(connection, error):
                self.end(self.writes.leave)
            raise  # else ROLLBACK follows, and takes the marks back
        self.end(self.writes.bump if is_marked else self.writes.clear)
        if not is_marked:
            outbox.replay_soon(self.alias)
        return result

    def _announce(self, connection: BaseDatabaseWrapper) -> bool:
        """Phase 1: whether there are marks now, and no row that stands for them.

        Raises:
            WriteNotAnnounced: the store didn't answer, and the settings are strict.
        """
        versions = switch.in_database
        if versions is not None and versions.is_for(connection):
            self.writes.keep(versions.bump_within(connection, self.writes.tags))
            if not self.writes.pending:
                return False
        if not outbox.is_outage():
            try:
                self.writes.mark()
            except StoreError as error:
                self.outage(error)
            else:
                return True
        outbox.write(connection, self.writes.pending)
        return False

    @staticmethod
    def outage(error: StoreError) -> None:
        """The store could not be told.

        Raises:
            WriteNotAnnounced: the settings are strict.
        """
        events.count("not_announced")
        if on_outage() != "outbox":
            raise WriteNotAnnounced(
                "The write was not committed, for the store of cached results could not be told:"
                f" {error} Mend the store, or set HOLDFAST['CACHE']['ON_OUTAGE'] = 'outbox'."
            ) from error
        outbox.note_outage()

    # What Django calls at its end

    def committing(self, connection: BaseDatabaseWrapper, commit: Callable[[], Any]) -> Any:
        """In place of the connection's `_commit`."""
        if not switch.is_on or connection.connection is None:
            return commit()
        return self.commit_around(connection, commit)

    def rolling_back(self, rollback: Callable[[], Any]) -> Any:
        """In place of the connection's `_rollback` and `_close`: what it wrote is lost."""
        try:
            return rollback()
        finally:
            self.end(self.writes.unmark)

    def changing_autocommit(
        self, connection: BaseDatabaseWrapper, change: Callable[[], Any], *, autocommit: bool
    ) -> Any:
        """In place of the connection's `set_autocommit`: some drivers commit when it is set."""
        if not autocommit or not self.writes or connection.connection is None:
            return change()
        return self.commit_around(connection, change)


def _nothing() -> None:
    return None
