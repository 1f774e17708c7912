"""Counts what went wrong, by kind, and keeps what was said of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_MOST_REASONS = 5


@dataclass
class Count:
    """How often something was tried, and how often it went wrong."""

    tried: int = 0
    wrong: int = 0
    #: What was said of those that went wrong, and how often.
    reasons: Counter[str] = field(default_factory=Counter)


class Tally:
    """The counts of one case in one run: one for each kind of failure that the case looks for."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.counts = {kind: Count() for kind in kinds}

    def note(self, kind: str, *, wrong: bool, reason: str = "") -> None:
        """Something was tried; was it wrong, and why?"""
        count = self.counts[kind]
        count.tried += 1
        count.wrong += wrong
        if wrong and reason:
            count.reasons[reason] += 1

    def note_one_of(self, kinds: tuple[str, ...], wrong: str | None, reason: str = "") -> None:
        """Something was tried that could go wrong in each of *kinds*, and did in at most one."""
        for kind in kinds:
            self.note(kind, wrong=kind == wrong, reason=reason)

    @property
    def tried(self) -> int:
        return sum(count.tried for count in self.counts.values())

    @property
    def wrong(self) -> int:
        return sum(count.wrong for count in self.counts.values())

    def reasons(self, kinds: Iterable[str]) -> list[str]:
        """What was said of those of *kinds* that went wrong, the most frequent first."""
        return [
            f"{kind}, {times} x: {reason}"
            for kind in kinds
            for reason, times in self.counts[kind].reasons.most_common(_MOST_REASONS)
        ]
