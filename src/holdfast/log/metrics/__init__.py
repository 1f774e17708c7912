"""Counts and durations of requests, for Prometheus and OpenTelemetry, each by its own library.

Taken in the writer's thread, of every request: also of those that sampling leaves out of the log.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from ..entry import Entry, open_entries

logger = logging.getLogger("holdfast")

#: Anybody can send any method; a metric must not have as many series.
_METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "WEBSOCKET"}
)

#: Upper bounds in seconds: those of the conventions for HTTP servers.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class Meter(Protocol):
    """Counts requests that have ended."""

    def count(self, entry: Entry) -> None:
        """Count one."""
        ...

    def tick(self) -> None:
        """Called after each batch."""
        ...


def method_of(entry: Entry) -> str:
    """The method, or what stands for all that nobody has heard of."""
    return entry.method if entry.method in _METHODS else "_OTHER"


def in_flight() -> Counter[tuple[str, str]]:
    """How many requests run in this process, by method and route."""
    return Counter((method_of(entry), _route_of(entry)) for entry in list(open_entries.values()))


def _route_of(entry: Entry) -> str:
    # Django's request knows it as soon as the view is found.
    match = getattr(entry.request, "resolver_match", None)
    return entry.route or str(getattr(match, "route", "") or "")


def meter_for(kind: str) -> Meter:
    """The meter that a name in the setting `METRICS` stands for; one in a process."""
    if kind == "prometheus":
        from .prometheus import meter

        return meter()
    from .opentelemetry import meter as opentelemetry_meter

    return opentelemetry_meter()


def meters_for(kinds: Iterable[str]) -> list[Meter]:
    """The meters that the setting `METRICS` names; without those that aren't installed."""
    meters = []
    for kind in kinds:
        try:
            meters.append(meter_for(kind))
        except ImportError:
            logger.exception("Requests are not counted for %s.", kind)
    return meters
