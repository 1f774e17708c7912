"""structlog: a processor that says which request a line belongs to, and an output for events."""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping, Sequence
from typing import Any

from .filters import fields_of
from .redaction import Redaction
from .sinks import Event, in_span, level_of, one_by_one


def request_fields(
    state: Collection[str] | None = None,
) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    """A processor that adds `request_id`, `trace_id`, `span_id` and values of `holdfast.state`.

        structlog.configure(processors=[holdfast.log.structlog.request_fields(["user_id"]), ...])

    What has no value is left out; what the event has already stays. Never raises.

    Args:
        state: names of values; by default those of `HOLDFAST["LOG"]["STATE"]`.
    """
    names = None if state is None else tuple(state)
    redaction = Redaction()

    def add_request_fields(
        logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for name, value in fields_of(names, redaction).items():
            if value is not None:
                event.setdefault(name, value)
        return event

    return add_request_fields


class ToStructlog:
    """structlog's logger `holdfast.requests`: each event with its fields, under its kind."""

    native = False

    def write(self, events: Sequence[Event]) -> None:
        """Log *events*."""
        import logging

        import structlog

        logger = structlog.get_logger("holdfast.requests")

        def log(event: Event) -> None:
            fields = {name: value for name, value in event.items() if name != "event"}
            # A processor that stamps the time would put its own there.
            fields["at"] = fields.pop("time")
            with in_span(event):
                name = logging.getLevelName(level_of(event)).lower()
                getattr(logger, name)(f"request {event['event']}", **fields)

        one_by_one(events, log)
