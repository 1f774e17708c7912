"""Tags of what was written."""

from __future__ import annotations

from .binding import MOST_WRITTEN, NOT_TOLD, Binding, Unknown
from .catalogue import Table
from .names import Names
from .statements import Kind, Statement, Write

Known = dict[str, set[str | None]]

#: Tables that the database changes one after another because of one row.
_DEEPEST = 20
#: Tables of our own: what is in them is nobody's result.
_OURS = "holdfast_"


def write_tags(statement: Statement, binding: Binding) -> set[bytes]:
    """What *statement* makes untrue."""
    tags: set[bytes] = set()
    if statement.writes_anything:
        tags.add(binding.names.everything)
    for write in statement.writes:
        if not write.table.startswith(_OURS):
            _write(write, binding, tags)
    return tags


def any_row_tags(table: Table, names: Names) -> set[bytes]:
    """What is untrue when any rows of a table may have been changed, in any way."""
    tags = {names.whole(table.name)}
    for column in table.tracked:
        tags.add(names.changed(table.name, column))
        tags.add(names.entered(table.name, column))
    return tags


def _write(write: Write, binding: Binding, tags: set[bytes]) -> None:
    names = binding.names
    table = binding.catalogue.table(write.table)
    known = _known(write, table, binding)
    if write.kind is Kind.ANY:
        tags |= any_row_tags(table, names)
    else:
        tags.add(names.whole(write.table))
    if write.kind in (Kind.UPDATE, Kind.DELETE):
        _touch(table, known, names, tags)
    if write.kind in (Kind.INSERT, Kind.UPDATE):
        _assign(write, table, binding, tags)
    if write.kind in (Kind.DELETE, Kind.ANY):
        _cascade(table, known, binding, tags, 0)


def _known(write: Write, table: Table, binding: Binding) -> Known:
    """The values that the rows had before, as far as is known."""
    known: Known = {}
    for match in write.matches:
        try:
            values = binding.values(match, table)
        except NOT_TOLD:
            continue
        if len(values) <= MOST_WRITTEN:
            known[match.column] = values
    return known


def _touch(table: Table, known: Known, names: Names, tags: set[bytes]) -> None:
    """Rows with these values are others now, or no more."""
    for column in table.tracked:
        if column in known:
            tags.update(names.value(table.name, column, value) for value in known[column])
        else:
            tags.add(names.changed(table.name, column))


def _assign(write: Write, table: Table, binding: Binding, tags: set[bytes]) -> None:
    """The values that rows have from now on."""
    is_insert = write.kind is Kind.INSERT
    for column in table.tracked:
        if is_insert or column in write.assigned:
            _enter(write, column, table, binding, tags)
    # Who is told a row by a column that wasn't assigned has to learn of the others.
    others = {column for column in table.tracked if column != table.key}
    if not is_insert and not others <= write.assigned.keys():
        columns = table.generated.union(write.assigned)
        tags.update(binding.names.column(write.table, column) for column in columns)


def _enter(write: Write, column: str, table: Table, binding: Binding, tags: set[bytes]) -> None:
    """Rows have got values in *column*."""
    names, canonical = binding.names, table.tracked[column]
    try:
        sources = write.assigned.get(column)
        if sources is None:
            raise Unknown
        given = {value for source in sources for value in binding.raw(source)}
        # A primary key of NULL is one that the database chooses.
        if len(given) > MOST_WRITTEN or (column == table.key and None in given):
            raise Unknown
        tags.update(
            names.value(write.table, column, None if value is None else canonical(value))
            for value in given
        )
    except NOT_TOLD:
        tags.add(names.entered(write.table, column))


def _cascade(table: Table, known: Known, binding: Binding, tags: set[bytes], depth: int) -> None:
    """What the database changes by itself in other tables when rows are deleted in this one."""
    names = binding.names
    if depth > _DEEPEST:
        tags.add(names.everything)
        return
    for each in table.cascades:
        child = binding.catalogue.table(each.table)
        values = known.get(each.target)
        told = {} if values is None else {each.column: values}
        before = len(tags)
        tags.add(names.whole(child.name))
        _touch(child, told, names, tags)
        if not each.deletes:
            tags.add(names.value(child.name, each.column, None))
            tags.add(names.entered(child.name, each.column))
            tags.add(names.column(child.name, each.column))
        elif len(tags) > before:  # else this circle has been gone round
            _cascade(child, told, binding, tags, depth + 1)
