"""What became of a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..findings import Finding


class RefusedError(Exception):
    """The finding can't be mended without guessing. The message says why, as half a sentence."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A finding that stays."""

    finding: Finding
    why: str

    def __str__(self) -> str:
        place = f"{self.finding.path}:{self.finding.line}"
        return f"{place}: {self.finding.code} left as it is: {self.why}"


@dataclass(frozen=True, slots=True)
class Mended:
    """A finding that is gone.

    Attributes:
        finding: as it was.
        note: what its reader has to know or to do, as a sentence; often empty.
    """

    finding: Finding
    note: str = ""


@dataclass(slots=True)
class MendedFile:
    """One file, before and after.

    Attributes:
        path: where it is.
        shown: its path as findings name it.
        before: its bytes as they were read.
        after: as they should be.
        mended: what is gone.
    """

    path: Path
    shown: str
    before: bytes
    after: bytes
    mended: list[Mended] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """All of it.

    Attributes:
        files: those that change.
        refused: what stays, with the reason.
    """

    files: list[MendedFile] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    @property
    def mended(self) -> list[Mended]:
        """All that is gone."""
        return [one for file in self.files for one in file.mended]

    @property
    def notes(self) -> list[str]:
        """What readers have to know, each once."""
        return list(dict.fromkeys(one.note for one in self.mended if one.note))
