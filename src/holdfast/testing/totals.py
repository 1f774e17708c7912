"""What the watch has seen in a test run, in all processes that run its tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..watch import Collector
from ..watch.visits import visits
from ..watch.words import listed, places_of


def seen_here(collector: Collector) -> dict[str, Any]:
    """What this process has seen, as plain data."""
    shared = places_of(one for one in collector.found if not one.kind.is_bug)
    return {
        "requests": visits(),
        "bugs": sorted({f"{one.kind.value} {one.place}" for one in collector.bugs}),
        "shared": [[*place, count] for place, count in shared.items()],
    }


def lines(seen: Sequence[Mapping[str, Any]]) -> list[str]:
    """How many requests were watched in all, and what they share, which fails no test."""
    requests = sum(one["requests"] for one in seen)
    bugs = len({bug for one in seen for bug in one["bugs"]})
    shared: Counter[tuple[str, str]] = Counter()
    for one in seen:
        for place, where, count in one["shared"]:
            shared[place, where] += count
    watched = f"{requests} {'request' if requests == 1 else 'requests'} watched"
    found = f"{bugs} {'bug' if bugs == 1 else 'bugs'} found"
    return [f"{watched}, {found}", *(listed(shared) if shared else ())]
