"""`holdfast.cache.hits` and the like, by OpenTelemetry's metrics API.

The project sets up the SDK and what it exports to. Its reader asks for the figures when it wants
them; each process is asked by its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from . import COUNTERS, OF_FRAMEWORK, OF_STORE, OF_THE_MOMENT, Sample, Told, counters, gauges

_PREFIX = "holdfast.cache."
_UNITS = {"wait_seconds": "s", "load_seconds": "s", "stored_bytes": "By", "process_bytes": "By"}
#: What a metric is called here, where the unit isn't part of the name.
_NAMES = {"wait_seconds": "wait.duration", "load_seconds": "load.duration"}


@cache
def begin() -> None:
    """Offer them. Once in a process."""
    meter = get_meter("holdfast")
    told = {each.metric: each for each in (*COUNTERS.values(), *OF_STORE.values(), OF_FRAMEWORK)}
    for each in told.values():
        meter.create_observable_counter(
            _name(each), [_look(counters, each)], _UNITS.get(each.metric, "1"), each.help
        )
    for each in OF_THE_MOMENT.values():
        meter.create_observable_up_down_counter(
            _name(each), [_look(gauges, each)], _UNITS.get(each.metric, "1"), each.help
        )


def _name(told: Told) -> str:
    return _PREFIX + _NAMES.get(told.metric, told.metric)


def _look(
    samples: Callable[[], Iterable[Sample]], told: Told
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def look(options: CallbackOptions) -> Iterable[Observation]:
        for each, labels, value in samples():
            if each.metric == told.metric:
                attributes = {f"{_PREFIX}{name}": label for name, label in labels.items()}
                yield Observation(value, attributes)

    return look
