"""Was it the right one? What the probe's report says of a plot, against what was planted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.probe.garden.plots import Blame, Plot


@dataclass(frozen=True)
class Verdict:
    """What came of one plot.

    Attributes:
        right: the fault was found and proved, before all else; or there was none, and none found.
        found: the first finding, in words, or why there was none.
        before, after: seconds of the users, as it is and without the culprit; None: no proof.
        also: further findings that were held to be proved.
        seconds: how long the probe took.
    """

    plot: Plot
    right: bool
    found: str
    before: float | None = None
    after: float | None = None
    also: Sequence[str] = ()
    seconds: float = 0.0


def judged(plot: Plot, report: Mapping[str, Any], seconds: float) -> Verdict:
    """The verdict on a report, as `holdfast probe --json` gives it."""
    proved = [each for each in report["findings"] if each["proved"]]
    if plot.blame is None:
        words = ", ".join(map(words_of, proved)) or "nothing"
        return Verdict(plot, not proved, words, seconds=seconds)
    if not proved:
        suspected = [words_of(each) for each in report["findings"]]
        return Verdict(
            plot, False, f"not proved: {', '.join(suspected) or 'nothing'}", seconds=seconds
        )
    first, *rest = proved
    proof = first.get("proof") or {}
    return Verdict(
        plot,
        is_to_blame(plot.blame, first),
        words_of(first),
        proof.get("before"),
        proof.get("after"),
        [words_of(each) for each in rest],
        seconds,
    )


def is_to_blame(blame: Blame, finding: Mapping[str, Any]) -> bool:
    """Whether the finding names whom we planted."""
    if finding["code"] not in blame.kinds:
        return False
    if not blame.names and not blame.lines:
        return True
    place = finding.get("place") or ""
    return any(name in finding["culprit"] for name in blame.names) or any(
        place.endswith(each) for each in blame.places()
    )


def words_of(finding: Mapping[str, Any]) -> str:
    place = f" at {finding['place']}" if finding.get("place") else ""
    return f"{finding['code']}: {finding['culprit']}{place}"
