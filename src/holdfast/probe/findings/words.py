"""How places, waits and changes are written for people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..events import Span
from .blame import Blamed


def shown(place: str) -> str:
    """`path:line` from the current folder on, if it lies in there; else as it is."""
    path, colon, line = place.rpartition(":")
    if not colon or not path.startswith("/"):
        return place
    try:
        return f"{Path(path).relative_to(Path.cwd())}:{line}"
    except ValueError:
        return place


def at(place: str) -> str:
    """` (path:line)`; nothing where there is no place."""
    return f" ({shown(place)})" if place else ""


def called(name: str, spans: Iterable[Span]) -> str:
    """`_printer (threading.Lock)`: the name, and what it is, if *spans* tell."""
    kind = next((str(span.detail["kind"]) for span in spans if span.detail.get("kind")), "")
    return f"{name} ({kind})" if kind and kind != name else name


def waited(one: Blamed) -> str:
    """`9 requests waited 0.50 s on average, 0.90 s at the longest`."""
    seconds = max(0.0, one.seconds - one.alone)
    average = seconds / max(one.requests, 1)
    noun = "request" if one.requests == 1 else "requests"
    longest = f"{one.longest:.2f} s at the longest"
    return f"{one.requests} {noun} waited {average:.2f} s on average, {longest}"
