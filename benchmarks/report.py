"""What a part of the benchmarks has to say: tables of rows, and goals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from .rounds import Measured, Spread


@dataclass(frozen=True)
class Goal:
    """A promise, and what came of it in this run.

    Attributes:
        text: what was promised.
        measured: what was measured, in words.
        met: whether the median keeps the promise. Nothing fails where it doesn't.
    """

    text: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Row:
    """One subject: its name and its cells. *ours* rows are set off."""

    name: str
    cells: tuple[str, ...]
    ours: bool = False


@dataclass
class Table:
    """Rows under a title, with a heading for each column after the first."""

    title: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    note: str = ""


@dataclass
class Part:
    """All that one part of the benchmarks found out."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


def nanoseconds(spread: Spread) -> str:
    """Such as `24.1 (23.9-24.6)`."""
    return _with_spread(spread.times(1e9), lambda value: f"{value:,.{1 if value < 100 else 0}f}")


def microseconds(spread: Spread, *, signed: bool = False) -> str:
    """Such as `1.21 (1.19-1.24)`; *signed* for a difference."""
    sign = "+" if signed else ""
    return _with_spread(spread.times(1e6), lambda value: f"{value:{sign},.{_digits(value)}f}")


def times(spread: Spread) -> str:
    """Such as `1.62x (1.60-1.66)`."""
    return _with_spread(spread, lambda value: f"{value:.{2 if value < 100 else 0}f}", unit="x")


def percent(spread: Spread) -> str:
    """A ratio as what it is more or less: `+1.2 % (-0.1 to +2.0)`."""
    more = Spread(spread.median - 1, spread.low - 1, spread.high - 1)
    return _with_spread(more.times(100), lambda value: f"{value:+.1f}", unit=" %")


def against_floor(
    title: str,
    measured: Measured,
    floor: str,
    *,
    ours: tuple[str, ...],
    note: str = "",
) -> Table:
    """A table of nanoseconds and of ratios to *floor*, which comes first."""
    table = Table(title, ("ns", "x floor"), note=note)
    for name in measured.seconds:
        ratio = "1" if name == floor else times(measured.ratio(name, floor))
        table.rows.append(Row(name, (nanoseconds(measured.each(name)), ratio), name in ours))
    return table


def at_most(text: str, spread: Spread, limit: float, say: Callable[[Spread], str]) -> Goal:
    """A goal that the median of *spread* stays within *limit*."""
    return Goal(text, say(spread), spread.median <= limit)


def at_least(text: str, spread: Spread, limit: float, say: Callable[[Spread], str]) -> Goal:
    """A goal that the median of *spread* reaches *limit*."""
    return Goal(text, say(spread), spread.median >= limit)


def _digits(microseconds: float) -> int:
    return 2 if abs(microseconds) < 100 else 0


def _with_spread(spread: Spread, say: Callable[[float], str], unit: str = "") -> str:
    if math.isnan(spread.median):
        return "?"
    low, high = say(spread.low), say(spread.high)
    between = " to " if "+" in low + high or "-" in low + high else "-"
    return f"{say(spread.median)}{unit} ({low}{between}{high})"
