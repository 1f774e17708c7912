"""For what the users waited, all added up: longer than alone, and put down to who kept them.

Who waits for a worker waits, in truth, for those who have the workers: where these wait for a lock,
the lock keeps both. So does a lock whose holder waits for something else itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..events import Span
from ..run import Asked, Run
from .causes import ANSWER, WAITS, WORKER, Spent, cause_of
from .timeline import Cause, Slice, within

#: Seconds from which on a request is said to have waited.
NOTICEABLE = 0.01
# In these the one waited for is kept by others; in a database he does what he came for.
_KEPT = WAITS - {"worker", "database"}
# Who holds a lock may wait for a second one; no chain of the kind is much longer.
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Blamed:
    """One cause, and what it cost all users together. All times are seconds.

    Attributes:
        seconds: what requests spent on it; alone: what as many would have spent alone.
        charged: what it kept them: the difference, and the waiting of others for those it kept.
        requests: how many spent a noticeable time on it.
        longest: the longest time that one request spent on it.
    """

    cause: Cause
    seconds: float
    alone: float
    charged: float
    requests: int
    longest: float


def blamed(run: Run, spent: Mapping[str, Spent]) -> Sequence[Blamed]:
    """The causes of *run*, the one that cost most first."""
    together = [spent[one.request] for one in run.together]
    alone = _alone(run.alone, run.together, spent)
    seconds = _totals(together)
    charged = _moved(run, together, spent, alone)
    each = [one.by_cause() for one in together]
    found = [
        Blamed(
            cause=cause,
            seconds=seconds.get(cause, 0.0),
            alone=alone.get(cause, 0.0),
            charged=max(0.0, charged.get(cause, 0.0) - alone.get(cause, 0.0)),
            requests=sum(one.get(cause, 0.0) >= NOTICEABLE for one in each),
            longest=max((one.get(cause, 0.0) for one in each), default=0.0),
        )
        for cause in {*seconds, *charged, *alone}
    ]
    return sorted(found, key=lambda one: (-one.charged, one.cause.kind, one.cause.name))


def _totals(spent: Iterable[Spent]) -> dict[Cause, float]:
    found = defaultdict[Cause, float](float)
    for each in spent:
        for one in each.slices:
            found[one.cause] += one.seconds
    return found


def _alone(
    alone: Sequence[Asked], together: Sequence[Asked], spent: Mapping[str, Spent]
) -> Mapping[Cause, float]:
    """What the requests of *together* would have spent on each cause if each had been alone."""
    by_path = defaultdict[str, list[Spent]](list)
    for one in alone:
        by_path[one.path].append(spent[one.request])
    times = defaultdict[str, int](int)
    for one in together:
        times[one.path] += 1
    found = defaultdict[Cause, float](float)
    for path, each in by_path.items():
        for cause, seconds in _totals(each).items():
            found[cause] += seconds / len(each) * times[path]
    return found


def _moved(
    run: Run,
    together: Sequence[Spent],
    spent: Mapping[str, Spent],
    alone: Mapping[Cause, float],
) -> Mapping[Cause, float]:
    """Seconds by cause, the waiting for somebody who waits himself put down to his cause."""
    holders = _Holders(run.spans, spent)
    found, moved = defaultdict[Cause, float](float), defaultdict[Cause, float](float)
    waited = defaultdict[int, float](float)
    inside: dict[int, defaultdict[Cause, float]] = defaultdict(lambda: defaultdict(float))
    for each in together:
        pid = each.served.pid if each.served is not None else 0
        for one in each.slices:
            if one.cause == WORKER:
                waited[pid] += one.seconds
                continue
            for cause, seconds in holders.causes(each.asked.request, one):
                found[cause] += seconds
                if cause != ANSWER:
                    inside[pid][cause] += seconds
    for pid, seconds in waited.items():
        for cause, share in _shares(inside[pid], alone, found):
            moved[cause] += seconds * share
    return {cause: found[cause] + moved[cause] for cause in {*found, *moved}}


def _shares(
    inside: Mapping[Cause, float], alone: Mapping[Cause, float], whole: Mapping[Cause, float]
) -> Iterator[tuple[Cause, float]]:
    """How much of what a process' requests did was waiting for each other, by cause.

    The rest is no fault of those inside: too few are let in.
    """
    all_inside, waiting = sum(inside.values()), 0.0
    for cause, seconds in inside.items():
        if cause.kind in WAITS:
            longer = seconds - alone.get(cause, 0.0) * seconds / max(whole[cause], seconds)
            share = max(0.0, longer) / all_inside
            waiting += share
            yield cause, share
    yield WORKER, max(0.0, 1.0 - waiting)


class _Holders:
    """Who held what a request waited for, and what the holder did meanwhile."""

    def __init__(self, spans: Iterable[Span], spent: Mapping[str, Spent]) -> None:
        self._spent = spent
        self._of = defaultdict[tuple[str, Cause], list[Span]](list)
        for span in spans:
            if span.holder and span.holder != span.request and (cause := cause_of(span)):
                self._of[span.request, cause].append(span)

    def causes(
        self, request: str, one: Slice, seen: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Cause, float]]:
        """To which causes the slice *one* of *request* is put down."""
        rest, seen = one.seconds, seen | {request}
        for span in self._of.get((request, one.cause), ()):
            begun, ended = max(span.begun, one.begun), min(span.ended, one.ended)
            holder = self._spent.get(span.holder)
            if ended <= begun or holder is None or span.holder in seen or len(seen) > _DEEPEST:
                continue
            for held in within(holder.slices, begun, ended):
                if held.cause.kind in _KEPT and held.cause != one.cause:
                    rest -= held.seconds
                    yield from self.causes(span.holder, held, seen)
        yield one.cause, max(0.0, rest)
