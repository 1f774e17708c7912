"""The event of an entry that can't be put into words: what needs no reading of what clients sent.

Whatever is wrong with one request, it costs neither its own line nor those of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .entry import Entry
from .redaction import HIDDEN

if TYPE_CHECKING:
    from .recorder import Recorder


def least_event(recorder: Recorder, entry: Entry) -> dict[str, Any]:
    """The ids of *entry* and, at its end, how it ended; each field that all formats ask for."""
    event: dict[str, Any] = {
        "time": recorder.stamp(entry.time),
        "event": "in" if entry.is_start else "out",
        "request_id": entry.request_id,
        "method": HIDDEN,
        "path": HIDDEN,
    }
    if not entry.is_start:
        event["status"], event["outcome"] = entry.status, entry.outcome
        event["seconds"] = round(entry.ended_at - entry.began, 6)
        event["bytes_in"], event["bytes_out"] = entry.bytes_in, entry.bytes_out
    event["client"] = ""
    if entry.trace_id:
        event["trace_id"], event["span_id"] = entry.trace_id, entry.span_id
    event["pid"] = recorder.pid
    return event
