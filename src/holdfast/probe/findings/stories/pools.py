"""Requests wait for one of the few things that a pool has: connections, or items of a queue."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ..suspects import Attempt, Evidence, Suspect, heaviest
from ..words import at, called, waited


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each pool that was waited for."""
    for one in evidence.blamed:
        if one.cause.kind != "pool" or one.charged <= 0:
            continue
        spans = evidence.spans(one.cause)
        size = max((int(span.detail.get("size") or 0) for span in spans), default=0)
        place = one.cause.place or heaviest(spans, "place")
        culprit = called(one.cause.name, spans)
        has = f", which has {size}" if size else ""
        yield Suspect(
            code="pool",
            culprit=culprit,
            place=place,
            because=f"{waited(one)} for {culprit}{at(place)}{has}",
            mend=(
                "Make the pool as large as the requests that one process serves at a time need, "
                "and give what was taken from it back before anything slow."
            ),
            charged=one.charged,
            attempts=(
                Attempt(
                    f"with {evidence.users} in {one.cause.name}",
                    Change(pool_size=((place or one.cause.name, evidence.users),)),
                ),
            ),
            numbers={"size": size} if size else {},
        )
