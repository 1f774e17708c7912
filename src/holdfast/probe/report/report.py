"""All that a report tells of: the runs, how good the first one could have been, what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..findings.finding import Finding
from ..findings.ideal import ENOUGH_SECONDS, ENOUGH_TIMES, Ideal
from ..run import Run


@dataclass(frozen=True, slots=True)
class Report:
    """What is told.

    Attributes:
        command: the server's, as the user typed it.
        runs: as it is, and then those that were to prove something.
        ideal: of the first run.
        findings: the worst first.
        notes: what else is to be said, a sentence each.
        tool: which command it is of.
    """

    command: Sequence[str]
    runs: Sequence[Run]
    ideal: Ideal
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()
    tool: str = "holdfast probe"

    @property
    def run(self) -> Run:
        """The run as it is."""
        return self.runs[0]

    @property
    def better(self) -> Run | None:
        """The run with all that was proved to help; None: nothing was, or it was not kept."""
        proofs = [one.proof for one in self.findings if one.proof and one.proof.holds]
        if not proofs:
            return None
        best = min(proofs, key=lambda proof: proof.after)
        return next((one for one in self.runs[1:] if one.name == best.run), None)

    @property
    def disturbed(self) -> bool:
        """The machine kept the server from its processors for so long that times say little."""
        return self.ideal.starved >= max(0.1, self.ideal.seconds / 4)

    @property
    def excused(self) -> bool:
        """It was slow, and only the machine keeps us from saying that it is the server's fault."""
        ideal = self.ideal
        return ideal.reached and ideal.wall > ENOUGH_TIMES * ideal.seconds + ENOUGH_SECONDS

    @property
    def shown(self) -> Sequence[Run]:
        """The runs that are worth a look: as it is, and with what helped."""
        return [self.run, *([self.better] if self.better else [])]


def counted(count: int, name: str) -> str:
    """Such as `1 user`, `1,000 users`."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


#: What requests are called, see `markers.request_of`.
_REQUEST = re.compile(r"(?:\brequest )?\b[a-z0-9]{10}-(\d+|alone)-(\d+)\b")


def humane(text: str) -> str:
    """*text*, with users in place of what their requests are called."""
    return _REQUEST.sub(_user, text)


def _user(found: re.Match[str]) -> str:
    who = found[1]
    return f"user {int(who) + 1}" if who.isdecimal() else "who asked alone"
