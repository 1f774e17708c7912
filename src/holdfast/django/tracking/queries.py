"""What a query reads: for each table of it, which rows matter to the result.

A table's rows are told by a column that must have certain values: those of others could come, go
and change without any change in the result. Values reach a column through the equalities of joins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from .catalogue import Catalogue, Table
from .conditions import columns_equal, conjuncts, values_of
from .statements import Match, Read, Source


@dataclass(slots=True)
class _Place:
    """A table, as one SELECT names it."""

    table: Table
    is_optional: bool = False  # of a LEFT JOIN: there may be no row
    on: exp.Expr | None = None
    matches: dict[str, tuple[Source, ...]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def reads_of(tree: exp.Query, catalogue: Catalogue) -> tuple[tuple[Read, ...], str | None]:
    """The tables that *tree* reads, and why its result can't be kept, if so."""
    reads: dict[Read, None] = {}
    placed: set[int] = set()
    for select in tree.find_all(exp.Select):
        for read in _Select(select, catalogue, is_outermost=select is tree).reads(placed):
            reads[read] = None
    refusal = None
    for table in tree.find_all(exp.Table):
        if id(table) in placed:
            continue
        if isinstance(table.this, exp.Identifier):
            reads[Read(table.name.casefold())] = None
        elif not isinstance(table.this, exp.Anonymous | exp.Func):
            refusal = "a query that was not understood"
    if any(lock.args.get("wait") is False for lock in tree.find_all(exp.Lock)):
        refusal = refusal or "it skips the rows that others have locked"
    return tuple(reads), refusal


