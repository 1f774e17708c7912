"""What a statement writes: for each table, which rows, as far as its text says so."""

from __future__ import annotations

from sqlglot import exp

from .catalogue import Catalogue
from .conditions import array, conjuncts, source, values_of
from .statements import Kind, Match, Source, Write

Writes = tuple[tuple[Write, ...], bool]

#: Databases on which the target of an UPDATE or DELETE is a table, not an alias of one behind it.
_TARGETS_ARE_TABLES = frozenset({"postgresql", "sqlite"})


def writes_of(tree: exp.Expr, catalogue: Catalogue) -> Writes:
    """The tables that *tree* writes to, and whether it may write to any other."""
    writes: list[Write] = []
    for node in tree.find_all(
        exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Into
    ):
        if isinstance(node, exp.Insert):
            found = _inserted(node, catalogue)
        elif isinstance(node, exp.Update):
            if isinstance(node.parent, exp.When):
                continue  # a part of MERGE
            found = _updated(node, catalogue)
        elif isinstance(node, exp.Delete):
            found = _deleted(node, catalogue)
        elif isinstance(node, exp.TruncateTable):
            if str(node.args.get("option") or "").upper() == "CASCADE":
                return (), True
            found = _any(node)
        else:
            found = _any(node)
        if not found:
            return (), True
        writes += found
    return tuple(writes), False


def _any(node: exp.Expr) -> list[Write]:
    """All tables in it, and all that may have happened to them."""
    return [Write(name, Kind.ANY) for name in _names(node)]


def _names(node: exp.Expr) -> list[str]:
    return sorted(
        {
            table.name.casefold()
            for table in node.find_all(exp.Table)
            if isinstance(table.this, exp.Identifier)
        }
    )


def _inserted(node: exp.Insert, catalogue: Catalogue) -> list[Write]:
    target = node.this
    table = target.this if isinstance(target, exp.Schema) else target
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return []
    name = table.name.casefold()
    if str(node.args.get("alternative") or "").upper() == "REPLACE" or node.args.get("overwrite"):
        return [Write(name, Kind.ANY)]
    if not isinstance(target, exp.Schema):
        if node.args.get("conflict") is not None:
            return [Write(name, Kind.ANY)]
        return [Write(name, Kind.INSERT)]
    columns = [part.name.casefold() for part in target.expressions]
    assigned = dict(zip(columns, _rows(node.expression, len(columns)), strict=False))
    write = Write(name, Kind.INSERT, assigned=assigned)
    conflict = node.args.get("conflict")
    if conflict is None or "NOTHING" in str(conflict.args.get("action") or "").upper():
        return [write]
    return [write, _resolved(name, conflict, assigned, catalogue)]


def _resolved(
    name: str,
    conflict: exp.Expr,
    assigned: dict[str, tuple[Source, ...] | None],
    catalogue: Catalogue,
) -> Write:
    """What happens to rows that are there already."""
    key = catalogue.table(name).key
    by = [found.name.casefold() for found in _conflict_columns(conflict)]
    values = assigned.get(key) if key is not None else None
    if key is None or by != [key] or values is None:
        return Write(name, Kind.ANY)
    changed: dict[str, tuple[Source, ...] | None] = {
        part.this.name.casefold(): assigned.get(part.this.name.casefold())
        if _is_excluded(part)
        else None
        for part in conflict.expressions
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column)
    }
    if len(changed) != len(conflict.expressions):
        return Write(name, Kind.ANY)
    return Write(name, Kind.UPDATE, (Match(key, values),), changed)


def _conflict_columns(conflict: exp.Expr) -> list[exp.Column]:
    return [
        column
        for part in conflict.args.get("conflict_keys") or ()
        for column in part.find_all(exp.Column)
    ]


def _is_excluded(part: exp.EQ) -> bool:
    value = part.expression
    return (
        isinstance(value, exp.Column)
        and value.table.casefold() == "excluded"
        and value.name.casefold() == part.this.name.casefold()
    )


def _rows(values: exp.Expr | None, width: int) -> list[tuple[Source, ...] | None]:
    """For each column, where its values stand in all rows; None: that isn't known."""
    if isinstance(values, exp.Values):
        rows = [list(row.expressions) for row in values.expressions if isinstance(row, exp.Tuple)]
        if len(rows) == len(values.expressions) and all(len(row) == width for row in rows):
            return [_all_known([source(row[each]) for row in rows]) for each in range(width)]
    if isinstance(values, exp.Select):
        from_ = values.args.get("from_")
        unnest = from_.this if from_ is not None else None
        is_all = len(values.expressions) == 1 and isinstance(values.expressions[0], exp.Star)
        if isinstance(unnest, exp.Unnest) and is_all and len(unnest.expressions) == width:
            return [_all_known([array(each)]) for each in unnest.expressions]
    return [None] * width


def _all_known(sources: list[Source | None]) -> tuple[Source, ...] | None:
    known = tuple(found for found in sources if found is not None)
    return known if len(known) == len(sources) else None


def _updated(node: exp.Update, catalogue: Catalogue) -> list[Write]:
    table = node.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return []
    if table.args.get("joins"):  # MySQL: several tables, and any of them may be changed
        return _any(table)
    if node.args.get("from_") is not None and catalogue.vendor not in _TARGETS_ARE_TABLES:
        return _any(node)
    assigned: dict[str, tuple[Source, ...] | None] = {}
    for part in node.expressions:
        if not isinstance(part, exp.EQ) or not isinstance(part.this, exp.Column):
            return [Write(table.name.casefold(), Kind.ANY)]
        value = source(part.expression)
        assigned[part.this.name.casefold()] = None if value is None else (value,)
    return [Write(table.name.casefold(), Kind.UPDATE, _matches(node, table, catalogue), assigned)]


def _deleted(node: exp.Delete, catalogue: Catalogue) -> list[Write]:
    table = node.this
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return []
    if node.args.get("tables") or table.args.get("joins"):
        # MySQL: rows of several tables. What stands before FROM may be aliases of those behind it.
        node.set("tables", None)
        return _any(node)
    if node.args.get("using") and catalogue.vendor not in _TARGETS_ARE_TABLES:
        return _any(node)
    return [Write(table.name.casefold(), Kind.DELETE, _matches(node, table, catalogue))]


def _matches(
    node: exp.Update | exp.Delete, table: exp.Table, catalogue: Catalogue
) -> tuple[Match, ...]:
    """What WHERE says of the rows of *table*."""
    where = node.args.get("where")
    known = catalogue.table(table.name.casefold())
    name = table.alias_or_name.casefold()
    is_alone = node.args.get("from_") is None and not node.args.get("using")
    found: dict[str, Match] = {}
    for condition in conjuncts(where.this if where else None):
        values = values_of(condition)
        if values is None:
            continue
        column = values[0]
        if column.table.casefold() != name and (column.table or not is_alone):
            continue
        told = column.name.casefold()
        if told in known.tracked:
            found.setdefault(told, Match(told, values[1]))
    return tuple(found.values())
