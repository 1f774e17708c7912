"""What `holdfast watch` has seen, as findings that a page can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...watch.crossings import Kind
from ..findings.finding import Finding
from ..findings.ideal import ideal_of
from ..findings.stories import crossed
from ..run import Run
from .report import Report

TOOL = "holdfast watch"
_FRAMES = 6


def report_of(command: Sequence[str], run: Run | None, crossings: Sequence[Any]) -> Report:
    """All that a page tells of a watched server.

    Args:
        command: as the user typed it.
        run: of the probe's users; None: the site was used by hand.
        crossings: what the watch reported, see `Crossing.as_dict`; bugs first.
    """
    seen = run or Run("as it is", 0)
    found = [_finding(one) for one in crossings if Kind(one["kind"]).is_bug]
    shared = sorted({one["place"] for one in crossings if not Kind(one["kind"]).is_bug})
    notes = []
    if shared:
        notes.append(
            "Shared between requests, perhaps on purpose (then declare it with"
            f" holdfast.worker_state): {', '.join(shared)}"
        )
    # What was written and read says more than what came out.
    findings = [*found, *crossed.findings(seen)]
    return Report(command, [seen], ideal_of(seen), findings, notes, TOOL)


def _finding(one: Mapping[str, Any]) -> Finding:
    times = f" It was seen {one['count']:,} times." if one.get("count", 1) > 1 else ""
    read = one["read"]["stack"]
    return Finding(
        code=one["kind"],
        culprit=one["place"],
        sentence=f"{_sentence(one['message'])}{times}",
        mend=f"{_sentence(one['mend'])}",
        place=f"{read[0]['path']}:{read[0]['line']}" if read else "",
        evidence=tuple(_evidence(one)),
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _evidence(one: Mapping[str, Any]) -> Iterator[str]:
    for side in ("written", "read"):
        yield f"{side} by {one[side]['request']}"
        for frame in one[side]["stack"][:_FRAMES]:
            yield f"    {frame['path']}:{frame['line']} in {frame['function']}"
            if frame["text"]:
                yield f"        {frame['text']}"
