"""Objects of finished requests are still reached. Seen outright: no rerun is needed."""

from __future__ import annotations

from collections.abc import Iterator

from ...events import Kept
from ...run import Run
from ..finding import Finding


def findings(run: Run) -> Iterator[Finding]:
    """One for each path that leads to such objects; of several looks the last one counts."""
    last: dict[tuple[int, str, str], Kept] = {}
    for one in sorted(run.kept, key=lambda one: one.at):
        last[one.pid, one.what, one.path] = one
    by_path: dict[tuple[str, str], list[Kept]] = {}
    for one in last.values():
        if one.count > 0:
            by_path.setdefault((one.what, one.path), []).append(one)
    for (what, path), kept in sorted(by_path.items(), key=lambda item: -_count(item[1])):
        count = _count(kept)
        noun = f"one {what}" if count == 1 else f"{count} of {what}"
        yield Finding(
            code="kept",
            culprit=path,
            sentence=f"After all requests had ended, {noun} could still be reached, by {path}.",
            mend=(
                "Let go of it when the request ends: keep it in holdfast.state, or on the request; "
                "copy out the few values that are needed longer; disconnect receivers, and hold "
                "what belongs to a request by weakref where a registry has to know it."
            ),
            numbers={"count": count, "processes": len(kept)},
            evidence=tuple(request for one in kept for request in one.requests[:3]),
        )


def _count(kept: list[Kept]) -> int:
    return sum(one.count for one in kept)
