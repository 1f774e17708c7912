"""What was seen in the loaded project, as it is handed to the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A line in a file."""

    file: str
    line: int


@dataclass(frozen=True)
class Seen:
    """One thing that is wrong; the fields are those of a finding."""

    code: str
    place: Place
    symbol: str
    attribute: str
    severity: str
    message: str
    mend: str
