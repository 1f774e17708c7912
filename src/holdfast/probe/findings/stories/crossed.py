"""A user got to see what is another user's. Seen outright: no rerun is needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ...run import Crossed, Run
from ..finding import Finding

#: As many pairs of requests are shown.
SHOWN = 3


def findings(run: Run) -> Iterator[Finding]:
    """One for each place where markers came out, and each place that they came from."""
    pairs = defaultdict[tuple[str, str, str], list[Crossed]](list)
    for one in run.crossed:
        pairs[one.marker_kind, one.where, one.place].append(one)
    paths = {one.request: one.path for one in (*run.alone, *run.together)}
    for (kind, where, place), crossed in sorted(pairs.items()):
        first = crossed[0]
        times = "once" if len(crossed) == 1 else f"{len(crossed)} times"
        yield Finding(
            code="crossed",
            culprit=place or f"{kind} in the {where}",
            place=place,
            sentence=(
                f"What one user had sent ({kind}) was shown to another one ({where}), {times}: "
                f"request {first.owner}{_path(paths, first.owner)} sent it, "
                f"{first.seer}{_path(paths, first.seer)} got it"
                + (f", by {place}." if place else ".")
            ),
            mend=(
                "Something that outlives a request holds its data: a module, a middleware's self, "
                "a thread-local or a cache without the user in its key. Keep it on the request, or "
                "in holdfast.state; `holdfast watch` shows who wrote it and who read it."
            ),
            numbers={"times": len(crossed)},
            evidence=tuple(f"{one.owner} → {one.seer}: {one.text}" for one in crossed[:SHOWN]),
        )


def _path(paths: dict[str, str], request: str) -> str:
    return f" ({paths[request]})" if request in paths else ""
