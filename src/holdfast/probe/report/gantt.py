"""The users' Gantt in a terminal: who waited, for what, and behind whom.

Work is drawn broad, and waiting thin; without colours each cause has a letter. Many users share a
line, which then shows what most of them did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median

from ..markers import user_of
from ..run import Run
from .bars import Row, bins, causes_of, rows_of, shares
from .looks import LOOKS, as_seconds, look_of

#: A line in pieces: the text of each, and how it looks where there are colours.
Line = list[tuple[str, str]]

_LABEL = 11
#: For `  1.01 s behind user 100`: more users than that share lines.
_AFTER = 24
_NARROWEST = 20
#: A cell is drawn if requests were there for this share of its time, or it's their first.
_ENOUGH = 0.25
_WORTH_TELLING = 0.01
_BROAD, _THIN = "\N{FULL BLOCK}", "\N{BOX DRAWINGS HEAVY HORIZONTAL}"
#: The line of what is possible, with colours and without: the latter are ASCII.
_IDEAL = {True: "\N{BOX DRAWINGS LIGHT QUADRUPLE DASH VERTICAL}", False: "|"}


def gantt(
    runs: Sequence[Run], ideal: float, width: int = 80, *, height: int = 20, colours: bool = False
) -> Iterator[Line]:
    """The runs below each other, on one scale of time, and a legend.

    Args:
        runs: at least one, each with a user's request at least.
        ideal: seconds that the first one would have taken at best.
        width: columns that there are; less than 60 is taken as 60.
        height: lines that a run may have. More users than that share lines.
        colours: whether the looks of the pieces will be seen; False: letters take their place.
    """
    width = max(width, 60)
    cells = max(_NARROWEST, width - _LABEL - _AFTER)
    length = max(ideal, *(run.wall for run in runs)) or 1e-3
    drawing = _Drawing(cells, length, ideal, height, colours)
    used: set[str] = set()
    rows = [rows_of(run) for run in runs]
    for number, run in enumerate(runs):
        yield from drawing.run(run, rows[number], used, first=number == 0)
        yield []
    yield from _legend(rows[0], used, width, colours=colours)


class _Drawing:
    def __init__(
        self,
        cells: int,
        length: float,
        ideal: float,
        height: int,
        colours: bool,  # noqa: FBT001
    ) -> None:
        self._cells = cells
        self._length = length
        self._ideal = min(cells - 1, int(ideal / length * cells))
        self._seconds = ideal
        self._height = height
        self._colours = colours

    def run(self, run: Run, rows: Sequence[Row], used: set[str], *, first: bool) -> Iterator[Line]:
        best = f", at best {as_seconds(self._seconds)}" if first else ""
        yield [(f"{run.name}: {as_seconds(run.wall)}", "bold"), (best, "")]
        yield [(" " * _LABEL + self._scale(), "dim")]
        groups = bins(rows, self._height)
        ranks = len(groups) < len(rows)
        drawn = [(group, list(self._bar(run, group, used))) for group in groups]
        if not first:
            drawn = list(_alike(drawn))
        rank = 1
        for group, bar in drawn:
            last = rank + len(group) - 1
            label = f"{rank:,}-{last:,}" if ranks else _users(group)
            yield [(f"{label[: _LABEL - 1]:>{_LABEL - 1}} ", ""), *bar, *self._after(group)]
            rank = last + 1

    def _scale(self) -> str:
        """Numbers where they stand on it, none over another one."""
        step = _step(self._length, self._cells / 9)
        line = [" "] * (self._cells + 8)
        at = 0.0
        while at <= self._length * 1.0001:
            place = round(at / self._length * self._cells)
            text = f"{at:g} s"
            if place + len(text) <= len(line):
                line[place : place + len(text)] = text
            at += step
        return "".join(line).rstrip()

    def _bar(self, run: Run, group: Sequence[Row], used: set[str]) -> Iterator[tuple[str, str]]:
        """One line, neighbours of one look in one piece."""
        text, style = "", ""
        for column, causes in enumerate(shares(run, group, self._cells, self._length)):
            letter, now = self._cell(column, causes, len(group), used)
            if now != style and text:
                yield text, style
                text = ""
            text, style = text + letter, now
        if text:
            yield text, style

    def _cell(
        self, column: int, causes: dict[str, float], users: int, used: set[str]
    ) -> tuple[str, str]:
        there = sum(causes.values())
        cell = self._length / self._cells
        if there < _ENOUGH * users * cell and (column > 0 or not there):
            return (_IDEAL[self._colours], "dim") if column == self._ideal else (" ", "")
        works = {one: seconds for one, seconds in causes.items() if not look_of(one).waits}
        # Of many who share a line, most may be waiting: that some are served is worth to be seen.
        served = users > 1 and sum(works.values()) >= cell / 2
        told = works if served else causes
        cause = max(told, key=lambda one: told[one])
        used.add(cause)
        look = look_of(cause)
        if column == self._ideal and look.waits:
            return _IDEAL[self._colours], look.colour if self._colours else ""
        if not self._colours:
            return look.letter, ""
        return (_THIN if look.waits else _BROAD), look.colour

    def _after(self, group: Sequence[Row]) -> Iterator[tuple[str, str]]:
        typical = median(row.seconds for row in group)
        yield f" {as_seconds(typical):>7}", "bold"
        if len(group) > 1:
            yield " each", "dim"
            return
        bars = [bar for bar in group[0].bars if bar.behind]
        if bars:
            worst = max(bars, key=lambda bar: bar.waited)
            who = user_of(worst.behind)
            if who.isdecimal():
                yield f" behind user {int(who) + 1}", "dim"


def _users(group: Sequence[Row]) -> str:
    # People count from 1.
    return f"user {group[0].user + 1}" if len(group) == 1 else f"{len(group)} users"


def _alike(
    drawn: Sequence[tuple[Sequence[Row], list[tuple[str, str]]]],
) -> Iterator[tuple[Sequence[Row], list[tuple[str, str]]]]:
    """Neighbours that look the same, as one."""
    for bar, same in groupby(drawn, key=lambda one: one[1]):
        yield [row for group, _ in same for row in group], bar


def _step(length: float, most: float) -> float:
    """A round number of seconds, so that there are no more than *most* of them in *length*."""
    step = 1e-4
    while True:
        for times in (1, 2, 5):
            if length / (step * times) <= most:
                return step * times
        step *= 10


def _legend(rows: Sequence[Row], used: set[str], width: int, *, colours: bool) -> Iterator[Line]:
    sums = causes_of(rows)
    total = sum(sums.values()) or 1.0
    told = [one for one in LOOKS if one in used or sums.get(one, 0) / total >= _WORTH_TELLING]
    line: Line = []
    taken = 0
    for cause in sorted(told, key=lambda one: -sums.get(one, 0.0)):
        look = LOOKS[cause]
        mark = (_THIN * 2 if look.waits else _BROAD * 2) if colours else look.letter
        share = sums.get(cause, 0.0) / total
        text = f" {look.title}" + (f" {share:.0%}" if share >= _WORTH_TELLING else "")
        needs = len(mark) + len(text) + 3
        if line and taken + needs > width:
            yield line
            line, taken = [], 0
        line += [(mark, look.colour if colours else ""), (f"{text}   ", "")]
        taken += needs
    ideal = f"{_IDEAL[colours]} at best"
    if line and taken + len(ideal) > width:
        yield line
        line = []
    yield [*line, (ideal, "dim")]
