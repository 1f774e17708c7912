"""Tags of a statement and its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .catalogue import Catalogue, Table
from .names import Names
from .statements import Kind, Match, Read, Source, Statement, Write
from .texts import Parameters, Place

#: So many rows are told one by one. Where there are more, a tag for many takes their place.
MOST_ROWS = 100
#: So many of one statement are told when they are written.
MOST_WRITTEN = 500


class Unknown(Exception):  # noqa: N818 - no mistake
    """The values can't be told."""


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


def read_tags(
    statement: Statement,
    places: Sequence[Place],
    parameters: Parameters,
    catalogue: Catalogue,
    names: Names,
) -> tuple[set[bytes], list[Watch]]:
    """What a result of *statement* depends on, and what its rows will say further."""
    tags = {names.everything}
    watches: list[Watch] = []
    for read in statement.reads:
        table = catalogue.table(read.table)
        try:
            watch = _read(read, table, places, parameters, names, tags)
        except (Unknown, ValueError, TypeError, LookupError, ArithmeticError):
            watch = None
            tags.add(names.whole(read.table))
        if watch is not None:
            watches.append(watch)
    return tags, watches


def is_broad(statement: Statement) -> bool:
    """Whether its result depends on a whole table."""
    return any(read.match is None and not read.is_joined for read in statement.reads)


def _read(
    read: Read,
    table: Table,
    places: Sequence[Place],
    parameters: Parameters,
    names: Names,
    tags: set[bytes],
) -> Watch | None:
    if read.match is None:
        if not read.is_joined or table.key is None:
            tags.add(names.whole(read.table))
            return None
        tags.add(names.changed(read.table, table.key))
        return Watch(table, read.row_at, None, names.whole(read.table), None)
    column = read.match.column
    values = _values(read.match, table, places, parameters)
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


def _values(
    match: Match, table: Table, places: Sequence[Place], parameters: Parameters
) -> set[str | None]:
    canonical = table.tracked[match.column]
    found: set[str | None] = set()
    for source in match.sources:
        for value in _of(source, places, parameters):
            found.add(None if value is None else canonical(value))
    return found


def _of(source: Source, places: Sequence[Place], parameters: Parameters) -> list[object]:
    if source.slot is None:
        return [source.literal]
    values = places[source.slot].values(parameters)
    if not source.is_array:
        return values
    found: list[object] = []
    for value in values:
        if not isinstance(value, list | tuple):
            raise Unknown
        found += value
    return found


def write_tags(
    statement: Statement,
    places: Sequence[Place],
    parameters: Parameters,
    catalogue: Catalogue,
    names: Names,
) -> set[bytes]:
    """What *statement* makes untrue."""
    tags: set[bytes] = set()
    if statement.writes_anything:
        tags.add(names.everything)
    for write in statement.writes:
        _write(write, places, parameters, catalogue, names, tags, 0)
    return tags


def any_row_tags(table: Table, names: Names) -> set[bytes]:
    """What is untrue when any rows of a table may have been changed, in any way."""
    tags = {names.whole(table.name)}
    for column in table.tracked:
        tags.add(names.changed(table.name, column))
        tags.add(names.entered(table.name, column))
    return tags


def _write(
    write: Write,
    places: Sequence[Place],
    parameters: Parameters,
    catalogue: Catalogue,
    names: Names,
    tags: set[bytes],
    depth: int,
) -> None:
    table = catalogue.table(write.table)
    known: dict[str, set[str | None]] = {}
    for match in write.matches:
        try:
            values = _values(match, table, places, parameters)
        except (Unknown, ValueError, TypeError, LookupError, ArithmeticError):
            continue
        if len(values) <= MOST_WRITTEN:
            known[match.column] = values
    if write.kind is Kind.ANY:
        tags |= any_row_tags(table, names)
    else:
        tags.add(names.whole(write.table))
    if write.kind in (Kind.UPDATE, Kind.DELETE):
        for column in table.tracked:
            if column in known:
                tags.update(names.value(write.table, column, value) for value in known[column])
            else:
                tags.add(names.changed(write.table, column))
    if write.kind in (Kind.INSERT, Kind.UPDATE):
        _assign(write, table, places, parameters, names, tags)
    if write.kind in (Kind.DELETE, Kind.ANY):
        cascade(table, known, catalogue, names, tags, depth)


def _assign(
    write: Write,
    table: Table,
    places: Sequence[Place],
    parameters: Parameters,
    names: Names,
    tags: set[bytes],
) -> None:
    """The values that rows have from now on."""
    is_insert = write.kind is Kind.INSERT
    for column, canonical in table.tracked.items():
        if column not in write.assigned:
            if is_insert:
                tags.add(names.entered(write.table, column))
            continue
        sources = write.assigned[column]
        try:
            if sources is None:
                raise Unknown
            given = {value for source in sources for value in _of(source, places, parameters)}
            if len(given) > MOST_WRITTEN or (column == table.key and None in given):
                raise Unknown
            tags.update(
                names.value(write.table, column, None if value is None else canonical(value))
                for value in given
            )
        except (Unknown, ValueError, TypeError, LookupError, ArithmeticError):
            tags.add(names.entered(write.table, column))
    if not is_insert and any(
        column not in write.assigned for column in table.tracked if column != table.key
    ):
        tags.update(names.column(write.table, column) for column in write.assigned)


_DEEPEST = 20


def cascade(
    table: Table,
    known: dict[str, set[str | None]],
    catalogue: Catalogue,
    names: Names,
    tags: set[bytes],
    depth: int = 0,
) -> None:
    """What the database changes by itself in other tables when rows are deleted in this one.

    Args:
        table: where they are deleted.
        known: the values that they have, by column, as far as is known.
        catalogue: the tables of the database.
        names: of its tags.
        tags: where the tags are added.
        depth: how many tables lie between this and the one that the statement names.
    """
    if depth > _DEEPEST:
        tags.add(names.everything)
        return
    for each in table.cascades:
        child = catalogue.table(each.table)
        before = len(tags)
        values = known.get(each.target)
        tags.add(names.whole(child.name))
        for column in child.tracked:
            if column == each.column and values is not None:
                tags.update(names.value(child.name, column, value) for value in values)
            else:
                tags.add(names.changed(child.name, column))
        if not each.deletes:
            tags.add(names.value(child.name, each.column, None))
            tags.add(names.entered(child.name, each.column))
            tags.add(names.column(child.name, each.column))
        elif len(tags) > before:  # else this circle has been gone round
            told = {} if values is None else {each.column: values}
            cascade(child, told, catalogue, names, tags, depth + 1)