class _Select:
    """One SELECT."""

    def __init__(self, select: exp.Select, catalogue: Catalogue, *, is_outermost: bool) -> None:
        self._select = select
        self._catalogue = catalogue
        self._is_outermost = is_outermost
        self._places: dict[str, _Place] = {}
        self._sources = 0  # tables and all else that a column may belong to
        #: Columns that must be equal; whether values reach the first from the second, too.
        self._equal: list[tuple[_Place, str, _Place, str, bool]] = []
        self._is_plain = True  # no join but INNER and LEFT, no name twice
        self._all_used_known = True

    def reads(self, placed: set[int]) -> Iterable[Read]:
        """One for each table in its FROM. Their nodes' ids are added to *placed*."""
        self._place(placed)
        if not self._is_plain:
            return [Read(place.table.name) for place in self._places.values()]
        self._match()
        shows_rows = self._is_outermost and self._shows_rows()
        if shows_rows:
            self._note_used()
            shows_rows = self._all_used_known
        return [self._read(name, place, shows_rows) for name, place in self._places.items()]

    # Which tables there are

    def _place(self, placed: set[int]) -> None:
        from_ = self._select.args.get("from_")
        if from_ is not None:
            self._add(from_.this, None, placed)
        for join in self._select.args.get("joins") or ():
            self._add(join.this, join, placed)
        if self._select.args.get("laterals"):
            self._sources += 1

    def _add(self, node: exp.Expr, join: exp.Join | None, placed: set[int]) -> None:
        self._sources += 1
        if join is not None and (
            join.side not in ("", "LEFT")
            or join.args.get("method")
            or join.args.get("using")
            or join.kind not in ("", "INNER", "OUTER", "CROSS")
        ):
            self._is_plain = False
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            return
        if node.args.get("joins"):  # in parentheses
            self._is_plain = False
            return
        placed.add(id(node))
        name = node.alias_or_name.casefold()
        if name in self._places:
            self._is_plain = False
            name = f"{name} {len(self._places)}"
        self._places[name] = _Place(
            self._catalogue.table(node.name.casefold()),
            is_optional=join is not None and join.side == "LEFT",
            on=None if join is None else join.args.get("on"),
        )

    def _owner(self, column: exp.Column) -> _Place | None:
        if column.table:
            return self._places.get(column.table.casefold())
        if self._sources == 1 and self._places:
            place = next(iter(self._places.values()))
            if column.name.casefold() in place.table.columns:
                return place
        return None

    # Which of their rows matter

    def _match(self) -> None:
        equal = self._equal
        where = self._select.args.get("where")
        conditions: list[tuple[exp.Expr, _Place | None]] = [
            (part, None) for part in conjuncts(where.this if where else None)
        ]
        for place in self._places.values():
            conditions += [
                (part, place if place.is_optional else None) for part in conjuncts(place.on)
            ]
        for condition, only in conditions:
            self._take(condition, only)
        changed = True
        while changed:
            changed = False
            for place, column, other, other_column, is_both in equal:
                changed |= _pass_on(place, column, other, other_column)
                if is_both:
                    changed |= _pass_on(other, other_column, place, column)

    def _take(self, condition: exp.Expr, only: _Place | None) -> None:
        """Note what *condition* says; that of a LEFT JOIN, of *only* its own table."""
        both = columns_equal(condition)
        if both is not None:
            left, right = self._owner(both[0]), self._owner(both[1])
            if left is None or right is None:
                return
            pair = (left, both[0].name.casefold(), right, both[1].name.casefold())
            if only is None:
                self._equal.append((*pair, True))
            elif only is right:
                self._equal.append((*pair, False))
            elif only is left:
                self._equal.append((right, pair[3], left, pair[1], False))
            return
        found = values_of(condition)
        if found is None:
            return
        place = self._owner(found[0])
        if place is not None and only is None and place.is_optional and Source() in found[1]:
            return  # it holds where there is no row at all
        if place is not None and (only is None or only is place):
            place.matches.setdefault(found[0].name.casefold(), found[1])

    # What of them the result shows

    def _shows_rows(self) -> bool:
        """Whether each row of the result stands for one row of each table in it."""
        select = self._select
        if any(select.args.get(part) for part in ("group", "having", "offset", "qualify")):
            return False
        distinct = select.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            return False
        for found in select.find_all(exp.AggFunc, exp.Window, exp.AnonymousAggFunc):
            if found.parent_select is select:
                return False
        return True

    def _note_used(self) -> None:
        """Note the columns that decide whether, and where, a row is in the result."""
        select = self._select
        names = {shown.alias.casefold(): shown for shown in select.expressions if shown.alias}
        parts: list[exp.Expr] = [
            place.on for place in self._places.values() if place.on is not None
        ]
        for clause in ("where", "order", "limit", "prewhere", "connect", "cluster", "sort"):
            found = select.args.get(clause)
            if found is not None:
                parts.append(found)
        for ordered in select.args["order"].expressions if select.args.get("order") else ():
            by = ordered.this
            if isinstance(by, exp.Literal):
                if not by.is_int or not 0 < int(by.this) <= len(select.expressions):
                    self._all_used_known = False
                    return
                parts.append(select.expressions[int(by.this) - 1])
            elif isinstance(by, exp.Column) and not by.table and by.name.casefold() in names:
                parts.append(names[by.name.casefold()])
        for part in parts:
            for column in part.find_all(exp.Column):
                self._use(column, names)

    def _use(self, column: exp.Column, names: dict[str, exp.Expr]) -> None:
        name = column.name.casefold()
        place = self._places.get(column.table.casefold()) if column.table else None
        if place is not None:
            place.used.add(name)
        elif not column.table and name not in names:
            # It may be of any of them.
            for each in self._places.values():
                each.used.add(name)

    def _shown_at(self, name: str, place: _Place) -> int | None:
        """Where in a row of the result the table's primary key stands."""
        for index, shown in enumerate(self._select.expressions):
            column = shown.this if isinstance(shown, exp.Alias) else shown
            if isinstance(column, exp.Star) or (
                isinstance(column, exp.Column) and isinstance(column.this, exp.Star)
            ):
                return None  # it isn't known how many columns that is
            if (
                isinstance(column, exp.Column)
                and column.name.casefold() == place.table.key
                and self._owner(column) is place
            ):
                return index
        return None

    def _read(self, name: str, place: _Place, shows_rows: bool) -> Read:  # noqa: FBT001
        table = place.table
        shown_at = self._shown_at(name, place) if shows_rows else None
        for column in table.tracked:
            if column not in place.matches:
                continue
            match = Match(column, place.matches[column])
            if column == table.key:
                shows = shows_rows and not place.is_optional
                return Read(table.name, match, row_at=shown_at, shows_existence=shows)
            used = frozenset(place.used - {column})
            return Read(table.name, match, row_at=shown_at, columns=used)
        if shown_at is not None and self._is_joined(place):
            return Read(table.name, row_at=shown_at, is_joined=True)
        return Read(table.name)

    def _is_joined(self, place: _Place) -> bool:
        """Whether it is there only for what a foreign key, which the database holds to, points at.

        Then a row of this table can't come into the result, or leave it, but by a change in the
        table that has the foreign key.
        """
        for left, column, right, other_column, is_both in self._equal:
            pairs = [(left, column, right, other_column)]
            if is_both:
                pairs.append((right, other_column, left, column))
            for other, foreign, one, key in pairs:
                found = other.table.foreign_keys.get(foreign)
                if (
                    one is place
                    and other is not place
                    and found is not None
                    and key == place.table.key
                    and (found.table, found.column) == (place.table.name, key)
                ):
                    return self._decides_nothing(place)
        return False

    def _decides_nothing(self, place: _Place) -> bool:
        """Whether no column of it, but its key, decides which rows are in the result."""
        select = self._select
        if select.args.get("limit") and select.args.get("order"):
            # What is sorted by may stand in the list of columns, under a number or another name.
            decisive = set(place.used)
        else:
            where = select.args.get("where")
            decisive = self._columns_in(where, place) if where is not None else set()
            for each in self._places.values():
                if each.on is not None:
                    decisive |= self._columns_in(each.on, place)
        decisive.discard(place.table.key or "")
        # Foreign keys that further tables are joined by: that drops no row, where a row is sure.
        for left, column, right, other_column, _ in self._equal:
            for one, foreign, other in ((left, column, right), (right, other_column, left)):
                found = place.table.foreign_keys.get(foreign)
                if one is place and found is not None and other.table.name == found.table:
                    if other.is_optional or not found.is_null:
                        decisive.discard(foreign)
        return not decisive

    def _columns_in(self, part: exp.Expr, place: _Place) -> set[str]:
        return {
            column.name.casefold()
            for column in part.find_all(exp.Column)
            if self._owner(column) is place or (not column.table and self._sources > 1)
        }


def _pass_on(place: _Place, column: str, other: _Place, other_column: str) -> bool:
    found = place.matches.get(column)
    if found is None or other_column in other.matches or found == (Source(),):
        return False
    other.matches[other_column] = found
    return True
