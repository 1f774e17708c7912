"""Requests wait for a lock or a semaphore that another one holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...change import Change
from ...events import Span
from ..suspects import Attempt, Evidence, Suspect, asked_at, heaviest
from ..words import at, called, shown, waited

#: Waits that are told one by one.
SHOWN = 3


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each lock that was waited for."""
    for one in evidence.blamed:
        if one.cause.kind != "lock" or one.charged <= 0:
            continue
        spans = evidence.spans(one.cause)
        stood, _ = evidence.where_stood(spans)
        place = one.cause.place or heaviest(spans, "place")
        known = place or one.cause.name
        asked, function = asked_at(spans)
        middleware = evidence.middleware_of(function)
        culprit = called(one.cause.name, spans) + (f" in {middleware}" if middleware else "")
        yield Suspect(
            code="lock",
            culprit=culprit,
            place=place,
            because=(
                f"{waited(one)} for {culprit}{at(place)}"
                + (f", asked for in {function}{at(asked)}" if function else "")
                + (f", while its holder stood at {shown(stood)}" if stood else "")
            ),
            mend=(
                "Don't hold it over anything slow: prepare first, hold it only while what it "
                "guards is read or written, and do the slow part after it is released."
            ),
            charged=one.charged,
            attempts=(Attempt(f"without {one.cause.name}", Change(without_lock=(known,))),),
            evidence=_pairs(spans),
        )


def _pairs(spans: list[Span]) -> tuple[str, ...]:
    """Who waited longest, for whom at the end, and where."""
    by_end = sorted(spans, key=lambda span: span.ended)
    # Who got it before has it while one waits; at first it is who had it when the waiting began.
    before = {id(one): other.request for other, one in pairwise(by_end)}
    longest = sorted(spans, key=lambda span: span.begun - span.ended)[:SHOWN]
    found = []
    for span in longest:
        holder = before.get(id(span), span.holder)
        found.append(
            f"{span.request} waited {span.ended - span.begun:.2f} s"
            + (f", at last for {holder}" if holder else "")
            + (f", at {span.stack[0]}" if span.stack else "")
        )
    return tuple(found)
