"""Requests wait in the database, longer the more of them there are: for rows, or for the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...events import Span
from ..suspects import Evidence, Suspect
from ..words import shown, waited


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """Each database in which requests waited for each other."""
    for one in evidence.blamed:
        if one.cause.kind != "database" or one.charged <= 0:
            continue
        name = one.cause.name or "the database"
        spans = evidence.spans(one.cause)
        place, statement = _slowest(spans)
        most = f", most of it at {shown(place)}" if place else ""
        alone = one.alone / max(len(evidence.run.together), 1)
        yield Suspect(
            code="database",
            culprit=f"{name}: {statement}" if statement else name,
            place=place,
            because=(
                f"{waited(one)} in the database {name}{most}; "
                f"one that is alone takes {alone:.3f} s there"
            ),
            mend=(
                "They wait for each other's rows (or, with SQLite, for the file). Keep "
                "transactions short: nothing slow between the first write, or SELECT ... FOR "
                "UPDATE, and COMMIT; lock fewer rows, or add what rows are found by to an index."
            ),
            charged=one.charged,
            measured=True,
        )


def _slowest(spans: list[Span]) -> tuple[str, str]:
    """Where the most time was waited, and the beginning of the statement, if it was noted."""
    seconds = defaultdict[tuple[str, str], float](float)
    for span in spans:
        statement = str(span.detail.get("statement") or "")[:80]
        seconds[span.place, statement] += span.ended - span.begun
    return max(seconds, key=lambda key: seconds[key], default=("", ""))
