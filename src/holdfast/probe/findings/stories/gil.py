"""One process computes for several requests: the interpreter runs one of its threads at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...events import Span
from ..causes import GIL
from ..suspects import MOST_WORKERS, Evidence, Suspect, heaviest
from ..words import at, waited
from .worker import more_workers


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """The function that computed most, where it matters."""
    for one in evidence.blamed:
        if one.cause != GIL or one.charged <= 0:
            continue
        name, place = _who(evidence)
        if evidence.users == 1 or evidence.ideal.cores == 1:
            continue  # there is nothing to gain
        # More than cores at first: connections don't come to the workers evenly.
        counts = (2 * evidence.ideal.cores, evidence.ideal.cores)
        tried = dict.fromkeys(min(evidence.users, count, MOST_WORKERS) for count in counts)
        yield Suspect(
            code="gil",
            culprit=name or "computing in one process",
            place=place,
            because=(
                f"{waited(one)} for the interpreter: one process computed for all "
                "of them, and its threads share one core"
                + (f"; most of the time it was in {name}{at(place)}" if name else "")
            ),
            mend=(
                "Serve with more processes (--workers, about as many as there are cores), not "
                "threads; or give the computing to a task queue or a ProcessPoolExecutor."
            ),
            charged=one.charged,
            attempts=tuple(more_workers(count) for count in tried),
        )


def _who(evidence: Evidence) -> tuple[str, str]:
    """Name and place of what stood longest in the users' requests, while they computed."""
    begun = evidence.run.begun
    by_name = defaultdict[str, list[Span]](list)
    for span in evidence.run.spans:
        if span.kind == "sample" and span.begun >= begun and (span.name or span.place):
            by_name[span.name].append(span)
    if not by_name:
        views = [span for span in evidence.run.spans if span.kind == "view"]
        return heaviest(views, "name"), ""
    name = max(by_name, key=lambda each: sum(s.ended - s.begun for s in by_name[each]))
    return name, heaviest(by_name[name], "place")
