"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass

#: How bad it is when it happens.
SEVERITIES = ("error", "warning", "info")
#: How sure the doctor is that it can happen.
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where state lives too long, too short, or in the wrong place.

    Attributes:
        code: of the rule, such as `S1a`: the class, and a letter.
        path: of the file, relative to where the doctor was called.
        line: from 1.
        column: from 1.
        end_line: the last line of what is meant.
        symbol: the function or class around it, such as `Middleware.__call__`.
        attribute: what holds the state, such as `self.user`; empty, if nothing has a name.
        severity: see `SEVERITIES`.
        confidence: see `CONFIDENCES`.
        message: what goes wrong, as a sentence.
        mend: what to do.
        text: the line as it is written.
    """

    code: str
    path: str
    line: int
    column: int
    end_line: int
    symbol: str
    attribute: str
    severity: str
    confidence: str
    message: str
    mend: str
    text: str = ""

    @property
    def class_(self) -> str:
        """The class of findings: `S1` to `S10`, or `info`."""
        return self.code.rstrip("abcdefghijklmnopqrstuvwxyz") if self.code[:1] == "S" else "info"
