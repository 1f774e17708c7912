"""What Django's models say about a database's tables.

Tables are known by their names alone, so that one statement of SQL can be understood without the
model that made it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

Canonical = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key that the database itself holds to."""

    table: str
    column: str
    is_null: bool


@dataclass(frozen=True, slots=True)
class Cascade:
    """Rows that the database changes by itself when one that they refer to is deleted.

    Attributes:
        table: of the rows.
        column: their foreign key.
        target: the column of the deleted row that it refers to.
        deletes: whether they are deleted, too. Otherwise the foreign key gets another value.
    """

    table: str
    column: str
    target: str
    deletes: bool


@dataclass(slots=True)
class Table:
    """What is known of a table.

    Attributes:
        name: as it is compared.
        key: the column of the primary key; None: there is none, or it has several columns.
        tracked: the columns by whose values rows are told, and what makes one text of all that the
            database takes for the same value. In the order in which they are preferred.
        columns: all of them.
        generated: those that the database computes of others.
        foreign_keys: those that the database holds to, by column.
        cascades: what the database does when a row is deleted here.
    """

    name: str
    key: str | None = None
    tracked: dict[str, Canonical] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    generated: set[str] = field(default_factory=set)
    foreign_keys: dict[str, ForeignKey] = field(default_factory=dict)
    cascades: list[Cascade] = field(default_factory=list)


class Catalogue:
    """The tables of one database.

    Args:
        vendor: `connection.vendor`.
        tables: by name.
    """

    def __init__(self, vendor: str, tables: Mapping[str, Table]) -> None:
        self.vendor = vendor
        self._tables = tables

    def table(self, name: str) -> Table:
        """What is known of the table. Of one that no model has, nothing is."""
        return self._tables.get(name) or Table(name)

    def knows(self, name: str) -> bool:
        """Whether a model has this table, and Django made it."""
        return name in self._tables


_catalogues: dict[tuple[str, str], Catalogue] = {}


def catalogue_of(connection: BaseDatabaseWrapper) -> Catalogue:
    """The catalogue of the database that *connection* leads to. Made once, when apps are loaded."""
    key = (connection.alias, connection.vendor)
    found = _catalogues.get(key)
    if found is None:
        found = _made(connection)
        if apps.ready:
            _catalogues[key] = found
    return found


def forget() -> None:
    """Make them anew: the models have changed (in tests)."""
    _catalogues.clear()


def table_name(model: type[models.Model]) -> str:
    """The name of a model's table, as it is compared."""
    return re.split(r"[\"`]?\.[\"`]?", model._meta.db_table)[-1].strip('"`').casefold()


def _made(connection: BaseDatabaseWrapper) -> Catalogue:
    tables: dict[str, Table] = {}
    every = apps.get_models(include_auto_created=True)
    for model in every:
        options = model._meta
        if options.proxy or options.abstract or not options.managed:
            continue  # what isn't managed may be a view
        name = table_name(model)
        _describe(model, tables.setdefault(name, Table(name)), connection)
    for model in every:
        if not model._meta.managed and table_name(model) in tables:
            _describe(model, tables[table_name(model)], connection)
    for model in every:
        _find_cascades(model, tables)
    for table in tables.values():
        table.tracked = dict(sorted(table.tracked.items(), key=lambda item: _rank(table, item[0])))
    return Catalogue(connection.vendor, tables)


def _describe(model: type[models.Model], table: Table, connection: BaseDatabaseWrapper) -> None:
    options = model._meta
    generic = {
        private.fk_field
        for private in options.private_fields
        if hasattr(private, "fk_field") and hasattr(private, "ct_field")
    }
    parts = {part.name for part in getattr(options, "pk_fields", ())}
    for each in options.local_concrete_fields:
        if each.column is None:  # of several columns
            continue
        column = each.column.casefold()
        table.columns.add(column)
        if each.generated:
            table.generated.add(column)
            continue  # no statement says which value it gets
        if each.primary_key:
            table.key = column
        told = each.primary_key or each.unique or each.is_relation
        if told or each.name in generic or each.name in parts:
            canonical = _canonical(each, connection)
            if canonical is not None:
                table.tracked[column] = canonical
        if isinstance(each, models.ForeignKey) and getattr(each, "db_constraint", True):
            target = each.target_field
            table.foreign_keys[column] = ForeignKey(
                table_name(target.model), str(target.column).casefold(), each.null
            )
    if table.key is not None and table.key not in table.tracked:
        table.key = None  # of a kind whose values can't be told apart


def _rank(table: Table, column: str) -> tuple[int, str]:
    """Which column tells the fewest rows: the primary key, a unique one, a foreign key."""
    if column == table.key:
        return 0, column
    if column not in table.foreign_keys:
        return 1, column
    return (3 if table.foreign_keys[column].table == "django_content_type" else 2), column


def _find_cascades(model: type[models.Model], tables: dict[str, Table]) -> None:
    for each in model._meta.local_concrete_fields:
        if not isinstance(each, models.ForeignKey):
            continue
        action: Any = each.remote_field.on_delete
        # DO_NOTHING: the constraint may have been given an action by hand.
        if action is not models.DO_NOTHING and not hasattr(action, "on_delete_sql"):
            continue
        parent = tables.get(table_name(each.target_field.model))
        if parent is not None and each.column is not None:
            parent.cascades.append(
                Cascade(
                    table_name(model),
                    each.column.casefold(),
                    str(each.target_field.column).casefold(),
                    deletes="SET" not in str(action),
                )
            )


# Values, as the database compares them. Of subclasses, drivers send what the type itself holds,
# whatever the subclass says: an enum that is a text, too, prints as something else.


def _integer(value: Any) -> str:
    if isinstance(value, int):
        return str(int.__int__(value))
    if isinstance(value, float | Decimal):
        whole = int(value)
        if whole != value:
            raise ValueError(value)
        return str(whole)
    return str(int(value))


def _uuid(value: Any) -> str:
    return value.hex if isinstance(value, UUID) else UUID(str(value)).hex


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return str.__str__(value)


def _canonical(each: models.Field[Any, Any], connection: BaseDatabaseWrapper) -> Canonical | None:
    """None: it isn't known which values of the field the database takes for the same."""
    origin: Any = each
    while isinstance(origin, models.ForeignKey):
        origin = origin.target_field
    kind = (each.db_type(connection) or "").split("(")[0].lower()
    if kind.split(" ", 1)[0] in _INTEGERS:
        return _integer
    if isinstance(origin, models.UUIDField):
        return _uuid
    if kind in ("varchar", "text") and connection.vendor in ("postgresql", "sqlite"):
        # Others compare without regard to case, by default.
        if not getattr(origin, "db_collation", None) and isinstance(
            origin, models.CharField | models.TextField
        ):
            return _text
    return None


_INTEGERS = frozenset(
    [
        "integer",
        "bigint",
        "smallint",
        "int",
        "serial",
        "bigserial",
        "smallserial",
        "tinyint",
        "mediumint",
    ]
)
