"""The figures of cached results for Prometheus and OpenTelemetry, each by its own library.

`HOLDFAST["CACHE"]["METRICS"] = ["prometheus"]`, `["opentelemetry"]` or both. Nothing is done at a
call: the figures are there (`events`), and are looked at when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ... import configuration, framework
from ..events import all_counts, store_counts


class Told(NamedTuple):
    """What one figure is told as.

    Attributes:
        metric: its name.
        help: what it counts, in a few words.
        labels: with their values.
    """

    metric: str
    help: str
    labels: Mapping[str, str] = {}


_HITS = "Results that were found, and were true"
_VERIFIED = "Results that were compared with the database after they had been served"

#: By figure of `events.Counts`.
COUNTERS: dict[str, Told] = {
    "tier_hits": Told("hits", _HITS, {"where": "process"}),
    "store_hits": Told("hits", _HITS, {"where": "store"}),
    "misses": Told("misses", "Results that were not there, or not true any more"),
    "invalid": Told("invalid", "Misses whose result was there, and had been made untrue"),
    "stale": Told("stale", "Old results that were served while new ones were made"),
    "fail_safe": Told("fail_safe", "Old results that were served because something failed"),
    "waits": Told("waits", "Calls that waited for the load of another"),
    "wait_seconds": Told("wait_seconds", "Seconds for which they waited"),
    "timeouts": Told("wait_timeouts", "Waits that ended without a result"),
    "loads": Told("loads", "Calls of loaders"),
    "load_seconds": Told("load_seconds", "Seconds that they took"),
    "load_errors": Told("load_errors", "Calls of loaders that raised"),
    "refreshes": Told("refreshes", "Loads in the background"),
    "takeovers": Told("takeovers", "Loads begun by a process that didn't bring them to an end"),
    "stored": Told("stored", "Results that were stored"),
    "stored_bytes": Told("stored_bytes", "Their size in bytes"),
    "not_stored": Told("not_stored", "Results that could not be stored, or not any more"),
    "refused": Told("refused", "Results that are for their caller only"),
    "negative": Told("negative", "Results that say that there is none"),
    "errors_served": Told("errors_served", "Errors that were kept, and raised again"),
    "floods": Told("floods", "Loads held back in a flood of keys without result"),
    "outages": Told("outages", "Calls that went on without the store"),
    "broad": Told("broad", "Loads whose results depend on a whole table"),
    "agreed": Told("verified", _VERIFIED, {"outcome": "agreed"}),
    "differed": Told("verified", _VERIFIED, {"outcome": "differed"}),
    "incomparable": Told("verified", _VERIFIED, {"outcome": "incomparable"}),
}
#: By figure of a store. Those of the moment are no counters.
OF_STORE: dict[str, Told] = {
    "errors": Told("store_errors", "Calls of the store that failed"),
    "breaks": Told("store_breaks", "Times that the store was found gone"),
    "tier_evicted": Told("process_evicted", "Results that left a process's memory for others"),
}
OF_THE_MOMENT: dict[str, Told] = {
    "without_store": Told("store_gone", "Processes that go on without the store just now"),
    "tier_bytes": Told("process_bytes", "Bytes of results in processes' own memory, estimated"),
    "tier_results": Told("process_results", "Results in processes' own memory"),
}
OF_FRAMEWORK = Told("tracking", "What the tracking of writes has met, by event")

#: A metric, its labels, and its value.
Sample = tuple[Told, dict[str, str], float]


def counters() -> Iterable[Sample]:
    """All figures that only grow, as they are now in this process."""
    for name, counts in all_counts().items():
        for figure, told in COUNTERS.items():
            yield told, {"name": name, **told.labels}, getattr(counts, figure)
    for store in _stores():
        for figure, told in OF_STORE.items():
            yield told, {"store": store}, of_store(store)[figure]
    for ask in framework.figures:
        for event, number in ask().items():
            yield OF_FRAMEWORK, {"event": event}, number


def gauges() -> Iterable[Sample]:
    """All figures of the moment."""
    for store in _stores():
        for figure, told in OF_THE_MOMENT.items():
            yield told, {"store": store}, of_store(store)[figure]


def labels_of(told: Told) -> tuple[str, ...]:
    """The names of a metric's labels."""
    if told is OF_FRAMEWORK:
        return ("event",)
    kind = "name" if told in COUNTERS.values() else "store"
    return (kind, *told.labels)


def of_store(store: str) -> dict[str, float]:
    """The figures of one store of results, and of this process's memory before it."""
    counts = store_counts(store)
    return {"errors": counts.errors, "breaks": counts.breaks, **of_tier(store)}


def of_tier(store: str) -> dict[str, float]:
    """Those of this process's memory, and whether it goes on without the store."""
    from ..loading import opened  # which comes here itself

    loader = opened(store)
    if loader is None:
        return dict.fromkeys(("tier_bytes", "tier_results", "tier_evicted", "without_store"), 0)
    tier = loader.tier
    return {
        "tier_bytes": tier.size,
        "tier_results": len(tier.of),
        "tier_evicted": tier.evicted,
        "without_store": int(loader.is_without_store),
    }


def _stores() -> list[str]:
    return sorted({counts.store for counts in all_counts().values() if counts.store})


def begin() -> None:
    """Tell whom the settings name. Again when they have changed; it is told only once.

    Raises:
        ModuleNotFoundError: the library isn't installed.
    """
    for kind in configuration.setting("CACHE", {}).get("METRICS", ()):
        if kind == "prometheus":
            from .prometheus import begin as begin_prometheus

            begin_prometheus()
        else:
            from .opentelemetry import begin as begin_opentelemetry

            begin_opentelemetry()


def tick() -> None:
    """Once a second: write down what nobody can ask this process for."""
    if "prometheus" in configuration.setting("CACHE", {}).get("METRICS", ()):
        from .prometheus import tick as tick_prometheus

        tick_prometheus()
