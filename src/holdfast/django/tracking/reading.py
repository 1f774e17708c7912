"""Queries while a result is made: what it depends on, and whether it may be kept."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache.recording import Recording
from ...stores.errors import StoreError
from . import drivers
from .binding import Binding
from .calls import Call
from .counters import events
from .depending import Watch, is_broad, read_tags
from .known import Texts
from .moments import ELSEWHERE, latest_stamp, next_moment
from .replicas import is_settled, lag_of
from .rows import WatchedCursor, wrap
from .statements import Statement
from .texts import Place
from .transaction import Transaction

_BEHIND = "it was read from a replica that may be behind"
_NOT_ASKED = -1.0


class Reading(Transaction):
    """A connection whose queries are seen while a result is made."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        # When no query was under way, the last time that somebody looked.
        self._idle = 0
        self._lag: float | None = _NOT_ASKED

    def reconnected(self, connection: BaseDatabaseWrapper) -> None:
        """See `Transaction.reconnected`."""
        super().reconnected(connection)
        self._lag = _NOT_ASKED

    def read(
        self,
        recording: Recording,
        known: tuple[Statement, tuple[Place, ...], str],
        texts: Texts,
        call: Call,
    ) -> Any:
        """Execute a query, and add what it reads to *recording*."""
        statement, places, short = known
        binding = Binding(places, call.params, texts.catalogue, self._names)
        depends, watches = read_tags(statement, binding)
        counted = events.query(short)
        counted.recorded += 1
        if is_broad(statement):
            counted.broad += 1
            recording.note_broad(short)
        connection = call.connection
        reason = statement.refusal or self._too_old(connection) or self._behind(connection, depends)
        if reason is not None:
            counted.refused += 1
            counted.reason = reason
            recording.refuse(reason)
        self._depend(recording, depends)
        try:
            result = call.run()
        except BaseException:
            recording.refuse("a query that failed")
            raise
        if watches and reason is None:
            return self._watch(recording, call.cursor, watches, result)
        return result

    def _watch(self, recording: Recording, cursor: Any, watches: list[Watch], result: Any) -> Any:
        def report(found: set[bytes]) -> None:
            self._depend(recording, found)
            if self._lag != 0.0 and not self._is_settled(found):
                recording.refuse(_BEHIND)

        def watched(driver: Any) -> WatchedCursor:
            return WatchedCursor(driver, report, watches, self._names)

        return wrap(cursor, watched, result)

    def _depend(self, recording: Recording, depends: set[bytes]) -> None:
        if self.writes and self.writes.touches(depends):
            recording.refuse("it was made of what this transaction has not committed yet")
        recording.add_all(depends)

    # Whether what is read is as new as the stamp says

    def _too_old(self, connection: BaseDatabaseWrapper) -> str | None:
        """Why what is read now may be no committed state, or one older than the stamp, if so."""
        stamped = latest_stamp()
        if drivers.reads_uncommitted(connection):
            return "READ UNCOMMITTED shows what may be taken back"
        if stamped == ELSEWHERE:
            return 'it reads the database, and isn\'t in the store "cache", where writes are told'
        if self.is_open(connection):
            if self.isolates and (stamped is None or stamped > self.began):
                return "it was read from a snapshot that is older than its stamp"
        elif not drivers.is_reading(connection):
            self._idle = next_moment()
        elif stamped is None or stamped > self._idle:
            return "rows of an earlier query were being fetched, and SQLite reads from its snapshot"
        return None

    def _behind(self, connection: BaseDatabaseWrapper, depends: set[bytes]) -> str | None:
        """Why it may be older than what was committed, if so."""
        if self._lag == _NOT_ASKED:
            found: Any = connection
            try:
                self._lag = lag_of(connection)
            except found.Database.Error:
                return _BEHIND
        if self._lag == 0.0 or self._is_settled(depends):
            return None
        return _BEHIND

    def _is_settled(self, depends: set[bytes]) -> bool:
        try:
            return is_settled(self._lag, depends)
        except StoreError:
            return False
