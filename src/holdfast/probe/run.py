"""One run of the server under the users: what the users saw, and what the observers wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .events import Count, Kept, Leak, Load, Process, Route, Served, Span, Trouble


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its user saw it. Times are seconds of `time.monotonic()`.

    Attributes:
        request: the value of `events.HEADER`.
        user: 0 for the first. -1: one that ran alone, before the users, for the ideal.
        sent: when it was begun, its connection included; done: when the last byte had come.
        first_byte: when the answer's head had come; None where none came.
        status: 0 where no answer came, and then `error` says why.
    """

    request: str
    user: int
    method: str
    path: str
    sent: float
    done: float
    first_byte: float | None = None
    status: int = 0
    size: int = 0
    error: str = ""

    @property
    def seconds(self) -> float:
        """How long its user waited."""
        return self.done - self.sent


@dataclass(frozen=True, slots=True)
class Crossed:
    """Something of one user that another one got to see: always a bug.

    Attributes:
        marker_kind: `query`, `header`, `cookie`, `body` or `login`: where the owner had put it.
        owner, seer: the two requests, by `events.HEADER`.
        where: `body of the answer`, `header Set-Cookie of the answer`, `log`, ...
        text: the surroundings, shortened.
        place: by what path of objects, or at what line, where it is known.
    """

    marker_kind: str
    owner: str
    seer: str
    where: str
    text: str
    place: str = ""


@dataclass(slots=True)
class Run:
    """A run, whole.

    Attributes:
        name: `as it is`, or what was changed: `without shared.middleware.ApiLogger`.
        users: how many at once.
        alone: the requests that ran one at a time, at the start.
        together: the users' requests.
        checked: requests of a round after these, with more markers, that only looks for what
            crosses; they don't count for times.
        served, spans, ...: what the observers wrote, of both.
        log: what the server printed.
    """

    name: str
    users: int
    alone: Sequence[Asked] = ()
    together: Sequence[Asked] = ()
    checked: Sequence[Asked] = ()
    processes: Sequence[Process] = ()
    served: Sequence[Served] = ()
    spans: Sequence[Span] = ()
    loads: Sequence[Load] = ()
    leaks: Sequence[Leak] = ()
    kept: Sequence[Kept] = ()
    counts: Sequence[Count] = ()
    routes: Sequence[Route] = ()
    troubles: Sequence[Trouble] = ()
    crossed: Sequence[Crossed] = ()
    log: str = ""
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def begun(self) -> float:
        """When the first user's request was sent."""
        return min((one.sent for one in self.together), default=0.0)

    @property
    def wall(self) -> float:
        """Seconds from the first request to the last byte of the last answer."""
        return max((one.done for one in self.together), default=0.0) - self.begun
