"""OpenTelemetry's current span, where the project uses OpenTelemetry. Needs its API."""

from __future__ import annotations

from typing import Any

from opentelemetry import context, trace

from .entry import Entry


def note_span(entry: Entry) -> None:
    """Give *entry* the ids of the span that is current, if one is."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        entry.trace_id = trace.format_trace_id(span.trace_id)
        entry.span_id = trace.format_span_id(span.span_id)


def current_ids() -> tuple[str, str] | None:
    """Trace and span id of the current span, if there is one."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id)


def current_traceparent() -> str:
    """What tells another service of the current span; empty where there is none."""
    ids = current_ids()
    if ids is None:
        return ""
    flags = trace.get_current_span().get_span_context().trace_flags
    return f"00-{ids[0]}-{ids[1]}-{flags:02x}"


def attach(trace_id: str, span_id: str) -> Any:
    """Make that span the current one: who logs now, logs for it. Give the result to `detach`."""
    span = trace.NonRecordingSpan(
        trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False)
    )
    return context.attach(trace.set_span_in_context(span))


def detach(token: Any) -> None:
    """Undo `attach`."""
    context.detach(token)
