"""State that all workers see: each store beside what else there is; one process, then four."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import store_processes as of
from . import store_subjects as stores
from .report import Goal, Part, Row, Table, at_least, at_most, times
from .rounds import Effort, Measured, Spread
from .store_processes import SIZES, Failed, Processes
from .store_services import Places, running

NAME = "stores"

_PROCESSES = (1, 4)
_GOALS_SIZE = "1 KB"
_INCREMENTS = 80_000

Cell = tuple[str, str, int]
"""Operation, size of the values, and how many processes."""


@dataclass
class _Found:
    """What was measured.

    Attributes:
        seconds: for one call, of all processes together: by cell, then by store, each round.
        failed: by cell and store, why there is nothing.
        counted: by store, how many increments four processes made, and how many got lost.
        left_out: by store, what is missing here.
    """

    seconds: dict[Cell, dict[str, list[float]]] = field(default_factory=dict)
    failed: dict[tuple[Cell, str], str] = field(default_factory=dict)
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def measured(self, cell: Cell) -> Measured:
        """What there is of a cell, to be compared round by round."""
        return Measured(self.seconds.get(cell, {}))

    def has(self, cell: Cell, *names: str) -> bool:
        """Whether all of them were measured there."""
        return all(name in self.seconds.get(cell, {}) for name in names)


def run(effort: Effort) -> Part:
    """Measure all stores that this machine has."""
    part = Part(NAME, "State that all workers see")
    keys = of.MANY if effort.quick else 1000
    with running() as places, of.processes(places, max(_PROCESSES), keys) as processes:
        found = _measure(places, processes, effort)
    notes = _notes(found)
    for operation in (of.GET, of.SET, of.MIXED, of.GET_MANY):
        part.tables.append(_table(operation, found))
    part.tables.append(_increments(found))
    part.tables[-1].note += notes
    part.goals += _goals(found)
    return part


def _measure(places: Places, processes: Processes, effort: Effort) -> _Found:
    found = _Found()
    there = []
    for store in stores.STORES:
        missing = store.missing(places)
        if missing is None:
            try:
                processes.fill(store.name)
            except Failed as error:
                missing = str(error)
        if missing is None:
            there.append(store)
        else:
            found.left_out[store.name] = missing
    order = random.Random(effort.seed)
    seconds = 0.0 if effort.quick else 0.04
    for size, rounds in (("100 B", 3), ("1 KB", 11), ("10 KB", 3)):
        cells: list[Cell] = [
            (operation, size, number)
            for number in _PROCESSES
            for operation in (of.GET, of.SET, of.MIXED, of.INCREMENT, of.GET_MANY)
            if operation != of.INCREMENT or size == _GOALS_SIZE
        ]
        for _ in range(1 if effort.quick else rounds):
            order.shuffle(cells)
            for cell in cells:
                order.shuffle(there)
                for store in there:
                    _sample(processes, store, cell, seconds, found)
    return found


def _sample(
    processes: Processes, store: stores.Store, cell: Cell, seconds: float, found: _Found
) -> None:
    operation, size, number = cell
    if (cell, store.name) in found.failed or (number > 1 and not store.shared):
        return
    if operation == of.INCREMENT and store.name == stores.FLOOR:
        return
    try:
        if operation == of.INCREMENT:
            rate, done, lost = processes.increments(store.name, number, seconds)
            if number > 1:
                before = found.counted.get(store.name, (0, 0))
                found.counted[store.name] = before[0] + done, before[1] + lost
        else:
            rate = processes.rate(store.name, operation, size, number, seconds)
    except Failed as error:
        found.failed[cell, store.name] = str(error)
        found.seconds.get(cell, {}).pop(store.name, None)
    else:
        found.seconds.setdefault(cell, {}).setdefault(store.name, []).append(1 / rate)


# Tables


def _heading(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def _table(operation: str, found: _Found) -> Table:
    columns = [(number, size) for number in _PROCESSES for size in SIZES]
    table = Table(
        f"{operation}: thousand calls/s",
        tuple(f"{_heading(number)}, {size}" for number, size in columns),
    )
    for store in _rows(found):
        cells = [_rate(found, (operation, size, number), store) for number, size in columns]
        table.rows.append(Row(store.name, tuple(cells), store.ours))
    return table


def _increments(found: _Found) -> Table:
    table = Table(
        "incr: thousand calls/s",
        (*(_heading(number) for number in _PROCESSES), "lost, of those by 4 processes"),
    )
    for store in _rows(found):
        if store.name == stores.FLOOR:
            continue
        cells = [_rate(found, (of.INCREMENT, _GOALS_SIZE, number), store) for number in _PROCESSES]
        done, lost = found.counted.get(store.name, (0, 0))
        cells.append(f"{lost:,} of {done:,}" if done else "")
        table.rows.append(Row(store.name, tuple(cells), store.ours))
    return table


def _rows(found: _Found) -> Iterable[stores.Store]:
    return [store for store in stores.STORES if store.name not in found.left_out]


def _rate(found: _Found, cell: Cell, store: stores.Store) -> str:
    if (cell, store.name) in found.failed:
        return "failed"
    if cell[2] > 1 and not store.shared:
        return "not shared"
    taken = found.seconds.get(cell, {}).get(store.name)
    return "" if not taken else _thousands(Spread.of(1 / seconds for seconds in taken))


def _thousands(spread: Spread) -> str:
    digits = 0 if spread.median >= 100_000 else 1 if spread.median >= 10_000 else 2
    low, median, high = (
        f"{value / 1000:.{digits}f}" for value in (spread.low, spread.median, spread.high)
    )
    return f"{median} ({low}-{high})"


def _notes(found: _Found) -> str:
    said = [f"Left out: {name} ({missing})." for name, missing in found.left_out.items()]
    failures: dict[tuple[str, str], list[str]] = {}
    for ((operation, size, number), name), why in found.failed.items():
        failures.setdefault((name, why), []).append(f"{operation}, {size}, {_heading(number)}")
    said += [
        f"{name} failed ({why}) at {'; '.join(where)}." for (name, why), where in failures.items()
    ]
    return " ".join(said)


# Goals


def _goals(found: _Found) -> list[Goal]:
    embedded, redis = stores.EMBEDDED, stores.ON_REDIS
    goals = [
        _at_most(found, embedded, stores.FLOOR, of.GET, 2, "at most 2x the floor, {}"),
        _quicker(found, embedded, stores.DJANGO_REDIS, of.GET, 1, 20),
    ]
    for disk in (stores.DISKCACHE, stores.DISKCACHE_DJANGO):
        goals.append(_quicker(found, embedded, disk, of.MIXED, 4, 3))
        goals.append(_quicker(found, embedded, disk, of.SET, 4, 5))
    goals += [_exact(found, ours) for ours in (embedded, stores.DICT)]
    longer = "takes at most 15 % longer than {}"
    for alone in (stores.REDIS_PY, stores.REDIS_PY_BYTES):
        goals += [_at_most(found, redis, alone, what, 1.15, longer) for what in (of.GET, of.SET)]
    goals += [_quicker(found, redis, stores.DJANGO_REDIS, what, 1, 2) for what in (of.GET, of.SET)]
    return [goal for goal in goals if goal is not None]


def _quicker(  # noqa: PLR0913, PLR0917 - a sentence
    found: _Found, ours: str, other: str, operation: str, number: int, least: float
) -> Goal | None:
    cell = (operation, _GOALS_SIZE, number)
    if not found.has(cell, ours, other):
        return None
    text = f"at least {least:g} times as fast as {other}, {_heading(number)}"
    ratio = found.measured(cell).ratio(other, ours)
    return at_least(f"{ours}: {operation} {text}", ratio, least, times)


def _at_most(  # noqa: PLR0913, PLR0917 - a sentence
    found: _Found, ours: str, floor: str, operation: str, limit: float, text: str
) -> Goal | None:
    cell = (operation, _GOALS_SIZE, 1)
    if not found.has(cell, ours, floor):
        return None
    ratio = found.measured(cell).ratio(ours, floor)
    return at_most(f"{ours}: {operation} {text.format(floor)}", ratio, limit, times)


def _exact(found: _Found, ours: str) -> Goal | None:
    taken = found.seconds.get((of.INCREMENT, _GOALS_SIZE, 4), {}).get(ours)
    done, lost = found.counted.get(ours, (0, 0))
    if not taken or not done:
        return None
    rates = Spread.of(1 / seconds for seconds in taken)
    return Goal(
        f"{ours}: at least {_INCREMENTS:,} increments/s by 4 processes, none lost",
        f"{_thousands(rates)} thousand, {lost:,} of {done:,} lost",
        rates.median >= _INCREMENTS and lost == 0,
    )
