"""Tags of what was read."""

from __future__ import annotations

from dataclasses import dataclass

from .binding import MOST_ROWS, NOT_TOLD, Binding, Unknown
from .catalogue import Table
from .statements import Read, Statement


@dataclass(slots=True)
class Watch:
    """What the rows of a result still have to tell.

    Attributes:
        table: which it is about.
        at: where in a row of the result the primary key stands; None: it isn't shown.
        wanted: primary keys that were asked for; None: any row counts.
        otherwise: the tag for rows that are too many to be told one by one; None: there is none,
            for they were asked for one by one.
        if_missing: the tag for rows that were asked for, and that there are not.
    """

    table: Table
    at: int | None
    wanted: set[str] | None
    otherwise: bytes | None
    if_missing: bytes | None


def read_tags(statement: Statement, binding: Binding) -> tuple[set[bytes], list[Watch]]:
    """What a result of *statement* depends on, and what its rows will say further."""
    tags = {binding.names.everything}
    watches: list[Watch] = []
    for read in statement.reads:
        table = binding.catalogue.table(read.table)
        try:
            watch = _read(read, table, binding, tags)
        except NOT_TOLD:
            watch = None
            tags.add(binding.names.whole(read.table))
        if watch is not None:
            watches.append(watch)
    return tags, watches


def is_broad(statement: Statement) -> bool:
    """Whether its result depends on a whole table."""
    return any(read.match is None and not read.is_joined for read in statement.reads)


def _read(read: Read, table: Table, binding: Binding, tags: set[bytes]) -> Watch | None:
    names = binding.names
    if read.match is None:
        if not read.is_joined or table.key is None:
            tags.add(names.whole(read.table))
            return None
        tags.add(names.changed(read.table, table.key))
        return Watch(table, read.row_at, None, names.whole(read.table), None)
    column = read.match.column
    values = binding.values(read.match, table)
    if len(values) > MOST_ROWS:
        raise Unknown
    tags.update(names.value(read.table, column, value) for value in values)
    if column == table.key:
        tags.add(names.changed(read.table, column))
        missing = names.entered(read.table, column)
        if read.row_at is None and not (read.shows_existence and len(values) == 1):
            tags.add(missing)
            return None
        return Watch(table, read.row_at, {value for value in values if value}, None, missing)
    tags.add(names.entered(read.table, column))
    if read.row_at is None or table.key is None:
        tags.add(names.changed(read.table, column))
        return None
    tags.update(names.column(read.table, each) for each in read.columns)
    tags.add(names.changed(read.table, table.key))
    return Watch(table, read.row_at, None, names.changed(read.table, column), None)
