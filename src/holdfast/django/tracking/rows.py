"""The rows of a result, as the program fetches them: they tell what the result depends on.

Only what is fetched counts: a row that the program never saw can't have made its result untrue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from .binding import MOST_ROWS
from .depending import Watch
from .names import Names


class WrappedCursor:
    """A cursor of the database's driver, until it executes something else.

    Args:
        cursor: the driver's.

    Attributes:
        cursor: likewise.
    """

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """As the driver's. The rows are others then."""
        self._let_go()
        result = self.cursor.execute(*args, **kwargs)
        return self if result is self.cursor else result

    def executemany(self, *args: Any, **kwargs: Any) -> Any:
        """As the driver's. The rows are others then."""
        self._let_go()
        result = self.cursor.executemany(*args, **kwargs)
        return self if result is self.cursor else result

    def _let_go(self) -> None:
        raise NotImplementedError


def wrap(cursor: Any, kind: Callable[[Any], WrappedCursor], result: Any) -> Any:
    """Give Django's *cursor* one of *kind* in place of the driver's, and *result*, if it is that.

    Some drivers return themselves from `execute`, so that rows can be fetched from what it returns.
    """
    before = cursor.cursor
    driver = before.cursor if isinstance(before, WrappedCursor) else before
    cursor.cursor = wrapped = kind(driver)
    return wrapped if result is before or result is driver else result


class WatchedCursor(WrappedCursor):
    """A cursor of the database's driver, and whoever is told of the rows that come from it.

    Args:
        cursor: the driver's.
        report: called with tags.
        watches: what to look for.
        names: of the tags.
    """

    def __init__(
        self,
        cursor: Any,
        report: Callable[[set[bytes]], None],
        watches: Sequence[Watch],
        names: Names,
    ) -> None:
        super().__init__(cursor)
        self._report = report
        self._watches = list(watches)
        self._names = names
        self._told: list[set[str]] = [set() for _ in self._watches]

    def _let_go(self) -> None:
        self._watches, self._told = [], []

    def fetchone(self) -> Any:
        """As the driver's."""
        row = self.cursor.fetchone()
        self._see(() if row is None else (row,))
        self._miss()
        return row

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        """As the driver's."""
        rows = self.cursor.fetchmany(*args, **kwargs)
        self._see(rows)
        self._miss()
        return rows

    def fetchall(self) -> Any:
        """As the driver's."""
        rows = self.cursor.fetchall()
        self._see(rows)
        self._miss()
        return rows

    def __iter__(self) -> Iterator[Any]:
        try:
            for row in self.cursor:
                self._see((row,))
                yield row
        finally:
            self._miss()

    def __next__(self) -> Any:
        row: Any = None
        try:
            row = next(self.cursor)
        finally:
            self._see(() if row is None else (row,))
            self._miss()
        return row

    def _see(self, rows: Sequence[Any]) -> None:
        tags: set[bytes] = set()
        for watch, told in zip(self._watches, self._told, strict=True):
            if watch.at is not None:
                self._tell(watch, told, rows, tags)
            elif rows and watch.wanted is not None:
                told.update(watch.wanted)  # that there is a row is all that it has to show
        if tags:
            self._report(tags)

    def _tell(self, watch: Watch, told: set[str], rows: Sequence[Any], tags: set[bytes]) -> None:
        """Add the tags of the rows that were seen for the first time."""
        table, key = watch.table, watch.table.key
        if key is None or (watch.otherwise is not None and len(told) > MOST_ROWS):
            return
        canonical = table.tracked[key]
        try:
            found = {canonical(row[watch.at]) for row in rows if row[watch.at] is not None}
        except (ValueError, TypeError, ArithmeticError):
            tags.add(self._names.whole(table.name))
            return
        found -= told
        told |= found
        if watch.otherwise is None:
            return  # they were asked for one by one, and are known
        if len(told) > MOST_ROWS:
            tags.add(watch.otherwise)
        else:
            tags.update(self._names.value(table.name, key, value) for value in found)

    def _miss(self) -> None:
        """What was asked for and has not been seen by now may not exist."""
        tags = {
            watch.if_missing
            for watch, told in zip(self._watches, self._told, strict=True)
            if watch.if_missing is not None and watch.wanted is not None and watch.wanted - told
        }
        if tags:
            self._report(tags)


class FetchedCursor(WrappedCursor):
    """A cursor of the database's driver, all of whose rows have been fetched.

    Args:
        cursor: the driver's.
    """

    def __init__(self, cursor: Any) -> None:
        super().__init__(cursor)
        self._rows: Iterator[Any] = iter(cursor.fetchall())

    def _let_go(self) -> None:
        self._rows = self.cursor

    def fetchone(self) -> Any:
        """The next row; None: there is none."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        """The next *size* rows."""
        return list(islice(self._rows, size))

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def __next__(self) -> Any:
        return next(self._rows)
