"""Many callers at once: a missing key, a hot key that ends each second, and Redis gone for a while.

Four processes with fifty callers each, threads or tasks; the loader takes 100 ms.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .report import Goal, Part, Row, Table
from .rounds import Effort, Spread
from .stampede_outage import Outage, outage
from .stampede_processes import CALLERS, ONCE, PROCESSES, Storm, Traffic, storm
from .stampede_subjects import (
    ASYNC_ON_LMDB,
    ASYNC_ON_REDIS,
    LOADER_SECONDS,
    ON_LMDB,
    ON_REDIS,
    SUBJECTS,
    Subject,
)
from .stampede_takeover import takeovers
from .store_services import Places, running

NAME = "stampede"

#: What a call may take at most that neither loads nor waits for a load.
_SHORT_SECONDS = 0.02
_HOT_TTL = 1.0
_QUICK = (ON_LMDB, ASYNC_ON_REDIS, "Django get_or_set, Redis", "cashews, lock")
_FRESH = 60.0


@dataclass
class _Found:
    """What was measured, by subject.

    Attributes:
        loads, p99: of each round in which all call for a missing key.
        hot: loads; calls that took long, in per cent; the same without those before the first
            result was there; the p99.
    """

    loads: dict[str, list[int]] = field(default_factory=dict)
    p99: dict[str, list[float]] = field(default_factory=dict)
    hot: dict[str, tuple[int, float, int, float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run(effort: Effort) -> Part:
    """Storm all caches that this machine has."""
    part = Part(NAME, "Many callers of one key at once")
    with running() as places, storm(places) as processes:
        found = _measure(places, processes, effort)
        away = outage(places, processes, effort) if "redis" in places.sockets else None
        deaths = takeovers(places, effort)
    part.tables.append(_table(found))
    part.goals += _goals(found)
    if away is not None:
        part.tables.append(_outage_table(away))
        part.goals += _outage_goals(away)
    part.tables.append(_takeover_table(deaths))
    part.goals += _takeover_goals(deaths)
    return part


def _measure(places: Places, processes: Storm, effort: Effort) -> _Found:
    found = _Found()
    there: list[Subject] = []
    for subject in SUBJECTS:
        if effort.quick and subject.name not in _QUICK:
            continue
        missing = subject.missing(places)
        if missing is None:
            try:
                processes.ask("open", subject.name, _FRESH)
                processes.ask("open", subject.name, _HOT_TTL)
            except RuntimeError as error:
                missing = str(error)
        if missing is None:
            there.append(subject)
        else:
            found.failed[subject.name] = missing
    order = random.Random(effort.seed)
    for number in range(1 if effort.quick else 9):
        order.shuffle(there)
        for subject in there:
            _cold(processes, subject, f"cold-{number}", found)
    for subject in there:
        if subject.name not in found.failed:
            _hot(processes, subject, found, 0.3 if effort.quick else 10.0)
    return found


def _cold(processes: Storm, subject: Subject, key: str, found: _Found) -> None:
    if subject.name in found.failed:
        return
    before = processes.loads
    latencies = processes.calls(subject.name, _FRESH, key, ONCE)
    if errors := {error for *_, error in latencies if error}:
        found.failed[subject.name] = ", ".join(sorted(errors))
        return
    found.loads.setdefault(subject.name, []).append(processes.loads - before)
    found.p99.setdefault(subject.name, []).append(p99([taken for _, taken, _ in latencies]))


def _hot(processes: Storm, subject: Subject, found: _Found, seconds: float) -> None:
    before = processes.loads
    latencies = processes.calls(subject.name, _HOT_TTL, "hot", Traffic(seconds))
    taken = [one for _, one, _ in latencies]
    first = min(begun + one for begun, one, _ in latencies)
    later = [one for begun, one, _ in latencies if begun > first + _SHORT_SECONDS]
    found.hot[subject.name] = (
        processes.loads - before,
        100 * sum(one > _SHORT_SECONDS for one in taken) / len(taken),
        sum(one > _LONG_SECONDS for one in later),
        p99(taken),
    )


#: Longer than any machine stalls a call now and then, and shorter than a load.
_LONG_SECONDS = LOADER_SECONDS * 0.8


def p99(seconds: list[float]) -> float:
    """What one call out of a hundred takes longer than."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))]


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.{1 if seconds < 0.02 else 0}f}"


def _spread(values: list[float]) -> str:
    spread = Spread.of(values)
    return f"{_ms(spread.median)} ({_ms(spread.low)}-{_ms(spread.high)})"


