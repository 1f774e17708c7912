"""`holdfast_requests_total`, `holdfast_request_seconds`, `holdfast_requests_in_flight`.

In the default registry of `prometheus_client`, which serves them as it serves others. With several
workers set `PROMETHEUS_MULTIPROC_DIR`, as that library's documentation says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ..entry import Entry
from . import BOUNDS, in_flight, method_of

_IN_FLIGHT = "holdfast_requests_in_flight", "Requests that run now"


class PrometheusMeter:
    """Counts into `prometheus_client`'s default registry."""

    def __init__(self) -> None:
        self._requests = Counter(
            "holdfast_requests",
            "Requests that have ended",
            ("method", "route", "status", "outcome"),
        )
        self._seconds = Histogram(
            "holdfast_request_seconds",
            "Seconds from a request's first byte to its end",
            ("method", "route"),
            buckets=BOUNDS,
        )
        self._gauge: Gauge | None = None
        self._shown: set[tuple[str, str]] = set()
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ or "prometheus_multiproc_dir" in os.environ:
            # Nobody can ask another process when the page is asked for: each writes its own down.
            labels = ("method", "route")
            self._gauge = Gauge(*_IN_FLIGHT, labels, multiprocess_mode="livesum")
        else:
            REGISTRY.register(_InFlight())

    def count(self, entry: Entry) -> None:
        """Count a request that has ended."""
        method = method_of(entry)
        self._requests.labels(method, entry.route, str(entry.status), entry.outcome).inc()
        self._seconds.labels(method, entry.route).observe(entry.ended_at - entry.began)

    def tick(self) -> None:
        """Write down how many run."""
        if self._gauge is None:
            return
        found = in_flight()
        for key in self._shown - found.keys():
            self._gauge.labels(*key).set(0)
        for key, number in found.items():
            self._gauge.labels(*key).set(number)
        self._shown |= found.keys()


class _InFlight(Collector):
    """Looks when it is asked."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(*_IN_FLIGHT, labels=("method", "route"))
        for key, number in in_flight().items():
            family.add_metric(key, number)
        yield family


@cache
def meter() -> PrometheusMeter:
    """The meter of this process."""
    return PrometheusMeter()
