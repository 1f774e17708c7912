"""Threads or connections grow with the requests that a process has served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...events import Count
from ...run import Run
from ..finding import Finding

#: So many more a request: less is a pool that fills up further. All users have been there once
#: before the first look, so that most pools are full by then.
MORE_A_REQUEST = 0.8
#: So many requests there are at least between two looks that count.
FEWEST_REQUESTS = 8


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
    if steps and grows:
        yield counts[0], counts[-1]
