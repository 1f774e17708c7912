"""Threads or connections grow with the requests that a process has served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...events import Count
from ...run import Run
from ..finding import Finding

#: So many more a request: less is a pool that fills up.
MORE_A_REQUEST = 0.5
#: At least so many more in all, and so many requests between two looks that count.
MOST_BY_CHANCE, FEWEST_REQUESTS = 4, 3


def findings(run: Run) -> Iterator[Finding]:
    """One for threads, one for connections, where all looks at a process say that it grows."""
    by_process = defaultdict[int, list[Count]](list)
    for one in sorted(run.counts, key=lambda one: one.at):
        by_process[one.pid].append(one)
    for what in ("threads", "connections"):
        grown = [
            (first, last) for counts in by_process.values() for first, last in _grown(counts, what)
        ]
        if grown:
            before = sum(getattr(first, what) for first, _ in grown)
            after = sum(getattr(last, what) for _, last in grown)
            requests = sum(last.requests - first.requests for first, last in grown)
            yield Finding(
                code="growing",
                culprit=what,
                sentence=(
                    f"The server had {before} {what} at the beginning and {after} after {requests} "
                    "more requests had ended: each request leaves some behind."
                ),
                mend=_MENDS[what],
                numbers={"before": before, "after": after, "requests": requests},
            )


_MENDS = {
    "threads": (
        "Start threads in one executor that all requests share, or end them with the request "
        "(join, shutdown); background tasks that call sync_to_async keep a thread each."
    ),
    "connections": (
        "Close what a request opens (`with`), or take connections from one pool or client that "
        "all requests share."
    ),
}


def _grown(counts: Sequence[Count], what: str) -> Iterator[tuple[Count, Count]]:
    steps = [
        (getattr(after, what) - getattr(before, what), after.requests - before.requests)
        for before, after in pairwise(counts)
        if after.requests - before.requests >= FEWEST_REQUESTS
    ]
    grows = all(more >= MORE_A_REQUEST * requests for more, requests in steps)
    if len(steps) > 1 and grows and sum(more for more, _ in steps) > MOST_BY_CHANCE:
        yield counts[0], counts[-1]
