"""`http.server.request.duration`, `http.server.active_requests`, `holdfast.requests`.

With the attributes of OpenTelemetry's conventions for HTTP, by its API: the project sets up the SDK
and what it exports to.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from ..entry import Entry
from . import BOUNDS, in_flight, method_of

_METHOD, _ROUTE = "http.request.method", "http.route"


class OpenTelemetryMeter:
    """Counts by OpenTelemetry's metrics API."""

    def __init__(self) -> None:
        api = get_meter("holdfast")
        self._requests = api.create_counter(
            "holdfast.requests", "{request}", "Requests that have ended"
        )
        self._seconds = api.create_histogram(
            "http.server.request.duration",
            "s",
            "Duration of HTTP server requests",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )
        api.create_observable_up_down_counter(
            "http.server.active_requests", [_active], "{request}", "Requests that run now"
        )

    def count(self, entry: Entry) -> None:
        """Count a request that has ended."""
        attributes: dict[str, str | int] = {
            _METHOD: method_of(entry),
            _ROUTE: entry.route,
            "http.response.status_code": entry.status,
        }
        self._seconds.record(entry.ended_at - entry.began, attributes)
        self._requests.add(1, {**attributes, "holdfast.outcome": entry.outcome})

    def tick(self) -> None:
        """Nothing: OpenTelemetry asks."""


def _active(options: CallbackOptions) -> Iterable[Observation]:
    for (method, route), number in in_flight().items():
        yield Observation(number, {_METHOD: method, _ROUTE: route})


@cache
def meter() -> OpenTelemetryMeter:
    """The meter of this process."""
    return OpenTelemetryMeter()
