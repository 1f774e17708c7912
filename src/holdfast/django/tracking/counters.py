"""What the tracking has seen, counted in this process: which queries were too broad, above all."""

from __future__ import annotations

from dataclasses import dataclass

#: So many texts are counted one by one.
_MOST = 1000


@dataclass(slots=True)
class Query:
    """How often the results of one query, by its text, were recorded.

    Attributes:
        sql: the text, with lists made short.
        recorded: how often.
        broad: how often the result depended on a whole table, or on rows that can't be told.
        refused: how often the result could not be kept.
        reason: why, the last time.
    """

    sql: str
    recorded: int = 0
    broad: int = 0
    refused: int = 0
    reason: str = ""


class Events:
    """Counters of this process. They take no lock: a count may be lost between threads."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._queries: dict[str, Query] = {}

    def count(self, name: str) -> None:
        """One more of these."""
        self._counts[name] = self._counts.get(name, 0) + 1

    def query(self, sql: str) -> Query:
        """The counters of a query; of one in place of all, where there are too many."""
        found = self._queries.get(sql)
        if found is None:
            name = sql if len(self._queries) < _MOST else "(others)"
            found = self._queries.setdefault(name, Query(name))
        return found

    def snapshot(self) -> dict[str, int]:
        """How often each thing happened."""
        return dict(self._counts)

    def queries(self) -> list[Query]:
        """Queries whose results were recorded; those that were broad or refused most first."""
        return sorted(
            self._queries.values(), key=lambda query: (-query.refused - query.broad, query.sql)
        )

    def clear(self) -> None:
        """Start from nothing."""
        self._counts.clear()
        self._queries.clear()


events = Events()
