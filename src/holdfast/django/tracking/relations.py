"""What only the database itself can say: which tables lie under a view, what a function does.

Asked where a name comes up that no model has, and then kept. The questions are asked on the
connection that the name came up on, before the statement that has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from .catalogue import Catalogue
from .parsing import analysed
from .settings import harmless_functions
from .texts import normalised

_OWN = re.compile(r"pg_|information_schema$|sqlite_|mysql$|performance_schema$|sys$")


#: PostgreSQL's own functions, and those of its extensions, that read tables, files or elsewhere.
_READING = re.compile(
    r"(?:query|table|cursor|schema|database)_to_|dblink|ts_stat$|lo_|loread$|pg_read_|pg_ls_"
)


class Effect(Enum):
    """What a function may do."""

    NONE = "none"
    READS = "reads"
    WRITES = "writes"


@dataclass(slots=True)
class Relations:
    """What one database says of names that no model has.

    Attributes:
        under: the tables under each view, by name; None: it can't be told, or it isn't the same
            for all.
        known: all names that the database had when it was asked.
        functions: what each does.
    """

    under: dict[str, frozenset[str] | None] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    functions: dict[str, Effect] = field(default_factory=dict)

    def tables_under(
        self, name: str, connection: BaseDatabaseWrapper, catalogue: Catalogue
    ) -> frozenset[str] | None:
        """The tables that are read through *name*: itself, if it is no view. None: can't tell."""
        if _OWN.match(name):
            return None
        if name not in self.known:
            self._ask(connection, catalogue)
            self.known.add(name)
        return self.under.get(name, frozenset({name}))

    def effect(self, names: Collection[str], connection: BaseDatabaseWrapper) -> Effect:
        """What functions with these names may do."""
        harmless = harmless_functions()
        unknown = [name for name in names if name not in self.functions and name not in harmless]
        if unknown:
            self._ask_functions(unknown, connection)
        found = {self.functions.get(name, Effect.NONE) for name in names if name not in harmless}
        for effect in (Effect.WRITES, Effect.READS):
            if effect in found:
                return effect
        return Effect.NONE

    def _ask(self, connection: BaseDatabaseWrapper, catalogue: Catalogue) -> None:
        for name, definition in _views(connection):
            view = name.casefold()
            self.known.add(view)
            self.under[view] = None if definition is None else _under(definition, catalogue)
        for part, whole in _partitions(connection):
            self.known.add(part.casefold())
            self.under[part.casefold()] = frozenset({whole.casefold()})
        # Views upon views, partitions of partitions.
        for _ in range(10):
            changed = False
            for view, tables in self.under.items():
                if tables is None or self.under.keys().isdisjoint(tables):
                    continue
                changed = True
                self.under[view] = _resolved(tables - {view}, self.under)
            if not changed:
                break

    def _ask_functions(self, names: list[str], connection: BaseDatabaseWrapper) -> None:
        if connection.vendor == "postgresql":
            rows = _fetch(connection, _FUNCTIONS_OF_POSTGRESQL, [names])
        elif connection.vendor == "mysql":
            rows = [(name, "v") for (name,) in _fetch(connection, _FUNCTIONS_OF_MYSQL, [])]
        elif connection.vendor == "sqlite":
            rows = []  # they are Python's, and can't see the database they are called from
        else:
            rows = [(name, "v") for name in names]
        for name in names:
            self.functions[name] = Effect.READS if _READING.match(name) else Effect.NONE
        effects = {"i": Effect.NONE, "s": Effect.READS, "v": Effect.WRITES}
        for name, kind in rows:
            known = self.functions.get(name.casefold())
            if known is not None and known is not Effect.WRITES:
                self.functions[name.casefold()] = effects[kind]


_FUNCTIONS_OF_POSTGRESQL = """
    SELECT p.proname, p.provolatile::text FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE lower(p.proname) = ANY(%s) AND n.nspname <> 'pg_catalog' AND l.lanname <> 'c'
    ORDER BY p.provolatile
"""
_FUNCTIONS_OF_MYSQL = "SELECT ROUTINE_NAME FROM information_schema.routines"


def _views(connection: BaseDatabaseWrapper) -> Iterable[tuple[str, str | None]]:
    if connection.vendor == "postgresql":
        # Foreign and temporary tables: what is in them isn't the same for all, or not ours.
        return [
            (name, definition if kind == "v" else None)
            for name, kind, definition in _fetch(
                connection,
                "SELECT c.relname, c.relkind::text, CASE WHEN c.relkind = 'v'"
                " THEN pg_catalog.pg_get_viewdef(c.oid) END FROM pg_catalog.pg_class c"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE (c.relkind IN ('v', 'f') OR c.relpersistence = 't')"
                " AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
                [],
            )
        ]
    if connection.vendor == "sqlite":
        # A definition that can't be told apart from a temporary table of the same name is none.
        return [
            *_fetch(connection, "SELECT name, sql FROM sqlite_master WHERE type = 'view'", []),
            *_fetch(connection, "SELECT name, NULL FROM sqlite_temp_master", []),
        ]
    if connection.vendor == "mysql":
        return _fetch(
            connection,
            "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.views"
            " WHERE TABLE_SCHEMA = DATABASE()",
            [],
        )
    return []


def _partitions(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Tables whose rows are seen in another one, too."""
    if connection.vendor != "postgresql":
        return []
    return _fetch(
        connection,
        "SELECT part.relname, whole.relname FROM pg_catalog.pg_inherits i"
        " JOIN pg_catalog.pg_class part ON part.oid = i.inhrelid AND part.relkind IN ('r', 'p')"
        " JOIN pg_catalog.pg_class whole ON whole.oid = i.inhparent",
        [],
    )


def _fetch(connection: BaseDatabaseWrapper, sql: str, parameters: list[object]) -> list[Any]:
    """Ask, unseen by the tracking, and by whoever else looks at what is executed."""
    driver: Any = connection.connection
    with connection.wrap_database_errors, closing(driver.cursor()) as cursor:
        if parameters:
            cursor.execute(sql, parameters)
        else:
            cursor.execute(sql)
        return list(cursor.fetchall())


def _under(definition: str, catalogue: Catalogue) -> frozenset[str] | None:
    begin = re.match(r"\s*CREATE\s.*?\bAS\b\s*", definition, re.IGNORECASE | re.DOTALL)
    query = definition[begin.end() :] if begin else definition
    statement = analysed(normalised(query, has_parameters=False).sql, catalogue)
    if statement.refusal is not None or statement.functions or not statement.reads:
        return None
    return frozenset(read.table for read in statement.reads)


def _resolved(
    tables: frozenset[str], under: dict[str, frozenset[str] | None]
) -> frozenset[str] | None:
    found: set[str] = set()
    for table in tables:
        below = under.get(table, frozenset({table}))
        if below is None:
            return None
        found |= below
    return frozenset(found)


_all: dict[tuple[str, str], Relations] = {}


def relations_of(connection: BaseDatabaseWrapper, identity: str) -> Relations:
    """What is known of the database that *connection* leads to."""
    return _all.setdefault((identity, connection.alias), Relations())


def forget(identity: str) -> None:
    """The database's tables have been changed: ask anew."""
    for key in [key for key in _all if key[0] == identity]:
        del _all[key]


__all__ = ["DatabaseError", "Effect", "Relations", "forget", "relations_of"]
