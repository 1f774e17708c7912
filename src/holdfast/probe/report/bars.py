"""The users' requests as bars: their time in pieces, each with its cause."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import accumulate

from ..events import Span, Stack
from ..findings.causes import Spent, cause_of, spent_by
from ..findings.timeline import Slice
from ..run import Asked, Run
from .looks import LOOKS, look_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a request's time, with its only cause.

    Attributes:
        cause: a key of `looks.LOOKS`.
        name, place: of the middleware, lock, pool, function.
        holder: the request that it waited for, where an observer saw it.
        stack: where who waited, or who blocked, stood.
    """

    begun: float
    ended: float
    cause: str
    name: str = ""
    place: str = ""
    holder: str = ""
    stack: Stack = ()

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.begun

    @property
    def waits(self) -> bool:
        """Whether the request waited for somebody else."""
        return look_of(self.cause).waits


@dataclass(frozen=True, slots=True)
class Bar:
    """A request. Its pieces follow each other from when it was sent until it was answered.

    Attributes:
        behind: the request whose end, or whose letting go, let this one go on after its longest
            wait, as far as it is known; else empty.
    """

    asked: Asked
    pieces: Sequence[Piece]
    behind: str = ""

    @property
    def waited(self) -> float:
        """Seconds in which it waited for others."""
        return sum(one.seconds for one in self.pieces if one.waits)

    @property
    def failed(self) -> bool:
        """No answer came, or the server's own failure did."""
        return self.asked.status == 0 or self.asked.status >= HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True)
class Row:
    """A user, with its requests in the order in which they were sent."""

    user: int
    bars: Sequence[Bar]

    @property
    def seconds(self) -> float:
        """How long it waited for all of its answers."""
        return sum(one.asked.seconds for one in self.bars)


def rows_of(run: Run) -> list[Row]:
    """The users; who had all answers first comes first."""
    seen = _Seen(run)
    spent = spent_by(run)
    users = defaultdict[int, list[Bar]](list)
    for asked in sorted(run.together, key=lambda one: one.sent):
        users[asked.user].append(seen.bar(asked, spent.get(asked.request)))
    rows = [Row(user, bars) for user, bars in users.items()]
    return sorted(rows, key=lambda row: (row.bars[-1].asked.done, row.user))


def causes_of(rows: Sequence[Row]) -> Mapping[str, float]:
    """Seconds of all requests by cause, the most first."""
    sums = defaultdict[str, float](float)
    for row in rows:
        for bar in row.bars:
            for piece in bar.pieces:
                sums[piece.cause] += piece.ended - piece.begun
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


#: A wait that ends within so many seconds of another request's end was ended by it.
_AT_ONCE = 0.02
#: Shorter waits are nobody's fault.
_WORTH_A_NAME = 0.01
#: How many spans of blocked loops are looked at around a time; they seldom overlap.
_NEIGHBOURS = 50
#: Spans that tell more of a piece than its cause does.
_TELLING = frozenset({"layer", "view", "thread", "lock", "pool", "database"})