def _table(found: _Found) -> Table:
    table = Table(
        f"{PROCESSES} processes x {CALLERS} callers, loader 100 ms",
        (
            "missing key: loads",
            "p99, ms",
            "hot key, TTL 1 s, 10 s: loads",
            "calls over 20 ms, %",
            "waited for a load later on",
            "p99, ms",
        ),
        note=(
            "Missing key: all call at the same moment; median (quartiles) of the rounds, loads are"
            " the fewest and the most. Hot key: each calls, and calls again 20 ms later. Waited:"
            " calls that took more than 80 ms after the first result was there."
        ),
    )
    for subject in SUBJECTS:
        name = subject.name
        if name not in found.hot:
            continue
        loads, slow, waited, hot_p99 = found.hot[name]
        fewest, most = min(found.loads[name]), max(found.loads[name])
        cells = (
            str(fewest) if fewest == most else f"{fewest}-{most}",
            _spread(found.p99[name]),
            str(loads),
            f"{slow:.2f}",
            str(waited),
            _ms(hot_p99),
        )
        table.rows.append(Row(name, cells, subject.ours))
    if found.failed:
        table.note += " Left out: " + "; ".join(f"{n} ({why})" for n, why in found.failed.items())
    return table


def _goals(found: _Found) -> list[Goal]:
    goals = []
    for name in (ON_LMDB, ON_REDIS, ASYNC_ON_LMDB, ASYNC_ON_REDIS):
        if name not in found.hot:
            continue
        loads, spread = found.loads[name], Spread.of(found.p99[name])
        goals.append(
            Goal(
                f"{name}: one load of a missing key",
                f"{min(loads)} to {max(loads)} in {len(loads)} rounds",
                max(loads) == 1,
            )
        )
        goals.append(
            Goal(
                f"{name}: p99 of a missing key at most 1.2x the loader's time",
                f"{_spread(found.p99[name])} ms",
                spread.median <= 1.2 * LOADER_SECONDS,
            )
        )
        waited = found.hot[name][2]
        goals.append(
            Goal(f"{name}: of a hot key, nobody but the first waits", f"{waited} did", waited == 0)
        )
    return goals


def _outage_table(away: Outage) -> Table:
    table = Table(
        "Redis stopped in mid-traffic, and started again",
        ("calls", "errors", "p50, ms", "p99, ms"),
        note=f"{ON_REDIS}, fail_safe=60, hot key. Stopped by kill -9; it comes back empty.",
    )
    for title, phase in away.phases.items():
        if phase:
            taken = [one for _, one, _ in phase]
            errors = sum(bool(error) for *_, error in phase)
            middle = sorted(taken)[len(taken) // 2]
            cells = (f"{len(phase):,}", str(errors), _ms(middle), _ms(p99(taken)))
            table.rows.append(Row(title, cells, ours=True))
    return table


def _outage_goals(away: Outage) -> list[Goal]:
    errors = sum(bool(error) for phase in away.phases.values() for *_, error in phase)
    normal, *others = (p99([one for _, one, _ in phase]) for phase in away.phases.values() if phase)
    worst = max(others) - normal
    return [
        Goal("Redis stopped and started: no errors", f"{errors}", errors == 0),
        Goal(
            "Redis stopped and started: p99 within 5 ms of normal",
            f"{_ms(normal)} ms, then {1000 * worst:+.1f} ms at the most",
            worst <= 0.005,
        ),
        Goal(
            "coherent within 1 s of Redis's return",
            "not within 10 s" if away.coherent is None else f"{_ms(away.coherent)} ms",
            away.coherent is not None and away.coherent <= 1,
        ),
    ]


#: Seconds within which another process has to load; longer, where another machine may have to.
_WITHIN = {"LMDB, one machine": 0.05}
_WITHIN_ELSEWHERE = 1.5


def _takeover_table(deaths: dict[str, list[float]]) -> Table:
    table = Table(
        "The loading process is killed: until another one loads",
        ("times", "median (quartiles), ms", "the longest, ms"),
        note="Redis and Memcached are asked as across machines: nothing else is shared.",
    )
    for name, seconds in deaths.items():
        cells = (str(len(seconds)), _spread(seconds), _ms(max(seconds)))
        table.rows.append(Row(f"holdfast.cached, {name}", cells, ours=True))
    return table


def _takeover_goals(deaths: dict[str, list[float]]) -> list[Goal]:
    goals = []
    for name, seconds in deaths.items():
        within = _WITHIN.get(name, _WITHIN_ELSEWHERE)
        text = f"holdfast.cached, {name}: takeover within {1000 * within:,.0f} ms"
        goals.append(Goal(text, f"at most {_ms(max(seconds))} ms", max(seconds) <= within))
    return goals
