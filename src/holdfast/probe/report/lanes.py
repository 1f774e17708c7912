"""What the server's processes, threads, greenlets and tasks did, as lanes of blocks that nest."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..events import Load, Process, Served, Span, Stack
from ..findings.causes import cause_of
from ..run import Run
from .looks import LOOKS


@dataclass(frozen=True, slots=True)
class Block:
    """Something that took time in a lane.

    Attributes:
        kind: `request`, or that of a span.
        cause: a key of `looks.LOOKS`; empty: none.
        depth: 0: on its own; 1: within one of depth 0; ...
    """

    begun: float
    ended: float
    kind: str
    name: str
    request: str = ""
    cause: str = ""
    place: str = ""
    holder: str = ""
    stack: Stack = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """A thread, or a row of greenlets or tasks that followed each other.

    Attributes:
        kind: `thread`, `greenlet`, `task`, or `process` for what concerns all of them.
        blocks: by their begin; none overlaps another one of its depth.
        stacks: where it was seen to stand, in one row; they nest in nothing.
    """

    name: str
    kind: str
    blocks: Sequence[Block]
    stacks: Sequence[Block] = ()

    @property
    def depth(self) -> int:
        """How many blocks may be within each other."""
        return max((one.depth for one in self.blocks), default=-1) + 1

    @property
    def seconds(self) -> float:
        """How long something was seen in it."""
        return sum(one.ended - one.begun for one in (*self.blocks, *self.stacks) if not one.depth)


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of the server."""

    pid: int
    name: str
    lanes: Sequence[Lane]
    loads: Sequence[Load] = field(default=())


#: Of these there may be very many, each for a moment: they share rows.
_FLEETING = frozenset({"greenlet", "task"})
_WHOLE = {"blocked": "loop or hub", "gc": "garbage collector"}
#: Two samples that are no further apart are of one stay.
_SAME_STAY = 0.005


def workers_of(run: Run, most: int | None = None) -> list[Worker]:
    """The processes that served requests of the users, or were seen to do something meanwhile.

    Args:
        run: a finished one.
        most: so many blocks at most; the shortest are left out. None: all.
    """
    begun, ended = run.begun, run.begun + run.wall
    users = {one.request for one in run.together}
    served = [one for one in run.served if one.request in users]
    spans = [one for one in run.spans if one.ended > begun and one.begun < ended]
    spans = [one for one in spans if not one.request or one.request in users]
    spans = [*(one for one in spans if one.kind != "sample"), *_stays(spans)]
    if most is not None and len(spans) + len(served) > most:
        spans.sort(key=lambda one: one.ended - one.begun, reverse=True)
        del spans[max(0, most - len(served)) :]
    by_lane = _by_lane(served, spans)
    known = {one.pid: one for one in run.processes}
    found = []
    for pid in sorted({pid for pid, _ in by_lane}):
        loads = [
            one for one in run.loads if one.pid == pid and one.ended > begun and one.begun < ended
        ]
        lanes = {name: blocks for (owner, name), blocks in by_lane.items() if owner == pid}
        found.append(Worker(pid, _name(known.get(pid), pid), list(_lanes(lanes)), loads))
    return found


def _by_lane(
    served: Iterable[Served], spans: Iterable[Span]
) -> Mapping[tuple[int, str], list[Block]]:
    found = defaultdict[tuple[int, str], list[Block]](list)
    lane_of: dict[str, str] = {}
    for one in served:
        lane_of[one.request] = one.lane
        name = one.view or one.route or "request"
        found[one.pid, one.lane].append(
            Block(one.entered, one.left, "request", name, one.request, "application")
        )
    for span in spans:
        lane = _WHOLE.get(span.kind) or span.lane or lane_of.get(span.request) or "process"
        cause = cause_of(span)
        kind = cause.kind if cause is not None and cause.kind in LOOKS else ""
        name = span.name or (span.stack[0] if span.stack else span.kind)
        found[span.pid, lane].append(
            Block(
                span.begun,
                span.ended,
                span.kind,
                name,
                span.request,
                kind,
                span.place,
                span.holder,
                span.stack,
            )
        )
    return found