class _Seen:
    """What observers saw, by request and by time."""

    def __init__(self, run: Run) -> None:
        self._spans = defaultdict[str, list[Span]](list)
        self._blocked = sorted(
            (span for span in run.spans if span.kind == "blocked"), key=lambda one: one.begun
        )
        self._blocked_begun = [one.begun for one in self._blocked]
        # When who had waited for one thing got it, or was through with it.
        self._queues = defaultdict[tuple[str, str, str, int], list[tuple[float, str]]](list)
        for span in run.spans:
            if span.request and span.kind in _TELLING:
                self._spans[span.request].append(span)
                ran = float(span.detail.get("ran") or 0.0)
                # Who is woken goes on a moment later.
                through = span.ended + ran - (_AT_ONCE / 10 if ran else 0.0)
                if (key := _queue_of(span)) is not None:
                    self._queues[key].append((through, span.request))
        for queue in self._queues.values():
            queue.sort()
        ends = sorted((one.left, one.request) for one in run.served)
        self._left = [left for left, _ in ends]
        self._leaving = [request for _, request in ends]

    def bar(self, asked: Asked, spent: Spent | None) -> Bar:
        """The request with its pieces."""
        unseen = spent is None or spent.served is None
        if unseen and asked.status:
            # It was answered, so it was served: where its time went is not known.
            return Bar(asked, [Piece(asked.sent, asked.done, "unknown")])
        slices = spent.slices if spent is not None else ()
        found = [(self._of(asked.request, one), one) for one in slices]
        pieces = [self._piece(asked.request, span, one) for span, one in found]
        waits = [number for number, one in enumerate(pieces) if one.waits]
        longest = max(waits, key=lambda number: pieces[number].seconds, default=None)
        behind = ""
        if longest is not None and pieces[longest].seconds >= _WORTH_A_NAME:
            behind = self._let_go(asked.request, found[longest][0], pieces[longest])
        return Bar(asked, pieces, behind)

    def _let_go(self, request: str, span: Span | None, wait: Piece) -> str:
        """Who let the request go on after its *wait*."""
        before = self._went_before(request, span) if span is not None else ""
        return before or wait.holder or self._left_before(wait.ended, request)

    def _piece(self, request: str, span: Span | None, one: Slice) -> Piece:
        kind = one.cause.kind if one.cause.kind in LOOKS else "unknown"
        if span is None:
            return Piece(one.begun, one.ended, kind, one.cause.name, one.cause.place)
        holder = span.request if span.kind == "blocked" else span.holder
        return Piece(
            one.begun,
            one.ended,
            kind,
            one.cause.name,
            one.cause.place or span.place,
            holder if holder != request else "",
            span.stack,
        )

    def _of(self, request: str, one: Slice) -> Span | None:
        """The span that the slice was cut from."""
        if one.cause.kind.startswith("blocked"):
            last = bisect_right(self._blocked_begun, one.ended)
            for span in reversed(self._blocked[max(0, last - _NEIGHBOURS) : last]):
                if (
                    span.name == one.cause.name
                    and span.begun < one.ended
                    and span.ended > one.begun
                ):
                    return span
            return None
        spans = (
            span
            for span in self._spans[request]
            if span.begun < one.ended and span.ended > one.begun and cause_of(span) == one.cause
        )
        # A slice may be of several spans, which followed each other.
        return max(spans, key=lambda span: (bool(span.holder), span.ended), default=None)

    def _went_before(self, request: str, span: Span) -> str:
        """Of those that waited for the same, the last that was through before this one could go on.

        A thread is let go when what ran in it has ended, which was seen. A lock goes from one to
        the next: the last that got it has let it go.
        """
        key = _queue_of(span)
        queue = self._queues.get(key, ()) if key is not None else ()
        # The whole wait: a piece of it may end earlier, where something else stopped everybody.
        place = bisect_left(queue, (span.ended, "")) - 1
        while place >= 0 and queue[place][0] > span.begun:
            if queue[place][1] != request:
                return queue[place][1]
            place -= 1
        return ""

    def _left_before(self, then: float, waiting: str) -> str:
        """Who left just as the other could go on."""
        place = bisect_right(self._left, then + _AT_ONCE / 4) - 1
        while place >= 0 and then - self._left[place] < _AT_ONCE:
            if self._leaving[place] != waiting:
                return self._leaving[place]
            place -= 1
        return ""


#: These live in one process; a file's lock, or Redis', is one for all of them.
_OF_A_PROCESS = ("threading.", "asyncio.", "gevent.", "eventlet.")


def _queue_of(span: Span) -> tuple[str, str, str, int] | None:
    """What is one and the same for all that wait in it; None: it lets more than one go on."""
    if span.kind == "lock" and "Semaphore" not in str(span.detail.get("kind", "")):
        own = str(span.detail.get("kind", "threading.")).startswith(_OF_A_PROCESS)
        return "lock", span.name, span.place, span.pid if own else 0
    if span.kind == "thread":
        executor = str(span.detail.get("executor", ""))
        return "thread", executor, "", span.pid
    return None


def shares(run: Run, rows: Sequence[Row], columns: int, length: float) -> list[dict[str, float]]:
    """For each of *columns* equal parts of *length* seconds: seconds of all *rows* by cause."""
    width = length / columns
    found: list[dict[str, float]] = [defaultdict(float) for _ in range(columns)]
    for row in rows:
        for bar in row.bars:
            for piece in bar.pieces:
                begun, ended = piece.begun - run.begun, piece.ended - run.begun
                first = max(0, int(begun / width))
                last = min(columns - 1, int(ended / width))
                for column in range(first, last + 1):
                    within = min(ended, (column + 1) * width) - max(begun, column * width)
                    if within > 0:
                        found[column][piece.cause] += within
    return found


def bins(rows: Sequence[Row], most: int) -> list[Sequence[Row]]:
    """The rows, in at most *most* groups of neighbours that differ by one at most."""
    count = min(most, len(rows))
    sizes = [len(rows) // count + (number < len(rows) % count) for number in range(count)]
    ends = list(accumulate(sizes))
    return [rows[end - size : end] for end, size in zip(ends, sizes, strict=True)]
