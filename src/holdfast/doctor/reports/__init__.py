"""What the doctor says: to people (`text`), to programs (`as_json`), to CI (`sarif`, `github`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..examination import Problem
from ..findings import Finding


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many findings are not told, and why.

    Attributes:
        by_comments: as a comment ignores them.
        by_selection: as their codes, severity or confidence were not asked for.
        by_baseline: as the baseline knows them.
        gone_from_baseline: what the baseline knows and isn't there any more.
    """

    by_comments: int = 0
    by_selection: int = 0
    by_baseline: int = 0
    gone_from_baseline: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What is told.

    Attributes:
        findings: by place; paths are from the folder on in which the command was called.
        problems: what could not be examined.
        files: how many were.
        lines: of source that were read.
        reread: how many files had changed since the last run, or depend on what has.
        seconds: how long it took.
        left_out: what is not told.
    """

    findings: list[Finding]
    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    lines: int = 0
    reread: int = 0
    seconds: float = 0.0
    left_out: LeftOut = field(default_factory=LeftOut)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 file`, `1,480 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
