"""Requests stand longer at one place than alone, and no observer knows for what they wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...events import Span
from ..suspects import Evidence, Suspect, first, heaviest
from ..words import at

_KINDS = frozenset({"view", "application", "middleware"})


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """The place where requests stood most. Nothing can be taken away to prove it."""
    inside = [one for one in evidence.blamed if one.cause.kind in _KINDS]
    seconds, alone = sum(one.seconds for one in inside), sum(one.alone for one in inside)
    samples = _samples(evidence)
    # What computes does not wait: it shares the processors.
    if seconds <= alone or not samples or evidence.computing():
        return
    name = max(samples, key=lambda each: sum(span.ended - span.begun for span in samples[each]))
    place = heaviest(samples[name], "place")
    stack = max(samples[name], key=lambda span: span.ended - span.begun).stack
    called = "" if not stack or first(stack) == place else f", in {stack[0].partition(' ')[2]}"
    yield Suspect(
        code="waiting",
        culprit=name,
        place=place,
        because=(
            f"requests were in the application for {seconds:.2f} s, all added up, with nothing "
            f"known that they waited for; each alone, they would have been for {alone:.2f} s; most "
            f"of that time they stood in {name}{at(place)}{called}"
        ),
        mend=(
            "See what it waits for: a service that answers one at a time, or a lock of a library "
            "written in C."
        ),
        charged=seconds - alone,
        evidence=stack,
    )


def _samples(evidence: Evidence) -> dict[str, list[Span]]:
    found = defaultdict[str, list[Span]](list)
    begun = evidence.run.begun
    for span in evidence.run.spans:
        if span.kind == "sample" and span.name and span.ended > begun:
            found[span.name].append(span)
    return found
