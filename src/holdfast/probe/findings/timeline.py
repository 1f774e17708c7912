"""Cuts a stretch of time into pieces, each of which belongs to one cause alone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Cause:
    """What a piece of a request's time was spent on.

    Attributes:
        kind: a code of `finding.CODES`, or `view`, `application` (in it, but in no layer that is
            known) or `answer` (given to the server, and not yet all with the user).
        name: the middleware, lock, pool, function, ...; empty where the kind says it all.
        place: where it was made, if that tells it from others of its name.
    """

    kind: str
    name: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """From *begun* to *ended*, *cause* may have the time; the highest rank has it.

    Attributes:
        by: the request that made the others wait, where it is known.
    """

    begun: float
    ended: float
    rank: int
    cause: Cause
    by: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of a request's time, and its only cause."""

    begun: float
    ended: float
    cause: Cause

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.begun


class Marks:
    """Marks that count for many requests: those of a process. Found by time."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._marks = sorted(marks, key=lambda mark: mark.begun)
        self._begun = [mark.begun for mark in self._marks]
        # The latest end up to each: with it, those that had ended before are skipped at once.
        self._ended = list(accumulate((mark.ended for mark in self._marks), max))

    def between(self, begun: float, ended: float) -> Iterator[Mark]:
        """Those that reach into that time."""
        first = bisect_right(self._ended, begun)
        last = bisect_left(self._begun, ended)
        return (mark for mark in self._marks[first:last] if mark.ended > begun)


def exclusive(begun: float, ended: float, marks: Iterable[Mark], rest: Cause) -> list[Slice]:
    """The time from *begun* to *ended*, cut where another of *marks* comes to have it.

    Among marks of one rank the one that began last has the time: it is the innermost. What no mark
    has goes to *rest*. The slices follow each other without a gap.
    """
    clipped = sorted(
        (max(mark.begun, begun), min(mark.ended, ended), mark.rank, number, mark.cause)
        for number, mark in enumerate(marks)
        if mark.ended > begun and mark.begun < ended and mark.ended > mark.begun
    )
    found: list[Slice] = []
    active: list[tuple[int, float, int, float, Cause]] = []
    now = begun
    for start, end, rank, number, cause in clipped:
        now = _until(start, now, active, rest, found)
        heappush(active, (-rank, -start, -number, end, cause))
    _until(ended, now, active, rest, found)
    return found


def _until(
    then: float,
    now: float,
    active: list[tuple[int, float, int, float, Cause]],
    rest: Cause,
    found: list[Slice],
) -> float:
    """Give the time from *now* to *then* to those that are active; return *then*."""
    while now < then:
        while active and active[0][3] <= now:
            heappop(active)
        end, cause = (min(active[0][3], then), active[0][4]) if active else (then, rest)
        _append(found, Slice(now, end, cause))
        now = end
    return max(now, then)


def _append(found: list[Slice], one: Slice) -> None:
    if found and found[-1].cause == one.cause:
        one = Slice(found.pop().begun, one.ended, one.cause)
    found.append(one)


def within(slices: Sequence[Slice], begun: float, ended: float) -> Iterator[Slice]:
    """The part of *slices*, which follow each other, that lies in that time."""
    first = bisect_right(slices, begun, key=lambda one: one.ended)
    for one in slices[first:]:
        if one.begun >= ended:
            return
        yield Slice(max(one.begun, begun), min(one.ended, ended), one.cause)
