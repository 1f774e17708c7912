"""Judges readings: own, lost, another's, or never taken."""

from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.places import BY_NAME, NOTHING


@dataclass(frozen=True)
class Reading:
    """What the request marked `own` read at a place; "" where nothing was."""

    place: str
    part: str
    own: str
    read: str


@dataclass
class Tally:
    """One cell of the matrix."""

    readings: int = 0
    lost: int = 0
    crossed: int = 0
    missing: int = 0
    repeated: int = 0
    unanswered: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def failures(self) -> int:
        return self.lost + self.crossed + self.missing + self.repeated + self.unanswered

    def note(self, kind: str, example: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < 5:
            self.examples.append(example)

    def __str__(self) -> str:
        kinds = ("lost", "crossed", "missing", "repeated", "unanswered")
        counts = ", ".join(f"{getattr(self, kind)} {kind}" for kind in kinds if getattr(self, kind))
        return f"{counts or 'all right'} of {self.readings} readings: " + "; ".join(self.examples)


@dataclass(frozen=True)
class Sent:
    """A request that the client sent to a place."""

    place: str
    marker: str


def parse(lines: str) -> list[Reading]:
    # What stands after the last line's end is being written just now.
    return [Reading(*line.split("\t")) for line in lines.split("\n")[:-1]]


def read_readings(path: Path) -> list[Reading]:
    return parse(path.read_text()) if path.exists() else []


def owed(
    sent: Iterable[Sent], ambient: Iterable[str], *, wrapped: bool = True
) -> set[tuple[str, str, str]]:
    """(place, part, marker) of each reading that must have been taken."""
    due: set[tuple[str, str, str]] = set()
    ambient = tuple(ambient)
    for request in sent:
        place = BY_NAME[request.place]
        due.update((place.name, part, request.marker) for part in place.parts)
        if "closed" in ambient:
            due.add(("closed", "callback", request.marker))
        if place.ends_well:
            for name in ambient:
                due.update((name, part, request.marker) for part in BY_NAME[name].parts)
    if not wrapped:
        # Above a middleware that opens the scope, there is none on the way in.
        due = {reading for reading in due if reading[:2] != ("outside", "in")}
    return due


def judge(
    readings: Iterable[Reading],
    sent: Iterable[Sent],
    due: set[tuple[str, str, str]],
    rows: Iterable[str],
    lenient: Container[str] = ("access_log",),
) -> dict[str, Tally]:
    """A tally for each of `rows`: every reading compared, every reading that is due found.

    At `lenient` places, requests that end badly are not judged: servers log those from their error
    handling, when the request is over.
    """
    ended_badly = {request.marker for request in sent if not BY_NAME[request.place].ends_well}
    tallies: dict[str, Tally] = {name: Tally() for name in rows}
    taken: dict[tuple[str, str, str], int] = defaultdict(int)
    for reading in readings:
        taken[reading.place, reading.part, reading.own] += 1
        tally = tallies.get(reading.place)
        if tally is None or (reading.place in lenient and reading.own in ended_badly):
            continue
        tally.readings += 1
        wanted = "" if BY_NAME[reading.place].expects == NOTHING else reading.own
        if reading.read != wanted:
            kind = "crossed" if reading.read and not _ended(reading.read) else "lost"
            tally.note(kind, f"{reading.part} of {reading.own} read {reading.read or 'nothing'}")
    for place, part, marker in sorted(due):
        tally, times = tallies.get(place), taken[place, part, marker]
        if tally is not None and times == 0:
            tally.note("missing", f"{part} of {marker} was never reached")
        elif tally is not None and times > 1:
            tally.note("repeated", f"{part} of {marker} was reached {times} times")
    return tallies


def _ended(read: str) -> bool:
    return read.startswith("ended")
