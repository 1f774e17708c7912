"""What observers aboard the server write down, and what is read of it afterwards.

Each process writes a file of its own into the run's folder: one JSON object a line, whose `is`
names one of the classes here. All times are seconds of `time.monotonic()`, on one machine the same
clock for the server's processes and for the users. Standard library only: this runs in the
server's interpreter, too.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The header by which observers know a user's request: `<run>-<user>-<number>`.
HEADER = "X-Holdfast-Probe"

#: Where somebody stood: `path:line function`, the innermost first.
Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the server has come up, or was forked.

    Attributes:
        server: the name of the server software where it is known, such as `gunicorn`.
        patched: `gevent` or `eventlet`, where they have patched this process.
    """

    pid: int
    parent: int
    at: float
    python: str = ""
    server: str = ""
    patched: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Served:
    """A request, from entering the application to its true end.

    Attributes:
        request: the value of `HEADER`.
        lane: what ran it: `thread 7`, `greenlet 3` or `task 12`, unique in its process.
        entered: when the outermost layer of the application that we see was called.
        left: when it had ended: the last byte given to the server.
        cpu: seconds of processor time of its own thread; None where it shared the thread.
        view: dotted name; route: as the URLconf has it.
    """

    request: str
    pid: int
    lane: str
    entered: float
    left: float
    cpu: float | None = None
    view: str = ""
    route: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a request's time.

    Attributes:
        request: whose; empty: nobody's that we know.
        kind: one of `KINDS`.
        name: the middleware, view, lock, pool, executor, database.
        place: `path:line` of the user's own code: where a lock was made, a thread asked for, ...
        holder: the request that held what was waited for, where it is known.
        stack: of who waited, or who blocked.
    """

    request: str
    pid: int
    kind: str
    name: str
    begun: float
    ended: float
    lane: str = ""
    place: str = ""
    holder: str = ""
    stack: Stack = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


#: Kinds of spans: `layer` and `view` enclose others; the rest are waits, or what makes others wait.
KINDS: Mapping[str, str] = {
    "layer": "in a middleware, what is further in included",
    "view": "in the view",
    "thread": "waiting for a thread: a hop from async to sync code, or an executor's queue",
    "lock": "waiting for a lock or semaphore",
    "pool": "waiting for a connection of a pool, or an item of a queue",
    "database": "in the database",
    "blocked": "an event loop or a hub stood still: what ran meanwhile",
    "gc": "the garbage collector ran",
    "sample": "where it stood when it was looked at: it had stood there that long",
}


@dataclass(frozen=True, slots=True)
class Load:
    """How a process did in a while of about 0.1 s.

    Attributes:
        cpu: seconds of processor time that it used.
        working: requests that were in it at the end.
        runnable: of these, how many wanted the processor, and not anything else.
        starved: seconds its threads, all added up, stood ready and the machine gave them no
            processor (Linux: the second number of `/proc/self/task/*/schedstat`); 0: not known.
    """

    pid: int
    begun: float
    ended: float
    cpu: float
    working: int
    runnable: int = 0
    starved: float = 0.0


@dataclass(frozen=True, slots=True)
class Leak:
    """A log record, or an object, that shows a user's marker in another user's request."""

    pid: int
    at: float
    where: str
    marker: str
    request: str
    place: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """Objects of finished requests that are still reached.

    Attributes:
        what: such as `WSGIRequest`.
        path: by what they are reached, from a root: `shared.middleware.ApiLogger().last`.
        requests: some of them.
    """

    pid: int
    at: float
    what: str
    path: str
    count: int
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """What a process has: threads, and open connections."""

    pid: int
    at: float
    threads: int
    connections: int
    requests: int


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the site, from its URLconf; `path` has values for all of its parameters."""

    pid: int
    path: str
    route: str
    view: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """An observer could not do its work, and says so."""

    pid: int
    at: float
    what: str


Event = Process | Served | Span | Load | Leak | Kept | Count | Route | Trouble
_CLASSES: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Process, Served, Span, Load, Leak, Kept, Count, Route, Trouble)
}
_NAMES: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(field.name for field in dataclasses.fields(kind)) for kind in _CLASSES.values()
}
_encode = json.JSONEncoder(default=str).encode


def line_of(event: Event) -> str:
    """The event as a line, its end included."""
    kind = type(event)
    values = {name: getattr(event, name) for name in _NAMES[kind]}
    return _encode({"is": kind.__name__, **values}) + "\n"


def read(folder: Path) -> Iterator[Event]:
    """All that was written into *folder* up to now; a line that is being written is left out."""
    for file in sorted(folder.glob("*.jsonl")):
        text = file.read_text(encoding="utf-8")
        for line in text[: text.rfind("\n") + 1].splitlines():
            yield _event(json.loads(line))


def file_of(folder: Path) -> Path:
    """Where this process writes to."""
    return folder / f"{os.getpid()}.jsonl"


def _event(values: dict[str, Any]) -> Event:
    kind = _CLASSES[values.pop("is")]
    made: Event = kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
    )
    return made
