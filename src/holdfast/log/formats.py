"""An event as text: one line, whatever is in it.

Nothing that a client sends can end a line, begin one, or reach the terminal: characters that can't
be printed are escaped, and whatever has more than plain characters stands in quotation marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Event = dict[str, Any]

_BARE = re.compile(r"[!#-<>-\[\]-~]+").fullmatch
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 200
_quoted: dict[str, str] = {}


def quoted(text: str) -> str:
    """*text* as a value of a key=value line."""
    found = _quoted.get(text)
    if found is None:
        found = _quote(text)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(_quoted) >= _REMEMBERED:
                _quoted.clear()
            _quoted[text] = found
    return found


def _quote(text: str) -> str:
    if _BARE(text):
        return text
    if text.isprintable():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    # Printable letters stay readable; control characters, line ends of all kinds, marks that turn
    # the direction of writing and halves of characters don't.
    return "".join(['"', *(_escaped(character) for character in text), '"'])


def escaped(text: str) -> str:
    """*text* on one line, with nothing that a terminal obeys."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    if code > 0xFFFF:  # noqa: PLR2004 - what four digits can say
        return f"\\U{code:08x}"
    return _SHORT.get(character) or f"\\u{code:04x}"


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}").fullmatch


def _name(name: str) -> str:
    return name if _NAME(name) else re.sub(r"[^A-Za-z0-9_.-]", "_", f"_{name}")[:64]


def as_line(event: Mapping[str, Any]) -> str:
    """`time=… event=out request_id=… method=GET path=/ status=200 …`, in one order always."""
    parts = []
    for name, value in event.items():
        kind = type(value)
        if kind is str:
            parts.append(f"{name}={_quoted.get(value) or quoted(value)}")
        elif kind is int:
            parts.append(f"{name}={value}")
        elif kind is float:
            parts.append(f"{name}={value:.6f}")
        elif kind is dict:
            parts += [f"{name}.{_name(key)}={_plain(one)}" for key, one in value.items()]
        else:
            parts.append(f"{name}={_plain(value)}")
    return " ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool | int | float):
        return quoted(json.dumps(value))
    return quoted(json.dumps(value, ensure_ascii=False, default=str))


def as_json(event: Mapping[str, Any]) -> str:
    """The event as one line of JSON, in ASCII."""
    # DEL is the one control character that JSON leaves as it is.
    return _encode(event).replace("\x7f", "\\u007f")


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str).encode


def as_in_out(event: Mapping[str, Any]) -> str:
    """The two lines that API logs are often written in, `IN` and `OUT`, for who parses these.

    `IN [pid] [time] [client] [user agent] [who] METHOD uri body`, and the same with `OUT`, then the
    duration in seconds, the status and how the request ended. Of what was lost,
    `DROPPED [pid] [time] number`.
    """
    if event["event"] == "dropped":
        return f"DROPPED [{event['pid']}] [{event['time']}] {event['records']}"
    query = event.get("query")
    uri = f"{event['path']}?{query}" if query else event["path"]
    headers = event.get("headers", {})
    who = ",".join(f"{_name(key)}={_plain(one)}" for key, one in event.get("who", {}).items())
    line = (
        f"{event['event'].upper()} [{event['pid']}] [{event['time']}]"
        f" [{quoted(event['client'] or '-')}] [{quoted(headers.get('user-agent') or '-')}]"
        f" [{who or '-'}] {quoted(event['method'])} {quoted(uri)}"
    )
    if event["event"] == "in":
        return f"{line} request_id={quoted(event['request_id'])}"
    return (
        f"{line} {quoted(event.get('body') or '-')} {event['seconds']:.6f} {event['status']}"
        f" {event['outcome']} request_id={quoted(event['request_id'])}"
    )


FORMATS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "line": as_line,
    "json": as_json,
    "in_out": as_in_out,
}
