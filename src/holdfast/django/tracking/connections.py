"""One connection of Django's, watched: what is executed on it, and how its transactions end.

What is executed comes by Django's `execute_wrappers`; COMMIT and ROLLBACK, for which Django calls
the driver, by methods of the connection that are replaced on it (`hooks`).
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError

from ...cache.recording import innermost
from . import drivers, greenlets, switch
from .calls import Call, Execute
from .counters import events
from .known import Texts
from .reading import Reading
from .relations import Effect
from .statements import Control, Kind, Read, Statement, Write
from .writing import Writing


class TrackedConnection(Writing, Reading):
    """A connection whose queries, writes and transactions are seen."""

    def execute(
        self,
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,  # noqa: FBT001 - Django's signature
        context: dict[str, Any],
    ) -> Any:
        """Django's execute wrapper."""
        texts = self._texts
        if not switch.is_on or (texts is None and not self._has_models(context)):
            return execute(sql, params, many, context)
        recording = innermost.get()
        if (
            recording is None
            and texts is not None
            and isinstance(sql, str)  # psycopg takes bytes, and what it composes
            and (sql in texts.plain or texts.is_plain(sql))
        ):
            # The shortest way, and by far the most frequent one.
            if not self.began and self.is_open(context["connection"]):
                self.begin()
            return execute(sql, params, many, context)
        return self._look(Call(execute, sql, params, many, context))

    def _has_models(self, context: dict[str, Any]) -> bool:
        """Whether apps are loaded by now, so that tables can be told."""
        self.know(context["connection"])
        return self._texts is not None

    def _look(self, call: Call) -> Any:
        """Execute, having looked at what it is."""
        texts = self._texts
        assert texts is not None  # noqa: S101 - who calls this has looked
        known = texts.known(call.text(), call.params)
        statement = known[0]
        if statement.control is not None:
            return self._control(statement, call)
        if not self.began and self.is_open(call.connection):
            self.begin()
        recording = innermost.get()
        while recording is not None and recording.closed:
            recording = recording.outer
        statement = self._resolved(statement, texts, call, is_read=recording is not None)
        if statement.is_write:
            if recording is not None and (statement.reads or statement.refusal):
                recording.refuse(statement.refusal or "a query that also writes")
            return self.write(statement, known[1], texts, call)
        is_harmless = not statement.reads and statement.refusal is None
        if recording is None or call.many or is_harmless:
            return call.run()
        return self.read(recording, (statement, *known[1:]), texts, call)

    def _resolved(
        self, statement: Statement, texts: Texts, call: Call, *, is_read: bool
    ) -> Statement:
        """*statement* with tables in place of views, and with what its functions do."""
        catalogue = texts.catalogue
        names = {write.table for write in statement.writes}
        if is_read:
            names |= {read.table for read in statement.reads}
        strange = [name for name in names if not catalogue.knows(name)]
        if not strange and not statement.functions:
            return statement
        connection: Any = call.connection
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

    # BEGIN, COMMIT and the like, where they come as SQL

    def _control(self, statement: Statement, call: Call) -> Any:
        control, connection = statement.control, call.connection
        if control in (Control.COMMIT, Control.PREPARE):
            return self.commit_around(connection, call.run)
        if control in (Control.BEGIN, Control.ISOLATION):
            return self._begin_by_sql(statement, call)
        if control in (Control.SAVEPOINT, Control.RELEASE):
            return self._savepoint(statement, call)
        result = call.run()
        if control is Control.ROLLBACK:
            self.end(self.writes.unmark)
        else:
            self.roll_back_to(statement.savepoint)
        return result

    def _begin_by_sql(self, statement: Statement, call: Call) -> Any:
        if statement.control is Control.ISOLATION:
            # Which one, and for how long, differs between databases: the strictest is assumed.
            self._isolates = True
            if not statement.savepoint:
                return call.run()
        if not self.began:
            self.begin()
        result = greenlets.begin(self, call)
        self._is_raw = call.connection.autocommit
        return result

    def _savepoint(self, statement: Statement, call: Call) -> Any:
        name = statement.savepoint
        if statement.control is Control.RELEASE:
            if self._raw_savepoint and name == self._raw_savepoint:
                return self.commit_around(call.connection, call.run)
            result = call.run()
            self.writes.release(name)
            return result
        if not self.is_open(call.connection) or drivers.begins_none(call.connection, call.text()):
            # Outside of a transaction, SQLite begins one.
            self.begin()
            self._is_raw = True
            self._raw_savepoint = name
        result = call.run()
        self.writes.savepoint(name)
        return result


def _with_relations(
    statement: Statement, under: dict[str, frozenset[str] | None], effect: Effect
) -> Statement:
    refusal = statement.refusal
    reads: list[Read] = []
    for read in statement.reads:
        tables = under.get(read.table, frozenset({read.table}))
        if tables is None:
            refusal = refusal or f"{read.table} is nothing whose changes are seen"
        elif tables == {read.table}:
            reads.append(read)
        else:
            reads += [Read(table) for table in sorted(tables)]
    writes: list[Write] = []
    for write in statement.writes:
        tables = under.get(write.table, frozenset({write.table}))
        if tables is None:
            continue  # a temporary table, or another one that no result is kept of
        if tables == {write.table}:
            writes.append(write)
        else:
            writes += [Write(table, Kind.ANY) for table in sorted(tables)]
    if effect is not Effect.NONE:
        refusal = refusal or "it calls a function that may read anything"
    return Statement(
        reads=tuple(reads),
        writes=tuple(writes),
        writes_anything=statement.writes_anything or effect is Effect.WRITES,
        refusal=refusal,
        commits=statement.commits,
        is_several=statement.is_several,
    )
