"""`holdfast_cache_hits_total` and the like, in the default registry of `prometheus_client`.

One process is asked when the page is asked for. With several, set `PROMETHEUS_MULTIPROC_DIR`, as
that library's documentation says: each then writes down once a second what has been added.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from . import COUNTERS, OF_FRAMEWORK, OF_STORE, OF_THE_MOMENT, Sample, counters, gauges, labels_of

_PREFIX = "holdfast_cache_"


@cache
def begin() -> None:
    """Have it asked, or get ready to write. Once in a process."""
    if _is_multiprocess():
        _files()
    else:
        REGISTRY.register(_Figures())


def _is_multiprocess() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ or "prometheus_multiproc_dir" in os.environ


class _Figures(Collector):
    """Looks when it is asked."""

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        yield from _families(CounterMetricFamily, counters())
        yield from _families(GaugeMetricFamily, gauges())

    def describe(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        return ()  # as it is when it is registered, there is nothing yet


def _families(kind: type, samples: Iterable[Sample]) -> Iterable[CounterMetricFamily]:
    found: dict[str, CounterMetricFamily] = {}
    for told, labels, value in samples:
        family = found.get(told.metric)
        if family is None:
            family = kind(_PREFIX + told.metric, told.help, labels=labels_of(told))
            found[told.metric] = family
        family.add_metric([labels[name] for name in labels_of(told)], value)
    return found.values()


class _Files:
    """Writes down what has been added since the last time."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        for told in (*COUNTERS.values(), *OF_STORE.values(), OF_FRAMEWORK):
            if told.metric not in self._counters:
                self._counters[told.metric] = Counter(
                    _PREFIX + told.metric, told.help, labels_of(told)
                )
        for told in OF_THE_MOMENT.values():
            self._gauges[told.metric] = Gauge(
                _PREFIX + told.metric, told.help, labels_of(told), multiprocess_mode="livesum"
            )
        self._written: dict[tuple[str, ...], float] = {}

    def write(self) -> None:
        """Do it."""
        for told, labels, value in counters():
            place = (told.metric, *labels.values())
            added = value - self._written.get(place, 0)
            if added > 0:
                self._counters[told.metric].labels(**labels).inc(added)
                self._written[place] = value
        for told, labels, value in gauges():
            self._gauges[told.metric].labels(**labels).set(value)

    def forget_parent(self) -> None:
        """In a forked child: figures begin from 0."""
        self._written.clear()


@cache
def _files() -> _Files:
    made = _Files()
    os.register_at_fork(after_in_child=made.forget_parent)
    return made


def tick() -> None:
    """Write down, where several processes serve the metrics."""
    if _is_multiprocess():
        _files().write()
