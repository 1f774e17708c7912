"""Statements that write: within a transaction they wait for its COMMIT, else they are their own."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from ...cache.recording import innermost
from ...stores.errors import StoreError
from . import drivers, greenlets, outbox, relations, switch
from .binding import Binding
from .calls import Call, as_text
from .changing import any_row_tags, write_tags
from .counters import events
from .known import Texts
from .rows import FetchedCursor, wrap
from .settings import has_triggers
from .statements import Statement
from .texts import Place
from .transaction import Transaction
from .writes import Writes

#: Tags of one statement that is executed with many parameters.
_MOST_TAGS = 5000

ANYTHING = Statement(
    writes_anything=True, refusal="it calls a procedure that may do anything", is_several=True
)
#: SQLite commits before it.
SCRIPT = Statement(writes_anything=True, refusal="it runs a script", is_several=True, commits=True)


class Writing(Transaction):
    """A connection whose writes are seen."""

    def write(
        self, statement: Statement, places: tuple[Place, ...], texts: Texts, call: Call
    ) -> Any:
        """Execute a statement that writes."""
        connection = call.connection
        changed = self._changed(statement, places, texts, call.params, many=call.many)
        if statement.writes_anything:
            # A table or a view may be another one after this.
            relations.forget(self._names.identity)
            self._relations = relations.relations_of(connection, self._names.identity)
        if not self.is_open(connection) or drivers.begins_none(connection, call.text()):
            return self._write_at_once(changed, statement, call)
        if not self.began:
            self.begin()
        self.say_tracked(connection)
        self.note(changed)
        if statement.commits:
            return self.commit_around(connection, call.run)
        return greenlets.run_writing(self, call)

    def _changed(
        self,
        statement: Statement,
        places: tuple[Place, ...],
        texts: Texts,
        params: Any,
        *,
        many: bool,
    ) -> set[bytes]:
        """The tags of what is written."""
        changed: set[bytes] = set()
        for each in params if many else (params,):
            changed |= write_tags(statement, Binding(places, each, texts.catalogue, self._names))
            if len(changed) > _MOST_TAGS:
                return self._bounded(changed, statement, texts)
        return changed

    def _bounded(self, changed: set[bytes], statement: Statement, texts: Texts) -> set[bytes]:
        """Tags for any rows of the tables, in place of so many for single ones."""
        events.count("writes_too_many")
        broad = {tag for tag in changed if b"=" not in tag}  # of tables that change with these, too
        for write in statement.writes:
            broad |= any_row_tags(texts.catalogue.table(write.table), self._names)
        return broad

    def _write_at_once(self, changed: set[bytes], statement: Statement, call: Call) -> Any:
        """In autocommit, the statement is its own COMMIT."""
        connection = call.connection
        if not changed:
            return greenlets.run_writing(self, call)
        versions = switch.in_database
        is_for_triggers = connection.vendor == "postgresql" and has_triggers()
        is_versioned = versions is not None and versions.is_for(connection)
        if is_for_triggers or is_versioned or outbox.is_outage():
            return self._in_transaction(changed, call)
        writes = Writes()
        writes.add(changed)
        try:
            writes.mark()
        except StoreError as error:
            self.outage(error)
            return self._in_transaction(changed, call)
        try:
            result = _run_to_its_end(self, call)
        except BaseException as error:
            # Of several statements, some may have been done.
            is_one = not call.many and not statement.writes_anything
            if is_one and drivers.was_refused(connection, error):
                writes.unmark()
            else:
                writes.leave()
            raise
        if drivers.in_transaction(connection):
            # It began one itself, in the middle of a text.
            self._is_raw = True
            self.begin()
            self.note(changed)
        if drivers.may_be_at_it(connection, is_one=not statement.is_several):
            writes.leave()
        else:
            writes.bump()
        return result

    def _in_transaction(self, changed: set[bytes], call: Call) -> Any:
        """Give a statement a transaction, for what has to be committed together with it."""
        connection: Any = call.connection
        before = connection.autocommit
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        try:
            self.say_tracked(connection)
            self.note(changed)
            result = _run_to_its_end(self, call)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.set_autocommit(before)
        return result

    # What Django doesn't pass through its execute wrappers

    def guarded(self, cursor: Any) -> Any:
        """Have *cursor* tell of what its driver does, and Django doesn't: procedures, copies."""
        # By weak references: no cursor is kept open by what it carries.
        reference = weakref.ref(cursor)
        cursor.callproc = partial(self._unseen, ANYTHING, reference, type(cursor).callproc)
        driver = cursor.cursor
        if hasattr(driver, "executescript"):
            cursor.executescript = partial(self._unseen, SCRIPT, reference, _executescript)
        if hasattr(driver, "copy"):
            cursor.copy = partial(self._copy, reference)
        if hasattr(driver, "stream"):
            cursor.stream = partial(self._stream, reference)
        return cursor

    def _unseen(
        self, does: Statement, reference: Any, method: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call a *method* of the cursor that Django doesn't wrap."""
        cursor = reference()

        def execute(*ignored: Any) -> Any:
            return method(cursor, *args, **kwargs)

        texts = self._texts
        if not switch.is_on or texts is None:
            return execute()
        recording = innermost.get()
        if recording is not None:
            recording.refuse(str(does.refusal))
        call = Call(execute, "", None, False, {"connection": cursor.db, "cursor": cursor})
        return self.write(does, (), texts, call)

    def _stream(self, reference: Any, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """`stream` of psycopg: rows of a statement that isn't over until the last one came."""
        cursor = reference()
        with ExitStack() as block:
            if switch.is_on and self._texts is not None:
                block.enter_context(self._copying(cursor.db, query, self._texts))
            yield from cursor.cursor.stream(query, *args, **kwargs)

    @contextmanager
    def _copy(self, reference: Any, statement: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """`copy` of psycopg: rows that come, or go, while the block runs."""
        cursor = reference()
        with ExitStack() as block:
            if switch.is_on and self._texts is not None:
                block.enter_context(self._copying(cursor.db, statement, self._texts))
            yield block.enter_context(cursor.cursor.copy(statement, *args, **kwargs))

    @contextmanager
    def _copying(
        self, connection: BaseDatabaseWrapper, statement: Any, texts: Texts
    ) -> Iterator[None]:
        does, places, _ = texts.known(as_text(statement, connection), None)
        recording = innermost.get()
        if recording is not None:
            recording.refuse(does.refusal or "it copies rows")
        changed = self._changed(does, places, texts, None, many=False)
        if not changed:
            yield
            return
        if self.is_open(connection):
            if not self.began:
                self.begin()
            self.note(changed)
            yield
            return
        writes = Writes()
        writes.add(changed)
        try:
            writes.mark()
        except StoreError as error:
            self.outage(error)
            outbox.write_at_once(connection, changed)
        try:
            yield
        except BaseException as error:
            if drivers.was_refused(connection, error):
                writes.unmark()
            else:
                writes.leave()
            raise
        writes.bump()


def _executescript(cursor: Any, *args: Any) -> Any:
    return cursor.cursor.executescript(*args)


def _run_to_its_end(transaction: Transaction, call: Call) -> Any:
    """Execute a statement which writes, and have SQLite come to its end: only there it commits.

    SQLite returns from a statement with RETURNING as soon as there is a row, and goes on as rows
    are fetched. So all are.
    """
    result = greenlets.run_writing(transaction, call)
    connection: Any = call.connection
    if connection.vendor == "sqlite" and call.cursor.description:
        with connection.wrap_database_errors:
            return wrap(call.cursor, FetchedCursor, result)
    return result
