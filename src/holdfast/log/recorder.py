"""One request log of a process: its settings, what runs, and how an entry becomes an event."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections.abc import Mapping
from typing import Any

from ..configuration import listeners, setting
from ..log_settings import KEYS, LogSettings, validated_log
from ..spelling import ConfigurationError, meant
from . import ending, ids
from .addresses import TrustedProxies
from .bodies import body_text
from .entry import Entry, open_entries
from .identity import identify_of
from .least_event import least_event
from .metrics import Meter, meters_for
from .redaction import Redaction
from .sampling import Limit, Sampling
from .sinks import NotAll, ToDescriptor, sink_or_stderr
from .usual_line import UsualLine
from .writer import Writer

_recorders: dict[LogSettings, Recorder] = {}
_all: weakref.WeakSet[Recorder] = weakref.WeakSet()


def recorders() -> list[Recorder]:
    """The recorders of this process."""
    return list(_all)


def settings_of(given: Mapping[str, Any]) -> LogSettings:
    """`HOLDFAST["LOG"]`, with the arguments of a wrapper in place of keys of the same name.

    Raises:
        ConfigurationError: an argument is unknown, or its value is.
    """
    for name in given:
        if name.upper() not in KEYS or not name.islower():
            known = [key.lower() for key in KEYS]
            raise ConfigurationError(f"RequestLog() takes no {name!r}.{meant(name, known)}")
    upper = {name.upper(): value for name, value in given.items()}
    validated_log(upper, "RequestLog()")  # named after where it was given
    return validated_log({**setting("LOG", {}), **upper})


def recorder_for(given: Mapping[str, Any]) -> Recorder:
    """The recorder with these settings; there is one for each combination in a process."""
    settings = settings_of(given)
    try:
        recorder = _recorders.get(settings)
    except TypeError:  # a function that can't be hashed
        return Recorder(settings)
    if recorder is None:
        recorder = _recorders.setdefault(settings, Recorder(settings))
    return recorder


class Recorder:
    """What a wrapper needs at hand for each request."""

    def __init__(self, settings: LogSettings) -> None:
        self.settings = settings
        self.names = settings.state
        self.header_names = settings.headers
        self.in_event = settings.in_event
        self.body_size = settings.body
        self.response_size = settings.response_body
        self.return_ids = settings.return_ids and settings.request_id is not None
        self.id_header = settings.request_id or ""
        #: The header to answer with, and the same in small letters; empty: none.
        returned = self.id_header if self.return_ids else ""
        self.returned_header = returned, returned.lower()
        self.proxies = TrustedProxies(settings.proxies, settings.forwarded)
        self.identify = identify_of(settings)
        #: Whether there is anything to ask at a request's end.
        self.asks = bool(self.names or self.identify is not None)
        self.redaction = Redaction(settings.redact, settings.redact_patterns)
        self._sampling = Sampling(settings)
        self._limit = None if settings.limit is None else Limit(settings.limit)
        self._sink = sink_or_stderr(settings.output, settings.format)
        # The lines of usual requests are written without a dict between.
        takes_lines = settings.format == "line" and isinstance(self._sink, ToDescriptor)
        self._line = UsualLine(self) if takes_lines else None
        self._metrics = meters_for(settings.metrics)
        self.writer = Writer(
            settings.queue,
            self._handle,
            native=self._sink.native,
            begin=ending.watch,
            forget=self._forget,
        )
        self.written = 0
        self._dropped = 0
        _all.add(self)
        # The second that was written last, and how.
        self._second, self._stamp = -1, ""
        self.pid = os.getpid()
        self.note_span = _span_noter()
        ending.watch()

    def _forget(self) -> None:
        self.pid = os.getpid()
        self.written = self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many records this process has dropped because the queue was full."""
        return self._dropped + self.writer.dropped

    # At each request.

    def begin(self, entry: Entry, given_id: str | None, traceparent: str | None) -> None:
        """The request has come: its ids, and its place among those that run."""
        entry.recorder = self
        entry.request_id = ""
        if given_id or traceparent:
            self._take_ids(entry, given_id, traceparent)
        if not entry.request_id:
            entry.request_id = ids.new_id()
        if self.note_span is not None:
            self.note_span(entry)
        open_entries[id(entry)] = entry
        if self.in_event:
            self.writer.put(entry.at_start())

    def _take_ids(self, entry: Entry, given_id: str | None, traceparent: str | None) -> None:
        takes = self.settings.take_ids
        if takes == "never" or (takes == "proxies" and not self.proxies.trusts(entry.peer)):
            return
        if traceparent and ids.is_traceparent(traceparent):
            entry.traceparent = traceparent
            entry.trace_id, entry.span_id = traceparent[3:35], traceparent[36:52]
        if given_id and ids.is_request_id(given_id):
            entry.request_id = given_id

    def end(self, entry: Entry, outcome: str) -> None:
        """The request has ended. Only the first call for an entry counts."""
        if open_entries.pop(id(entry), None) is None:
            return
        entry.outcome = outcome
        entry.request = None
        if not entry.ended_at:
            entry.ended_at = time.perf_counter()
        self.writer.put(entry)

    # In the writer's thread.

    def _handle(self, batch: list[Entry]) -> None:
        for meter in self._metrics:
            self._count(meter, batch)
        events: list[Any] = []
        for entry in batch:
            try:
                event = self._chosen(entry)
            except Exception as error:  # noqa: BLE001 - it costs no other entry its event
                self.writer.complain("describe a request", error)
                event = least_event(self, entry)
            if event is not None:
                events.append(event)
        dropped = self.writer.taken_drops()
        if dropped:
            self._dropped += dropped
            now = self.stamp(time.time())
            events.append({"time": now, "event": "dropped", "records": dropped, "pid": self.pid})
        if events:
            self._hand_on(events)

    def _count(self, meter: Meter, batch: list[Entry]) -> None:
        try:
            for entry in batch:
                if not entry.is_start:
                    meter.count(entry)
            meter.tick()
        except Exception as error:  # noqa: BLE001 - metrics cost nobody a line
            self.writer.complain("count requests", error)

    def _hand_on(self, events: list[Any]) -> None:
        lost = 0
        try:
            self._sink.write(events)
        except NotAll as error:
            lost = error.lost
            self.writer.lose(lost, error.__cause__ or error)
        except Exception as error:  # noqa: BLE001 - the disk is full, or the like
            lost = len(events)
            self.writer.lose(lost, error)
        self.written += len(events) - lost

    def _chosen(self, entry: Entry) -> dict[str, Any] | str | None:
        """The event to write for *entry*, or its line; None where it is left out."""
        if self._sampling.asks and not self._sampling.writes(entry):
            return None
        if self._limit is None:
            if self._line is not None and (line := self._line.of(entry)) is not None:
                return line
            return self.event(entry)
        key = (entry.is_start, entry.route, entry.status, entry.outcome)
        # By the clock of durations, which nobody sets; an entry at its start has no end yet.
        left_out = self._limit.passes(key, entry.ended_at or entry.began)
        if left_out is None:
            return None
        event = self.event(entry)
        if left_out:
            event["left_out"] = left_out
        return event

    def event(self, entry: Entry) -> dict[str, Any]:
        """What may be stored of *entry*: nothing secret, and nothing but plain data."""
        clean = self.redaction.text
        event: dict[str, Any] = {
            "time": self.stamp(entry.time),
            "event": "in" if entry.is_start else "out",
            "request_id": entry.request_id,
            "method": clean(entry.method),
            "path": clean(entry.path),
        }
        if entry.query:
            event["query"] = self.redaction.query(entry.query)
        if not entry.is_start:
            self._add_end(event, entry)
        event["client"] = self.proxies.client(entry.peer, entry.forwarded)
        if entry.trace_id:
            event["trace_id"], event["span_id"] = entry.trace_id, entry.span_id
        event["pid"] = self.pid
        if entry.headers:
            event["headers"] = {
                name: "***" if self.redaction.is_secret(name) else clean(value)
                for name, value in zip(self.header_names, entry.headers, strict=True)
                if value is not None
            }
        if entry.who:
            event["who"] = {
                str(name): self.redaction.value(str(name), value)
                for name, value in entry.who.items()
            }
        if entry.state:
            event["state"] = {
                name: self.redaction.value(name, value) for name, value in entry.state.items()
            }
        return event

    def _add_end(self, event: dict[str, Any], entry: Entry) -> None:
        event["status"] = entry.status
        event["outcome"] = entry.outcome
        event["seconds"] = round(entry.ended_at - entry.began, 6)
        if entry.first_byte_at:
            event["first_byte"] = round(entry.first_byte_at - entry.began, 6)
        event["bytes_in"] = entry.bytes_in
        event["bytes_out"] = entry.bytes_out
        if entry.route:
            event["route"] = entry.route
        if entry.route_name:
            event["route_name"] = entry.route_name
        if entry.view:
            event["view"] = entry.view
        if entry.exception:
            event["exception"], event["raised_at"] = entry.exception, entry.raised_at
        if entry.body is not None:
            event["body"] = body_text(
                entry.body,
                entry.content_type,
                entry.content_encoding,
                self.redaction,
                entry.bytes_in,
            )
        if entry.response_body is not None:
            event["response_body"] = body_text(
                entry.response_body,
                entry.response_type,
                entry.response_encoding,
                self.redaction,
                entry.bytes_out,
            )

    def stamp(self, seconds: float) -> str:
        """The time, in UTC with milliseconds."""
        whole = int(seconds)
        if whole != self._second:
            self._second = whole
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        return self._stamp + _MILLISECONDS[int((seconds - whole) * 1000)]


_MILLISECONDS = [f".{number:03d}Z" for number in range(1000)]


def _span_noter() -> Any:
    if "opentelemetry.trace" not in sys.modules:
        return None
    from .traces import note_span

    return note_span


def _settings_changed() -> None:
    # Those that run go on with theirs; the next request asks anew.
    for recorder in _recorders.values():
        recorder.writer.flush(0.2)
    generation[0] += 1


#: Counts how often settings were applied: a wrapper whose recorder is older asks anew.
generation = [0]
listeners.append(_settings_changed)
