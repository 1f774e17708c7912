"""The key=value line of a usual request, made at once.

Says what `as_line(recorder.event(entry))` says, and does so at a third of the cost: of what the log
costs a request, half is spent here. What is not usual (an exception, a body, who asked) is left to
those two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .entry import Entry
from .formats import quoted
from .redaction import HIDDEN

if TYPE_CHECKING:
    from .recorder import Recorder

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 400


class UsualLine:
    """Makes the lines for one recorder.

    What a request asks for, and who asks, comes again and again: these parts of the line are
    remembered, where nothing in them had to be hidden.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._asked: dict[tuple[str, str], str] = {}
        self._asking: dict[tuple[str, str, tuple[str | None, ...]], tuple[str, str]] = {}

    def of(self, entry: Entry) -> str | None:
        """The line; None: it is not usual."""
        if (
            entry.is_start
            or entry.exception
            or entry.body is not None
            or entry.response_body is not None
            or entry.who
            or entry.state
        ):
            return None
        recorder = self._recorder
        asked = self._asked.get((entry.method, entry.path)) or self._ask(entry)
        asking = self._asking.get((entry.peer, entry.forwarded, entry.headers)) or self._who(entry)
        began, first = entry.began, entry.first_byte_at
        query = f" query={quoted(recorder.redaction.query(entry.query))}" if entry.query else ""
        first_byte = f" first_byte={first - began:.6f}" if first else ""
        route = f" route={quoted(entry.route)}" if entry.route else ""
        if entry.route_name:
            route += f" route_name={quoted(entry.route_name)}"
        if entry.view:
            route += f" view={quoted(entry.view)}"
        trace = f" trace_id={entry.trace_id} span_id={entry.span_id}" if entry.trace_id else ""
        given = entry.request_id
        return (
            f"time={recorder.stamp(entry.time)} event=out"
            f" request_id={given if '=' not in given else quoted(given)}{asked}{query}"
            f" status={entry.status} outcome={entry.outcome} seconds={entry.ended_at - began:.6f}"
            f"{first_byte} bytes_in={entry.bytes_in} bytes_out={entry.bytes_out}{route}"
            f" client={asking[0]}{trace} pid={recorder.pid}{asking[1]}"
        )

    def _ask(self, entry: Entry) -> str:
        clean = self._recorder.redaction.text
        method, path = clean(entry.method), clean(entry.path)
        part = f" method={quoted(method)} path={quoted(path)}"
        if (method, path) == (entry.method, entry.path):
            _remember(self._asked, (method, path), part, len(part))
        return part

    def _who(self, entry: Entry) -> tuple[str, str]:
        recorder = self._recorder
        client = quoted(recorder.proxies.client(entry.peer, entry.forwarded))
        redaction = recorder.redaction
        parts, hides = [], False
        for name, value in zip(recorder.header_names, entry.headers, strict=False):
            if value is not None:
                clean = HIDDEN if redaction.is_secret(name) else redaction.text(value)
                hides = hides or clean != value
                parts.append(f" headers.{name}={quoted(clean)}")
        found = client, "".join(parts)
        if not hides:
            key = entry.peer, entry.forwarded, entry.headers
            _remember(self._asking, key, found, len(found[1]) + len(entry.forwarded))
        return found


def _remember(where: dict[Any, Any], key: object, value: object, size: int) -> None:
    if size <= _LONGEST_REMEMBERED:
        if len(where) >= _REMEMBERED:
            where.clear()
        where[key] = value
