"""The garbage collector stops all requests of its process, again and again."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ..causes import COLLECTOR
from ..suspects import Attempt, Evidence, Suspect, heaviest
from ..words import waited

#: From this share of the requests' time on, it is too much, whoever waits.
MOST = 0.3


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """The collector; where it takes much of the time that requests take alone, too."""
    whole = sum(one.seconds for one in evidence.blamed)
    for one in evidence.blamed:
        if one.cause != COLLECTOR or whole <= 0:
            continue
        share = one.seconds / whole
        charged = one.seconds if share >= MOST else one.charged
        if charged <= 0 or (evidence.ideal.reached and share < MOST):
            continue
        spans = evidence.spans(COLLECTOR)
        place = heaviest(spans, "place")
        seconds = sum(span.ended - span.begun for span in spans)
        asked = f", asked for at {place}" if place else ""
        yield Suspect(
            code="collector",
            culprit="the garbage collector",
            place=place,
            because=(
                f"{waited(one)} while the garbage collector ran{asked}: "
                f"{len(spans)} times, {seconds:.2f} s in all"
            ),
            mend=(
                "Take gc.collect() out of requests. After the application is loaded, call "
                "gc.freeze(), so that what stays is not looked through again; raise "
                "gc.set_threshold() if many objects are made."
            ),
            charged=charged,
            attempts=(Attempt("without the garbage collector", Change(without_collector=True)),),
            numbers={"times": len(spans), "collecting": seconds},
        )
