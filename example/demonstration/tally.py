"""Counts what went wrong, by kind."""

from dataclasses import dataclass


@dataclass
class Count:
    """How often something was tried, and how often it went wrong."""

    tried: int = 0
    wrong: int = 0


class Tally:
    """The counts of one case in one run: one for each kind of failure that the case looks for."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self.counts = {kind: Count() for kind in kinds}

    def note(self, kind: str, *, wrong: bool) -> None:
        """Something was tried; was it wrong?"""
        self.counts[kind].tried += 1
        self.counts[kind].wrong += wrong

    def note_one_of(self, kinds: tuple[str, ...], wrong: str | None) -> None:
        """Something was tried that could go wrong in each of *kinds*, and did in at most one."""
        for kind in kinds:
            self.note(kind, wrong=kind == wrong)

    @property
    def tried(self) -> int:
        return sum(count.tried for count in self.counts.values())

    @property
    def wrong(self) -> int:
        return sum(count.wrong for count in self.counts.values())
