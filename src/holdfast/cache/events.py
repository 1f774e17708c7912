"""What happens to cached results, counted by name.

Counting costs some 30 ns, takes no lock and asks nobody; the figures are those of this process.
Whoever exports them reads `snapshot()`: `metrics` for Prometheus and OpenTelemetry, `publishing`
for the command `holdfast cache stats`, which adds up those of all processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable


class Counts:
    """Figures of one cached function, view or query, in this process, since it began.

    Attributes:
        tier_hits: results found in this process's own memory, and true.
        store_hits: results found in the store, and true.
        misses: results that were not there, or no longer true.
        invalid: those of the misses that were there, and had been made untrue.
        stale: results served although their time was over, or although they had been made untrue.
        waits: calls that waited for a load of somebody else.
        wait_seconds: for how long, together.
        timeouts: waits that came to their end without a result.
        loads: calls of the loader.
        load_seconds: how long they took, together.
        load_errors: those of them that raised.
        refreshes: loads ahead of time, or for a stale result, that nobody waited for.
        stored: results stored.
        stored_bytes: their size, together.
        not_stored: results that were not: made untrue meanwhile, refused, or no room.
        refused: those of them that were refused: private, or made of what was stale.
        negative: results that say "there is none".
        errors_served: errors that were kept for `error_ttl`, and raised again.
        fail_safe: old results served because the loader or the store failed.
        floods: loads held back because too many different keys had no result.
        outages: calls that went on without the store.
        takeovers: loads that another process had begun, and had not brought to an end that is kept:
            it died, or it failed.
        broad: loads that read rows which can't be told, so that their results depend on a table.
        queries: the queries that were, as SQL, with how often; the first `MOST_QUERIES`.
        agreed: results served that were compared with the database afterwards, and were true.
        differed: those that were not.
        incomparable: those of which that could not be told.
        reasons: why not, with how often; the first `MOST_REASONS`.
        store: the name of the store that the results are in.
    """

    __slots__ = (
        "agreed",
        "broad",
        "differed",
        "errors_served",
        "fail_safe",
        "floods",
        "incomparable",
        "invalid",
        "load_errors",
        "load_seconds",
        "loads",
        "misses",
        "negative",
        "not_stored",
        "outages",
        "queries",
        "reasons",
        "refreshes",
        "refused",
        "stale",
        "store",
        "store_hits",
        "stored",
        "stored_bytes",
        "takeovers",
        "tier_hits",
        "timeouts",
        "wait_seconds",
        "waits",
    )

    def __init__(self) -> None:
        self.store = ""
        self.begin_anew()

    def begin_anew(self) -> None:
        """From 0."""
        self.queries: dict[str, int] = {}
        self.reasons: dict[str, int] = {}
        for name in FIGURES:
            setattr(self, name, 0)

    # For type checkers: set above, all at once.
    agreed: int
    broad: int
    differed: int
    errors_served: int
    fail_safe: int
    floods: int
    incomparable: int
    invalid: int
    load_errors: int
    load_seconds: float
    loads: int
    misses: int
    negative: int
    not_stored: int
    outages: int
    refreshes: int
    refused: int
    stale: int
    store_hits: int
    stored: int
    stored_bytes: int
    takeovers: int
    tier_hits: int
    timeouts: int
    wait_seconds: float
    waits: int

    def as_dict(self) -> dict[str, float]:
        """All figures, by name; `hits` are those of tier and store."""
        figures = {name: getattr(self, name) for name in FIGURES}
        return {"hits": self.tier_hits + self.store_hits, **figures}

    def note_queries(self, queries: Iterable[str]) -> None:
        """A load executed these, and they were too broad."""
        self.broad += 1
        for sql in queries:
            _one_more(self.queries, sql, MOST_QUERIES)

    def note_incomparable(self, reason: str) -> None:
        """A result could not be compared."""
        self.incomparable += 1
        _one_more(self.reasons, reason, MOST_REASONS)


def _one_more(counted: dict[str, int], what: str, most: int) -> None:
    if what in counted or len(counted) < most:
        counted[what] = counted.get(what, 0) + 1


#: What is counted.
FIGURES = tuple(name for name in Counts.__slots__ if name not in {"queries", "reasons", "store"})
#: Queries that were too broad are remembered, for each name; and reasons why none could compare.
MOST_QUERIES = 20
MOST_REASONS = 10


class StoreCounts:
    """Figures of one store of results, in this process, since it began.

    Attributes:
        errors: calls of the store that failed, whatever for.
        breaks: times that it was found gone, and was left alone until it answered again.
    """

    __slots__ = ("breaks", "errors")

    def __init__(self) -> None:
        self.errors = 0
        self.breaks = 0


_counts: dict[str, Counts] = {}


def counts(name: str) -> Counts:
    """The figures of what is cached under that name; from 0, if it is new."""
    found = _counts.get(name)
    return _counts.setdefault(name, Counts()) if found is None else found


_stores: dict[str, StoreCounts] = {}


def store_counts(store: str) -> StoreCounts:
    """The figures of the store of that name."""
    found = _stores.get(store)
    return _stores.setdefault(store, StoreCounts()) if found is None else found


def all_counts() -> dict[str, Counts]:
    """Those of all names that were counted here."""
    return dict(_counts)


def snapshot(names: Iterable[str] | None = None) -> dict[str, dict[str, float]]:
    """The figures of all names, or of those given, as they are now."""
    wanted = list(_counts) if names is None else names
    return {name: _counts[name].as_dict() for name in wanted if name in _counts}


def _begin_anew() -> None:
    # In place: cached functions hold on to theirs.
    for kept in list(_counts.values()):
        kept.begin_anew()
    for counted in list(_stores.values()):
        counted.errors = counted.breaks = 0


os.register_at_fork(after_in_child=_begin_anew)
