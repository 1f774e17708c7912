"""Where each request spent its time, as one list of slices without gaps or overlaps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..events import Load, Served, Span
from ..run import Asked, Run
from .timeline import Cause, Mark, Marks, Slice, exclusive

# Who has the time where several could. Above all: what stops the whole process.
_STOPPED, _BLOCKED, _WAITING, _COMPETING, _LAYER, _INSIDE = range(6, 0, -1)

#: So much of one core's time a process uses that more threads in it won't be any quicker.
BUSY = 0.7

WORKER = Cause("worker")
ANSWER = Cause("answer")
APPLICATION = Cause("application")
COLLECTOR = Cause("collector")
GIL = Cause("gil")
SENSITIVE = Cause("thread-sensitive")

#: Kinds of causes in which a request waits for others, or is kept from going on.
WAITS = frozenset(
    {
        "worker",
        "thread",
        "thread-sensitive",
        "lock",
        "pool",
        "executor",
        "blocked-loop",
        "blocked-hub",
        "gil",
        "collector",
        "database",
    }
)


@dataclass(frozen=True, slots=True)
class Spent:
    """A request's time. The slices sum up to `asked.seconds`.

    Attributes:
        served: None where the application never saw the request.
    """

    asked: Asked
    served: Served | None
    slices: tuple[Slice, ...]

    def by_cause(self) -> Mapping[Cause, float]:
        """Seconds of each cause."""
        found = defaultdict[Cause, float](float)
        for one in self.slices:
            found[one.cause] += one.seconds
        return found


def spent_by(run: Run) -> Mapping[str, Spent]:
    """How each request of *run* spent its time, the ones alone included, by `events.HEADER`."""
    served = {one.request: one for one in run.served}
    spans = defaultdict[str, list[Span]](list)
    for span in run.spans:
        spans[span.request].append(span)
    blocked = {pid: Marks(marks) for pid, marks in _blocked(run.spans).items()}
    stopped = {pid: Marks(marks) for pid, marks in _stopped(run).items()}
    found: dict[str, Spent] = {}
    for asked in (*run.alone, *run.together):
        one = served.get(asked.request)
        marks = list(_inside(one, spans[asked.request]))
        if one is not None:
            for by_process in (stopped, blocked):
                if one.pid in by_process:
                    marks.extend(_others(by_process[one.pid], asked))
        slices = exclusive(asked.sent, asked.done, marks, WORKER)
        found[asked.request] = Spent(asked, one, tuple(slices))
    return found


def _others(marks: Marks, asked: Asked) -> Iterator[Mark]:
    """What the process did meanwhile. A loop that the request blocked itself: that was its work."""
    return (mark for mark in marks.between(asked.sent, asked.done) if mark.by != asked.request)


def _inside(served: Served | None, spans: Iterable[Span]) -> Iterator[Mark]:
    """What the request itself tells of its time."""
    if served is None:
        return
    yield Mark(served.entered, served.left, _INSIDE, APPLICATION)
    yield Mark(served.left, float("inf"), _INSIDE, ANSWER)
    for span in spans:
        cause = cause_of(span)
        if cause is not None and span.kind in {"layer", "view"}:
            yield Mark(span.begun, span.ended, _LAYER, cause)
        elif cause is not None and span.kind not in {"blocked", "gc"}:
            yield Mark(span.begun, span.ended, _WAITING, cause)


def _blocked(spans: Iterable[Span]) -> Mapping[int, list[Mark]]:
    found = defaultdict[int, list[Mark]](list)
    for span in spans:
        if span.kind == "blocked" and (cause := cause_of(span)) is not None:
            found[span.pid].append(Mark(span.begun, span.ended, _BLOCKED, cause, span.request))
    return found


def _stopped(run: Run) -> Mapping[int, list[Mark]]:
    """What a process' requests share: its collector, and its one core."""
    found = defaultdict[int, list[Mark]](list)
    for span in run.spans:
        if span.kind == "gc":
            found[span.pid].append(Mark(span.begun, span.ended, _STOPPED, COLLECTOR))
    for load in run.loads:
        if competing(load):
            found[load.pid].append(Mark(load.begun, load.ended, _COMPETING, GIL))
    return found


def competing(load: Load) -> bool:
    """Whether several requests wanted the process' one core, and it was all in use.

    What a busy machine kept it from counts as in use, if it used a good part.
    """
    seconds = load.ended - load.begun
    if load.runnable <= 1 or seconds <= 0:
        return False
    wanted = load.cpu + min(load.starved, seconds - load.cpu)
    return load.cpu / seconds >= BUSY / 2 and wanted / seconds >= BUSY


def cause_of(span: Span) -> Cause | None:  # noqa: PLR0911 - one answer for each kind
    """What time in *span* is put down to; None: to nothing, it only says where somebody stood."""
    match span.kind:
        case "layer":
            return Cause("middleware", span.name)
        case "view":
            return Cause("view", span.name)
        case "lock" | "pool":
            return Cause(span.kind, span.name, span.place)
        case "database":
            return Cause("database", span.name)
        case "blocked":
            kind = "blocked-hub" if span.detail.get("what") == "hub" else "blocked-loop"
            return Cause(kind, span.name)
        case "gc":
            return COLLECTOR
        case "thread" if span.detail.get("sensitive"):
            return SENSITIVE
        case "thread" if executor := span.detail.get("executor"):
            return Cause("executor", str(executor))
        case "thread":
            return Cause("thread", span.name)
    return None
