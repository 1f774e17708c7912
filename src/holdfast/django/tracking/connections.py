"""One connection of Django's, watched: what is executed on it, and how its transactions end.

What is executed comes by Django's `execute_wrappers`; COMMIT and ROLLBACK, for which Django calls
the driver, by methods of the connection that are replaced on it. A connection belongs to a thread,
so nothing here needs a lock.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.apps import apps
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache.recording import Recording, innermost
from ...stores.errors import StoreError
from ...stores.tags import Stamp
from . import drivers, outbox, relations, switch
from .binding import Watch, any_row_tags, is_broad, read_tags, write_tags
from .catalogue import catalogue_of
from .counters import events
from .errors import WriteNotAnnounced
from .known import texts_of
from .moments import ELSEWHERE, latest_stamp, next_moment
from .names import names_of
from .relations import Effect, relations_of
from .replicas import is_settled, lag_of
from .rows import FetchedCursor, WatchedCursor
from .settings import on_outage
from .statements import Control, Kind, Statement, Write
from .texts import Parameters, Place
from .writes import Writes, tags

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


class TrackedConnection:
    """What is known of a connection.

    Attributes:
        writes: what its transaction has written so far.
        began: the moment at which its transaction began to read or write; 0: none is open.
        stamp: the stamp taken before that, if any was.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = weakref.ref(connection)
        self.alias = connection.alias
        self.writes = Writes()
        self.began = 0
        self.stamp: Stamp | None = None
        self._know(connection)
        self._in_raw_transaction = False
        self._raw_savepoint = ""
        # When no query was under way, the last time that somebody looked.
        self._idle = 0
        self._isolates: bool | None = None
        self._lag: float | None = -1.0

    def reconnected(self) -> None:
        """It has a new connection to the server, which knows nothing of the old one."""
        self._end(self.writes.leave)
        connection = self._connection()
        assert connection is not None  # noqa: S101 - who calls this holds on to it
        self._know(connection)
        self._isolates = None
        self._lag = -1.0

    def _know(self, connection: BaseDatabaseWrapper) -> None:
        self._names = names_of(connection)
        self._relations = relations_of(connection, self._names.identity)
        # While apps are loaded, not all models are there.
        self._texts = texts_of(catalogue_of(connection)) if apps.ready else None

    @property
    def isolates(self) -> bool:
        """Whether the queries of the open transaction read from the snapshot it began with."""
        if self._isolates is None:
            connection = self._connection()
            if connection is None or connection.connection is None:
                return True
            try:
                self._isolates = drivers.isolates(connection)
            except connection.Database.Error:
                return True  # the transaction is broken; the next one is asked
        return self._isolates

    def _is_in_transaction(self, connection: BaseDatabaseWrapper) -> bool:
        return self._in_raw_transaction or not connection.autocommit

    # Executing

    def execute(
        self,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],  # noqa: FBT001
    ) -> Any:
        """Django's execute wrapper."""
        if not switch.is_on:
            return execute(sql, params, many, context)
        connection: BaseDatabaseWrapper = context["connection"]
        texts = self._texts
        if texts is None:
            self._know(connection)
            texts = self._texts
            if texts is None:
                return execute(sql, params, many, context)
        recording = innermost.get()
        while recording is not None and recording.closed:
            recording = recording.outer
        if recording is None and (sql in texts.plain or texts.is_plain(str(sql))):
            if not self.began and self._is_in_transaction(connection):
                self._begin()
            return execute(sql, params, many, context)
        text = sql if isinstance(sql, str) else _as_text(sql, connection)
        statement, places, short = texts.known(text, params)
        if statement.control is not None:
            return self._control(statement, execute, sql, params, many, context)
        if not self.began and self._is_in_transaction(connection):
            self._begin()
        statement = self._resolved(statement, connection, is_read=recording is not None)
        if statement.is_write:
            changed = self._written(statement, places, params, many=many)
            if recording is not None and (statement.reads or statement.refusal):
                recording.refuse(statement.refusal or "a query that also writes")
            return self._write(changed, statement, execute, sql, params, many, context)
        if recording is None or many:
            return execute(sql, params, many, context)
        if not statement.reads and statement.refusal is None:
            return execute(sql, params, many, context)
        return self._read(
            recording, statement, (places, short), execute, sql, params, many, context
        )

    def _begin(self) -> None:
        """The first statement of a transaction is about to be executed."""
        if switch.is_armed and self.isolates:
            try:
                self.stamp = tags().stamp()
            except StoreError:
                self.stamp = None
        self.began = next_moment()
        switch.note(self)

    def _end(self, finish: Callable[[], None]) -> None:
        """The transaction is over, and this is what becomes of its writes."""
        had_writes = bool(self.writes)
        try:
            finish()
        finally:
            if had_writes:
                switch.restrict(-1)
            self.began = 0
            self.stamp = None
            self._in_raw_transaction = False
            self._raw_savepoint = ""

    def _resolved(
        self, statement: Statement, connection: BaseDatabaseWrapper, *, is_read: bool
    ) -> Statement:
        """*statement* with tables in place of views, and with what its functions do."""
        catalogue = self._texts.catalogue
        names = {write.table for write in statement.writes}
        if is_read:
            names |= {read.table for read in statement.reads}
        strange = [name for name in names if not catalogue.knows(name)]
        if not strange and not statement.functions:
            return statement
        try:
            under = {
                name: self._relations.tables_under(name, connection, catalogue) for name in strange
            }
            effect = self._relations.effect(statement.functions, connection)
        except (DatabaseError, connection.Database.Error):
            # The transaction is broken, so this statement will fail, too.
            events.count("names_not_asked")
            return statement
        return _with_relations(statement, under, effect)

    def _written(
        self, statement: Statement, places: tuple[Place, ...], params: Any, *, many: bool
    ) -> set[bytes]:
        catalogue, names = self._texts.catalogue, self._names
        if not many:
            return write_tags(statement, places, params, catalogue, names)
        changed: set[bytes] = set()
        for each in params:
            changed |= write_tags(statement, places, each, catalogue, names)
            if len(changed) > _MOST_TAGS:
                return self._bounded(changed, statement)
        return changed

    def _bounded(self, changed: set[bytes], statement: Statement) -> set[bytes]:
        """Tags for any rows of the tables, in place of so many for single ones."""
        broad = {self._names.everything} & changed
        for write in statement.writes:
            broad |= any_row_tags(self._texts.catalogue.table(write.table), self._names)
        for tag in changed:
            if b"=" not in tag:
                broad.add(tag)  # of tables that change with these
        events.count("writes_too_many")
        return broad

    # Writing

    def _write(
        self,
        changed: set[bytes],
        statement: Statement,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001
        context: dict[str, Any],
    ) -> Any:
        connection: BaseDatabaseWrapper = context["connection"]
        if statement.writes_anything:
            relations.forget(self._names.identity)
            self._relations = relations_of(connection, self._names.identity)
        if not self._is_in_transaction(connection):
            return self._write_at_once(changed, statement, execute, sql, params, many, context)
        self.note(changed)
        if not statement.commits:
            return execute(sql, params, many, context)
        return self._commit_around(connection, lambda: execute(sql, params, many, context))

    def note(self, changed: Collection[bytes]) -> None:
        """The open transaction has written this."""
        if not self.writes:
            switch.restrict(1)
            switch.note(self)
        self.writes.add(changed)

    def _write_at_once(
        self,
        changed: set[bytes],
        statement: Statement,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001
        context: dict[str, Any],
    ) -> Any:
        """In autocommit, the statement is its own COMMIT."""
        connection: BaseDatabaseWrapper = context["connection"]
        if switch.in_database is not None or outbox.is_outage():
            return self._in_transaction(execute, sql, params, many, context)
        writes = Writes()
        writes.add(changed)
        try:
            writes.mark()
        except StoreError as error:
            writes.leave()
            if on_outage() != "outbox":
                raise _not_announced(error) from error
            outbox.note_outage()
            return self._in_transaction(execute, sql, params, many, context)
        try:
            result = execute(sql, params, many, context)
        except BaseException as error:
            # Of several statements, some may have been done.
            is_one = not many and not statement.writes_anything
            if is_one and drivers.was_refused(connection, error):
                writes.unmark()
            else:
                writes.leave()
            raise
        if drivers.in_transaction(connection):
            # It began one itself, in the middle of a text.
            self._in_raw_transaction = True
            self.note(changed)
        writes.bump()
        return result

    def _in_transaction(
        self,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],  # noqa: FBT001
    ) -> Any:
        """Give a statement a transaction, for what has to be committed together with it."""
        connection: BaseDatabaseWrapper = context["connection"]
        cursor = context["cursor"]
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        try:
            result = self.execute(execute, sql, params, many, context)
            if connection.vendor == "sqlite" and cursor.description:
                # It can't commit while rows of RETURNING are left to be fetched.
                cursor.cursor = FetchedCursor(cursor.cursor)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.set_autocommit(True)
        return result

    # What Django doesn't pass through its execute wrappers

    def guarded(self, cursor: Any) -> Any:
        """Have *cursor* tell of procedures that it calls, and of what it copies."""
        cursor.callproc = partial(self._call, type(cursor), weakref.ref(cursor))
        if hasattr(cursor.cursor, "copy"):
            cursor.copy = partial(self._copy, weakref.ref(cursor))
        return cursor

    def _call(self, kind: Any, reference: Any, *args: Any, **kwargs: Any) -> Any:
        """`callproc`: it may do anything."""
        cursor = reference()
        connection = cursor.db
        if not switch.is_on:
            return kind.callproc(cursor, *args, **kwargs)
        recording = innermost.get()
        if recording is not None:
            recording.refuse("it calls a procedure that may do anything")

        def call(*ignored: Any) -> Any:
            return kind.callproc(cursor, *args, **kwargs)

        context = {"connection": connection, "cursor": cursor}
        anything = Statement(writes_anything=True)
        if not self.began and self._is_in_transaction(connection):
            self._begin()
        return self._write({self._names.everything}, anything, call, "", None, False, context)

    @contextmanager
    def _copy(self, reference: Any, statement: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """`copy` of psycopg: rows that come, or go, while the block runs."""
        cursor = reference()
        connection = cursor.db
        with ExitStack() as block:
            if switch.is_on:
                block.enter_context(self._copying(connection, statement))
            yield block.enter_context(cursor.cursor.copy(statement, *args, **kwargs))

    @contextmanager
    def _copying(self, connection: BaseDatabaseWrapper, statement: Any) -> Iterator[None]:
        does, places, _ = self._texts.known(_as_text(statement, connection), None)
        recording = innermost.get()
        if recording is not None:
            recording.refuse(does.refusal or "it copies rows")
        if not does.is_write:
            yield
            return
        changed = self._written(does, places, None, many=False)
        if self._is_in_transaction(connection):
            if not self.began:
                self._begin()
            self.note(changed)
            yield
            return
        writes = Writes()
        writes.add(changed)
        try:
            writes.mark()
        except StoreError as error:
            raise _not_announced(error) from error
        try:
            yield
        except BaseException as error:
            writes.unmark() if drivers.was_refused(connection, error) else writes.leave()
            raise
        writes.bump()

    # Reading

    def _read(
        self,
        recording: Recording,
        statement: Statement,
        text: tuple[tuple[Place, ...], str],
        execute: Execute,
        sql: Any,
        params: Parameters,
        many: bool,  # noqa: FBT001
        context: dict[str, Any],
    ) -> Any:
        connection: BaseDatabaseWrapper = context["connection"]
        cursor = context["cursor"]
        if type(cursor.cursor) is WatchedCursor:
            cursor.cursor = cursor.cursor.unwatched
        places, short = text
        catalogue, names = self._texts.catalogue, self._names
        depends, watches = read_tags(statement, places, params, catalogue, names)
        counted = events.query(short)
        counted.recorded += 1
        if is_broad(statement):
            counted.broad += 1
        reason = statement.refusal or self._too_old(connection)
        if reason is None and self._lag_of(connection) != 0.0:
            reason = self._behind(depends)
        if reason is not None:
            counted.refused += 1
            counted.reason = reason
            recording.refuse(reason)
        self._depend(recording, depends)
        try:
            result = execute(sql, params, many, context)
        except BaseException:
            recording.refuse("a query that failed")
            raise
        if watches and reason is None:
            self._watch(recording, cursor, watches)
        return result

    def _watch(self, recording: Recording, cursor: Any, watches: list[Watch]) -> None:
        def report(found: set[bytes]) -> None:
            self._depend(recording, found)
            if self._lag != 0.0 and not is_settled(self._lag, found):
                recording.refuse(_BEHIND)

        cursor.cursor = WatchedCursor(cursor.cursor, report, watches, self._names)

    def _depend(self, recording: Recording, depends: set[bytes]) -> None:
        if self.writes and self.writes.touches(depends):
            recording.refuse("it was made of what this transaction has not committed yet")
        recording.add_all(depends)

    def _too_old(self, connection: BaseDatabaseWrapper) -> str | None:
        """Why what is read now may be older than the stamp, if so."""
        stamped = latest_stamp()
        if stamped == ELSEWHERE:
            return 'it reads the database, and isn\'t in the store "cache", where writes are told'
        if self._is_in_transaction(connection):
            if self.isolates and (stamped is None or stamped > self.began):
                return "it was read from a snapshot that is older than its stamp"
        elif not drivers.is_reading(connection):
            self._idle = next_moment()
        elif stamped is None or stamped > self._idle:
            return "rows of an earlier query were being fetched, and SQLite reads from its snapshot"
        return None

    def _lag_of(self, connection: BaseDatabaseWrapper) -> float | None:
        if self._lag == -1.0:
            try:
                self._lag = lag_of(connection)
            except connection.Database.Error:
                return None
        return self._lag

    def _behind(self, depends: set[bytes]) -> str | None:
        try:
            return None if is_settled(self._lag, depends) else _BEHIND
        except StoreError:
            return _BEHIND

    # Transactions

    def _control(
        self,
        statement: Statement,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001
        context: dict[str, Any],
    ) -> Any:
        """BEGIN, COMMIT and the like, where they come as SQL."""
        connection: BaseDatabaseWrapper = context["connection"]
        control, name = statement.control, statement.savepoint

        def run() -> Any:
            return execute(sql, params, many, context)

        if control is Control.BEGIN or (control is Control.ISOLATION and name == "begin"):
            if control is Control.ISOLATION:
                self._isolates = True
            if not self.began:
                self._begin()
            result = run()
            self._in_raw_transaction = connection.autocommit
            return result
        if control is Control.ISOLATION:
            self._isolates = True
            return run()
        if control in (Control.COMMIT, Control.PREPARE):
            return self._commit_around(connection, run)
        if control is Control.ROLLBACK:
            result = run()
            self._end(self.writes.unmark)
            return result
        if control is Control.SAVEPOINT:
            if not self._is_in_transaction(connection):
                self._begin()
                self._in_raw_transaction = True
                self._raw_savepoint = name
            result = run()
            self.writes.savepoint(name)
            return result
        if control is Control.RELEASE:
            if self._raw_savepoint and name == self._raw_savepoint:
                return self._commit_around(connection, run)
            result = run()
            self.writes.release(name)
            return result
        result = run()
        had_writes = bool(self.writes)
        self.writes.roll_back_to(name)
        if had_writes and not self.writes:
            switch.restrict(-1)
        return result

    def _commit_around(self, connection: BaseDatabaseWrapper, commit: Callable[[], Any]) -> Any:
        """Both phases around a COMMIT."""
        if not self.writes:
            result = commit()
            self._end(_nothing)
            return result
        is_marked = self._announce(connection)
        try:
            result = commit()
        except BaseException as error:
            if not drivers.was_refused(connection, error):
                self._end(self.writes.leave)
            raise  # else ROLLBACK follows, and takes the marks back
        self._end(self.writes.bump if is_marked else self.writes.clear)
        if not is_marked:
            outbox.replay_soon(self.alias)
        return result

    def _announce(self, connection: BaseDatabaseWrapper) -> bool:
        """Phase 1: whether there are marks now, and no row that stands for them.

        Raises:
            WriteNotAnnounced: the store didn't answer, and the settings are strict.
        """
        if switch.in_database is not None:
            switch.in_database.bump(connection, self.writes.tags)
            return False
        if not outbox.is_outage():
            try:
                self.writes.mark()
            except StoreError as error:
                events.count("not_announced")
                if on_outage() != "outbox":
                    raise _not_announced(error) from error
                outbox.note_outage()
            else:
                return True
        outbox.write(connection, self.writes.tags)
        return False

    def committing(self, connection: BaseDatabaseWrapper, commit: Callable[[], Any]) -> Any:
        """In place of the connection's `_commit`."""
        if not switch.is_on or connection.connection is None:
            return commit()
        return self._commit_around(connection, commit)

    def rolling_back(self, rollback: Callable[[], Any]) -> Any:
        """In place of the connection's `_rollback`: without COMMIT, what is lost is not written."""
        try:
            return rollback()
        finally:
            self._end(self.writes.unmark)

    def changing_autocommit(
        self, connection: BaseDatabaseWrapper, change: Callable[[], Any], *, autocommit: bool
    ) -> Any:
        """In place of the connection's `set_autocommit`: some drivers commit when it is set."""
        if not autocommit or not self.writes or connection.connection is None:
            return change()
        return self._commit_around(connection, change)


_MOST_TAGS = 5000
_BEHIND = "it was read from a replica that may be behind"


def _nothing() -> None:
    return None


def _not_announced(error: StoreError) -> WriteNotAnnounced:
    return WriteNotAnnounced(
        f"The write was not committed, for the store of cached results could not be told: {error}"
        " Mend the store, or set HOLDFAST['CACHE']['ON_OUTAGE'] = 'outbox'."
    )


def _as_text(sql: Any, connection: BaseDatabaseWrapper) -> str:
    """SQL that was composed by psycopg, as text."""
    as_string = getattr(sql, "as_string", None)
    if as_string is not None:
        return str(as_string(connection.connection))
    return sql.decode() if isinstance(sql, bytes) else str(sql)


def _with_relations(
    statement: Statement, under: dict[str, frozenset[str] | None], effect: Effect
) -> Statement:
    refusal = statement.refusal
    reads = []
    for read in statement.reads:
        tables = under.get(read.table, frozenset({read.table}))
        if tables is None:
            refusal = refusal or f"{read.table} is nothing whose changes are seen"
        elif tables == {read.table}:
            reads.append(read)
        else:
            reads += [type(read)(table) for table in sorted(tables)]
    writes = []
    anything = statement.writes_anything or effect is Effect.WRITES
    for write in statement.writes:
        tables = under.get(write.table, frozenset({write.table}))
        if tables is None:
            continue  # a temporary table, or one that isn't read from with results that are kept
        if tables == {write.table}:
            writes.append(write)
        else:
            writes += [Write(table, Kind.ANY) for table in sorted(tables)]
    if effect is not Effect.NONE:
        refusal = refusal or "it calls a function that may read anything"
    return Statement(
        reads=tuple(reads),
        writes=tuple(writes),
        writes_anything=anything,
        refusal=refusal,
        commits=statement.commits,
    )
