"""A middleware takes the time itself, or waits in a way that nothing else explains."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ...events import Span
from ..causes import WORKER
from ..suspects import Attempt, Evidence, Suspect, heaviest
from ..words import at

#: From this share of the time in the application on, a middleware is what keeps the workers busy.
MOST = 0.4


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each middleware that takes much of the time itself; what is further in does not count."""
    inside = sum(
        one.seconds for one in evidence.blamed if one.cause.kind not in {"worker", "answer"}
    )
    before = sum(one.charged for one in evidence.blamed if one.cause == WORKER)
    for one in evidence.blamed:
        if one.cause.kind != "middleware" or inside <= 0:
            continue
        share = one.seconds / inside
        charged = max(one.charged, before * share if share >= MOST else 0.0)
        if charged <= 0:
            continue
        place = _place(evidence, one.cause.name)
        yield Suspect(
            code="middleware",
            culprit=one.cause.name,
            place=place,
            because=(
                f"the middleware {one.cause.name}{at(place)} took {share:.0%} of the time in the "
                f"application itself, {one.seconds / max(len(evidence.run.together), 1):.2f} s a "
                "request"
            ),
            mend=(
                "Take what is slow out of the middleware: do it after the answer, keep its result, "
                "or do it only in the views that need it."
            ),
            charged=charged,
            attempts=(
                Attempt(f"without {one.cause.name}", Change(without_middleware=(one.cause.name,))),
            ),
        )


def _place(evidence: Evidence, name: str) -> str:
    """Where requests stood longest in it: at lines of its own class."""
    own = name.rpartition(".")[2]
    samples: list[Span] = [
        span for span in evidence.run.spans if span.kind == "sample" and own in span.name.split(".")
    ]
    return heaviest(samples, "place")
