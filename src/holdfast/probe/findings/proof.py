"""Runs again with a suspect out of the way, and keeps only who is proved to be to blame."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ..change import Change
from ..run import Run
from .examined import Examined, examine
from .finding import Finding, Proof
from .ideal import ideal_of
from .stories.refused import failed
from .suspects import Attempt, Suspect
from .words import shown

#: A change proves something if it saves this share of the time, and this many seconds.
LEAST_SAVED, LEAST_SECONDS = 0.25, 0.1
#: Where this share of what is more than the ideal is explained, nobody else is looked for.
EXPLAINED = 0.75
#: A change that makes the time this many times less needs no second look at the run as it was.
PLAIN = 2.5

Again = Callable[[Change, str], Run]


def prove(
    examined: Examined, again: Again, *, most: int = 4, seconds: float = 40.0
) -> Sequence[Finding]:
    """Say who was to blame, the one who cost most first.

    First comes what users saw of each other, then what is proved by a rerun, then what else was
    seen outright, and at last who was suspected without proof (`Finding.proved` is False).

    Args:
        examined: of the run as it was.
        again: runs the server once more, under the same users, with a change and under a name;
            raises RuntimeError or OSError where the server does not come up with the change.
        most: that many reruns at the most; one more may be made without any change, to see whether
            the machine was only busy for a while.
        seconds: when so many have gone by, no further rerun is begun.
    """
    seen = examined.seen
    crossed = [one for one in seen if one.code == "crossed"]
    others = [one for one in seen if one.code != "crossed"]
    trial = _Trial(examined, again, most, time.monotonic() + seconds)
    trial.hear()
    return [*crossed, *trial.proved, *others, *trial.not_proved]


class _Trial:
    """The suspects of one run, heard one after another."""

    def __init__(self, examined: Examined, again: Again, most: int, until: float) -> None:
        self.proved: list[Finding] = []
        self.not_proved: list[Finding] = []
        self._examined = examined
        self._again = again
        self._left = most
        self._until = until
        self._confirmed = False
        # Repeated as it was, the run reached its ideal.
        self._busy = False
        # The best run so far, and what was changed for it: later suspects are heard on top of it.
        self._run = examined.run
        self._change = Change()

    def hear(self) -> None:
        """Hear all that there is time for, until enough is explained."""
        for suspect in self._examined.suspects:
            if self.proved and self._explained():
                return
            if suspect.measured:
                self._hear_measured(suspect)
            else:
                self._hear(suspect)
            if self._busy:
                self.proved.clear()
                self.not_proved.clear()
                return

    def _explained(self) -> bool:
        ideal = self._examined.ideal
        now = ideal_of(self._run, ideal.cores)
        more = ideal.wall - ideal.seconds
        saved = ideal.wall - comparable(self._run, self._examined.run)
        return now.reached or saved >= EXPLAINED * more

    def _hear(self, suspect: Suspect) -> None:
        tried: list[Proof] = []
        for attempt in suspect.attempts:
            if self._left <= 0 or time.monotonic() > self._until:
                break
            self._left -= 1
            proof, run = self._attempt(attempt)
            tried.append(proof)
            if proof.holds and run is not None and self._confirm(proof):
                self.proved.append(_told(suspect, proof))
                self._run, self._change = run, proof.change
                return
        self.not_proved.append(_not_proved(suspect, tried))

    def _hear_measured(self, suspect: Suspect) -> None:
        """Nothing can be taken away here: what counts is that it is the same once more."""
        run = self._run_again(Change(), "as it is, again")
        if run is None:
            return
        second = examine(run, cores=self._examined.ideal.cores)
        once_more = any(
            one.code == suspect.code and one.charged >= suspect.charged / 3
            for one in second.suspects
        )
        self._confirmed = True
        if once_more:
            self.proved.append(_told(suspect, None))
            # It has the time from here on; who else is charged with little is not looked for.
            self._left = min(self._left, 1)
        else:
            self.not_proved.append(_not_proved(suspect, []))

    def _attempt(self, attempt: Attempt) -> tuple[Proof, Run | None]:
        change = both(self._change, attempt.change)
        before = comparable(self._run, self._examined.run)
        run = self._run_again(change, attempt.words)
        if run is None:
            why = "the server did not come up with it"
            return Proof(attempt.words, change, before, before, "", holds=False, why_not=why), None
        after = comparable(run, self._examined.run)
        why = _why_not(self._examined.run, run, before, after)
        return Proof(attempt.words, change, before, after, run.name, not why, why), run

    def _run_again(self, change: Change, name: str) -> Run | None:
        try:
            return self._again(change, name)
        except (RuntimeError, OSError):
            return None

    def _confirm(self, proof: Proof) -> bool:
        """See, unless it is plain, that the run as it was is slow a second time, too."""
        starved = self._examined.ideal.starved > 0.1 * proof.before
        if self._confirmed or (proof.before >= PLAIN * proof.after and not starved):
            return True
        run = self._run_again(Change(), "as it is, again")
        if run is None:
            return False
        self._confirmed = True
        second = comparable(run, self._examined.run)
        ideal = ideal_of(run, self._examined.ideal.cores)
        self._busy = ideal.reached and self._examined.slow
        return not self._busy and not _little(min(proof.before, second), proof.after)


def comparable(run: Run, first: Run) -> float:
    """The seconds that *run* would have taken for as many requests as *first* had."""
    if not run.together:
        return float("inf")
    return run.wall * len(first.together) / len(run.together)


def both(one: Change, other: Change) -> Change:
    """What both change; of two numbers the greater one."""
    values: dict[str, Any] = {}
    for each in fields(Change):
        mine, others = getattr(one, each.name), getattr(other, each.name)
        if isinstance(mine, tuple):
            values[each.name] = tuple(dict.fromkeys((*mine, *others)))
        else:
            values[each.name] = max(mine, others)
    return replace(one, **values)


def _why_not(first: Run, run: Run, before: float, after: float) -> str:
    if _little(before, after):
        return "it took about as long" if after > LEAST_SECONDS else "the difference is too small"
    had, has = _statuses(first), _statuses(run)
    others = sorted(
        {f"{path}: {status}" for path, found in has.items() for status in found - had[path]}
    )
    if others:
        return f"the answers were others ({', '.join(others[:3])})"
    if sum(map(failed, run.together)) > sum(map(failed, first.together)):
        return "more requests failed"
    return ""


def _little(before: float, after: float) -> bool:
    return before - after < max(LEAST_SECONDS, LEAST_SAVED * before)


def _statuses(run: Run) -> Mapping[str, set[int]]:
    found = defaultdict[str, set[int]](set)
    for one in (*run.alone, *run.together):
        found[one.path].add(one.status)
    return found


def _told(suspect: Suspect, proof: Proof | None) -> Finding:
    so = ", seen in two runs."
    if proof is not None:
        so = f"; {proof.changed}: {_both_times(proof)}."
    return _finding(suspect, f"{suspect.because}{so}", proof, proved=True)


def _not_proved(suspect: Suspect, tried: Sequence[Proof]) -> Finding:
    if not tried:
        return _finding(suspect, f"Not proved: {suspect.because}.", None, proved=False)
    said = "; ".join(
        f"{one.changed}: {_both_times(one)}, {one.why_not or 'and it was slow by chance'}"
        if one.run
        else f"{one.changed}: {one.why_not}"
        for one in tried
    )
    return _finding(
        suspect, f"Not proved: {suspect.because}. Tried: {said}.", tried[0], proved=False
    )


def _both_times(proof: Proof) -> str:
    return f"{proof.after:.2f} s instead of {proof.before:.2f} s"


def _finding(suspect: Suspect, sentence: str, proof: Proof | None, *, proved: bool) -> Finding:
    numbers = {"charged": suspect.charged, **suspect.numbers}
    return Finding(
        code=suspect.code,
        culprit=suspect.culprit,
        place=shown(suspect.place),
        sentence=sentence,
        mend=suspect.mend,
        proved=proved,
        proof=proof,
        numbers=numbers,
        evidence=suspect.evidence,
    )
