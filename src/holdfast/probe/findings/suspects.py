"""Whom the evidence speaks against, and what to make different to prove it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..change import Change
from ..events import Span, Stack
from ..run import Run
from .blame import Blamed
from .causes import Spent, cause_of
from .ideal import Ideal
from .timeline import Cause

#: More workers or threads than this are not tried: starting them takes longer than it shows.
MOST_WORKERS, MOST_THREADS = 12, 200
#: From this share of the time on, it is what was done most of the time.
MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Attempt:
    """A change that would prove a suspect, and what to call it: `without shop.middleware.Log`."""

    words: str
    change: Change


@dataclass(frozen=True, slots=True)
class Suspect:
    """Somebody who may have made users wait.

    Attributes:
        code, culprit, place, mend, evidence: as in `finding.Finding`.
        because: how the sentence begins: what was seen, without proof.
        charged: seconds that it cost all users together.
        attempts: what would prove it, the smallest change first; each one is enough.
        measured: no change can take it away, but what was measured is enough to say so.
    """

    code: str
    culprit: str
    because: str
    mend: str
    charged: float
    place: str = ""
    attempts: tuple[Attempt, ...] = ()
    evidence: tuple[str, ...] = ()
    measured: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run: what the stories are told from."""

    run: Run
    ideal: Ideal
    spent: Mapping[str, Spent]
    blamed: Sequence[Blamed]
    _spans: dict[Cause, list[Span]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        begun, ended = self.run.begun, self.run.begun + self.run.wall
        for span in self.run.spans:
            if span.ended > begun and span.begun < ended and (cause := cause_of(span)):
                self._spans.setdefault(cause, []).append(span)

    @property
    def users(self) -> int:
        """How many at once."""
        return max(self.run.users, 1)

    def server(self) -> str:
        """The server software, or `the server`."""
        # Each process says it again when it knows more; what serves is what most of them are.
        last = {one.pid: one.server for one in self.run.processes}
        names = Counter(name for name in last.values() if name)
        return names.most_common(1)[0][0] if names else "the server"

    def spans(self, cause: Cause) -> list[Span]:
        """The spans of the users' requests that were put down to *cause*."""
        return self._spans.get(cause, [])

    def computing(self) -> bool:
        """Whether requests spend most of their time alone with computing."""
        seconds = sum(self.ideal.alone.values())
        return seconds > 0 and sum(self.ideal.cpu.values()) / seconds > MOSTLY

    def middleware_of(self, function: str) -> str:
        """The middleware whose method *function* (`ApiLogger.__call__`) is; empty: of none."""
        owner = function.partition(".")[0]
        layers = {span.name for span in self.run.spans if span.kind == "layer"}
        return next((name for name in sorted(layers) if name.rpartition(".")[2] == owner), "")

    def at_once(self) -> int:
        """How many requests the application had at once, at most."""
        begun = self.run.begun
        changes = sorted(
            change
            for one in self.run.served
            if one.entered >= begun
            for change in ((one.entered, 1), (one.left, -1))
        )
        most = now = 0
        for _, change in changes:
            now += change
            most = max(most, now)
        return most

    def where_stood(self, spans: Iterable[Span]) -> tuple[str, Stack]:
        """Where who held what *spans* waited for stood most of the time: place and stack."""
        samples = defaultdict[str, list[Span]](list)
        for span in self.run.spans:
            if span.kind == "sample":
                samples[span.request].append(span)
        found = Counter[tuple[str, Stack]]()
        for span in spans:
            for sample in samples.get(span.holder, ()):
                seconds = min(sample.ended, span.ended) - max(sample.begun, span.begun)
                if seconds > 0:
                    found[sample.place or first(sample.stack), sample.stack] += int(seconds * 1e6)
        return found.most_common(1)[0][0] if found else ("", ())


def first(stack: Stack) -> str:
    """`path:line` of a stack's innermost entry."""
    return stack[0].partition(" ")[0] if stack else ""


def asked_at(spans: Iterable[Span]) -> tuple[str, str]:
    """Where the user's own code most often asked for what *spans* waited for: place, function."""
    found = Counter[tuple[str, str]]()
    for span in spans:
        entry = next((one for one in span.stack if not _is_installed(one)), "")
        if entry:
            place, _, function = entry.partition(" ")
            found[place, function] += 1
    return found.most_common(1)[0][0] if found else ("", "")


def _is_installed(entry: str) -> bool:
    return any(part in entry for part in ("/site-packages/", "/dist-packages/", "/lib/python"))


def heaviest(spans: Iterable[Span], key: str) -> str:
    """The value of attribute *key* that has the most time among *spans*; empty ones don't count."""
    found = defaultdict[str, float](float)
    for span in spans:
        if value := getattr(span, key):
            found[value] += span.ended - span.begun
    return max(found, key=lambda value: found[value], default="")