def _name(process: Process | None, pid: int) -> str:
    words = [f"process {pid}"]
    if process is not None and process.server:
        words.insert(0, process.server)
    if process is not None and process.patched:
        words.append(f"patched by {process.patched}")
    return ", ".join(words)


def _lanes(blocks: Mapping[str, Sequence[Block]]) -> Iterator[Lane]:
    """What concerns the whole process first, then threads, then what is fleeting."""
    fleeting = defaultdict[str, list[Sequence[Block]]](list)
    order = sorted(blocks, key=lambda name: (name not in _WHOLE.values(), *_natural(name)))
    for name in order:
        kind = name.split(" ")[0]
        if kind in _FLEETING:
            fleeting[kind].append(blocks[name])
            continue
        of = "thread" if kind == "thread" else "process"
        yield from _tracks(name, of, blocks[name])
    for kind, lanes in fleeting.items():
        rows = _packed(lanes)
        for number, row in enumerate(rows, 1):
            name = f"{kind}s" if len(rows) == 1 else f"{kind}s ({number:,})"
            yield from _tracks(name, kind, row)


def _tracks(name: str, kind: str, blocks: Sequence[Block]) -> Iterator[Lane]:
    """A lane, and more of them for what does not nest."""
    stacks = _flat([one for one in blocks if one.kind == "sample"])
    tracks = nested(one for one in blocks if one.kind != "sample")
    for number, track in enumerate(tracks or [[]], 1):
        if number == 1:
            yield Lane(name, kind, track, stacks)
        else:
            yield Lane(f"{name} ({number})", kind, track)


def _flat(blocks: Sequence[Block]) -> list[Block]:
    """The blocks in one row: each begins where the one before it has ended."""
    found: list[Block] = []
    for one in sorted(blocks, key=lambda block: (block.begun, block.ended)):
        begun = max(one.begun, found[-1].ended) if found else one.begun
        if one.ended > begun:
            found.append(replace(one, begun=begun))
    return found


def _natural(name: str) -> tuple[str, int]:
    numbers = re.findall(r"\d{1,18}", name)
    return re.sub(r"\d+", "", name), int(numbers[0]) if numbers else 0


def _packed(lanes: Sequence[Sequence[Block]]) -> list[list[Block]]:
    """Rows in which one lane follows another; no more rows than were there at once."""
    rows: list[list[Block]] = []
    ends: list[float] = []
    for blocks in sorted(lanes, key=lambda lane: min(one.begun for one in lane)):
        begun = min(one.begun for one in blocks)
        free = next((number for number, end in enumerate(ends) if end <= begun), None)
        if free is None:
            free = len(rows)
            rows.append([])
            ends.append(0.0)
        rows[free].extend(blocks)
        ends[free] = max(one.ended for one in blocks)
    return rows


def nested(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks with their depths, in as few tracks as it takes for all to nest."""
    tracks: list[list[Block]] = []
    stacks: list[list[Block]] = []
    for block in sorted(blocks, key=lambda one: (one.begun, -one.ended)):
        number = next((n for n, stack in enumerate(stacks) if _fits(block, stack)), len(tracks))
        if number == len(tracks):
            tracks.append([])
            stacks.append([])
        placed = replace(block, depth=len(stacks[number]))
        tracks[number].append(placed)
        stacks[number].append(placed)
    return tracks


def _fits(block: Block, stack: list[Block]) -> bool:
    """Whether it lies within the innermost that is still there. Takes out what has ended."""
    while stack and stack[-1].ended <= block.begun:
        stack.pop()
    return not stack or stack[-1].ended >= block.ended


def _stays(spans: Sequence[Span]) -> Iterator[Span]:
    """Samples, those that followed each other in one place as one."""
    samples = sorted(
        (one for one in spans if one.kind == "sample"),
        key=lambda one: (one.pid, one.lane, one.request, one.begun),
    )
    now: Span | None = None
    for one in samples:
        if now is not None and (now.pid, now.lane, now.request, now.stack) == (
            one.pid,
            one.lane,
            one.request,
            one.stack,
        ):
            if one.begun - now.ended <= _SAME_STAY:
                now = replace(now, ended=max(now.ended, one.ended))
                continue
        if now is not None:
            yield now
        now = one
    if now is not None:
        yield now
