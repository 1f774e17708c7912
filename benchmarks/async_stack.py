"""Many users of async views: who completes how much of it, with how many threads.

Under `gunicorn -k uvicorn_worker.UvicornWorker`, one worker. The users, and the judging of what the
logs say, are those of the example: `example/demonstration/crowd.py` and `cases/api_log.py`.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from . import load
from .async_site import (
    BARE,
    HANDLER,
    OURS,
    OURS_ON_DJANGOS,
    RAW,
    SUBJECT_VARIABLE,
    SUBJECTS,
    USUAL,
)
from .report import Goal, Part, Row, Table, at_least, times
from .rounds import Effort, Spread
from .server_processes import SERVERS, Serving, Site, serving_each

ROOT = Path(__file__).parents[1]
EXAMPLE = str(ROOT / "example")
if EXAMPLE not in sys.path:
    sys.path.append(EXAMPLE)

from demonstration import crowd as crowds  # noqa: E402 - the example is no package of ours
from demonstration.cases import api_log  # noqa: E402
from demonstration.tally import Tally  # noqa: E402

NAME = "async-stack"

_UVICORN = next(server for server in SERVERS if server.name == "uvicorn-worker")
# A worker with thousands of threads may be too busy to tell its arbiter that it is alive.
_SERVER = replace(_UVICORN, command=f"{_UVICORN.command} --timeout 180 --keep-alive 60")
_QUOTE, _NOW = "/quote/?seconds=1", "/now/?seconds=0"
_USERS = (10, 100, 1_000, 5_000)
#: Where the goals are.
_MANY = 1_000
#: Where a server can't keep up, rounds differ.
_ROUNDS = {1_000: 3}
_AT_ONCE = 50
#: For answers of a server that can't keep up, once enough was counted.
_PATIENCE_SECONDS = 10.0
_NOTE = (
    "Completions: of what each user could have had, one a second. Threads: the most that the worker"
    " had. Wrong: durations in the log that are shorter than the view awaited, or longer than the"
    " user waited. CPU: of the worker, for one request."
)


@dataclass
class Seen:
    """What one subject did with so many users, in each round."""

    share: list[float] = field(default_factory=list)
    median_ms: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    threads: int = 0
    failed: int = 0
    logged: int = 0
    wrong: int = 0
    unlogged: int = 0


Results = dict[int, dict[str, Seen]]


def run(effort: Effort) -> Part:
    """Send users to each subject in turn; then measure a view that awaits nothing."""
    order = random.Random(effort.seed)
    results: Results = {}
    for users in _USERS[:1] if effort.quick else _USERS:
        results[users] = {subject: Seen() for subject in SUBJECTS}
        for _ in range(1 if effort.quick else _ROUNDS.get(users, 1)):
            _round(results[users], users, effort, order)
    rates = _rates(effort, order)
    part = Part(NAME, "Users of async views, one uvicorn worker")
    part.tables += [*_tables(results), _rates_table(rates)]
    part.goals += _goals(results, rates)
    return part


# A view that awaits one second


def _round(seen: Mapping[str, Seen], users: int, effort: Effort, order: random.Random) -> None:
    crowds.allow_connections(users)
    subjects = order.sample(SUBJECTS, len(SUBJECTS))
    with _serving(subjects) as running, _turns(effort) as turns:

        def visit(subject: str) -> None:
            _visit(seen[subject], *running[subject], users, effort)

        list(turns.map(visit, subjects))


def _turns(effort: Effort) -> ThreadPoolExecutor:
    """One subject after the other; all at once where only that they run is to be seen."""
    return ThreadPoolExecutor(len(SUBJECTS) if effort.quick else 1)


@contextmanager
def _serving(subjects: list[str]) -> Iterator[dict[str, tuple[Serving, Path]]]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        logs = {subject: Path(folder) / f"{number}.log" for number, subject in enumerate(subjects)}
        sites = {
            subject: Site(
                "benchmarks.async_site:application",
                {
                    SUBJECT_VARIABLE: subject,
                    "API_LOG": str(logs[subject]),
                    "PYTHONPATH": EXAMPLE,
                },
                "/threads/",
            )
            for subject in subjects
        }
        with serving_each(_SERVER, sites) as running:
            yield {subject: (running[subject], logs[subject]) for subject in subjects}


def _visit(seen: Seen, one: Serving, log: Path, users: int, effort: Effort) -> None:
    counted, settle = (1.1, 0.0) if effort.quick else (5.0, 2.0)
    cpu = one.cpu_seconds()
    found, threads = _crowd(one, users, counted, settle, _QUOTE)
    seen.cpu.append((one.cpu_seconds() - cpu) / max(1, len(found["took"])))
    seen.share.append(found["answered"] / (users * found["seconds"]))
    seen.median_ms.append(found["median_ms"] or float("nan"))
    seen.threads = max(seen.threads, threads)
    seen.failed += found["failed"]
    if log.exists() and log.stat().st_size:
        tally = Tally(api_log.KINDS)
        api_log.judge(tally, found["took"], api_log.written(log, len(found["took"])))
        seen.logged += tally.counts[api_log.WRONG].tried
        seen.wrong += tally.counts[api_log.WRONG].wrong
        seen.unlogged += tally.counts[api_log.UNLOGGED].wrong


def _crowd(
    one: Serving, users: int, seconds: float, settle: float, path: str
) -> tuple[dict[str, Any], int]:
    site: Any = SimpleNamespace(port=one.port, visitor=lambda: _Visitor(one.port))
    return api_log.crowd(site, users, seconds, settle, path, _PATIENCE_SECONDS)


class _Visitor:
    """Asks by a connection of its own each time: a server that is busy may have closed it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def get(self, path: str) -> SimpleNamespace:
        try:
            return SimpleNamespace(data=load.get_json(self._port, path))
        except (OSError, RuntimeError):
            return SimpleNamespace(data=None)


# A view that awaits nothing


def _rates(effort: Effort, order: random.Random) -> dict[str, list[tuple[float, float]]]:
    """Requests a second, and CPU seconds for one, in each round."""
    subjects = list(SUBJECTS)
    rates: dict[str, list[tuple[float, float]]] = {subject: [] for subject in subjects}
    with _serving(subjects) as running, _turns(effort) as turns:

        def visit(subject: str) -> None:
            one, _ = running[subject]
            cpu = one.cpu_seconds()
            found, _ = _crowd(one, _AT_ONCE, 0.2 if effort.quick else 2.0, 0.2, _NOW)
            spent = (one.cpu_seconds() - cpu) / max(1, len(found["took"]))
            rates[subject].append((found["answered"] / found["seconds"], spent))

        for _ in range(1 if effort.quick else 5):
            order.shuffle(subjects)
            list(turns.map(visit, subjects))
    return rates


# What it says


def _tables(results: Results) -> Iterator[Table]:
    columns = ("completions", "median ms", "CPU µs", "threads", "wrong", "failed")
    for users, seen in results.items():
        title = f"{users:,} users of a view that awaits one second"
        table = Table(title, columns, note=_NOTE)
        for subject, one in seen.items():
            wrong = f"{one.wrong:,} of {one.logged:,}" if one.logged else "no log"
            cells = (
                f"{_median(one.share):.0%}",
                f"{_median(one.median_ms):,.0f}",
                f"{_median(one.cpu) * 1e6:,.0f}",
                f"{one.threads:,}",
                wrong,
                f"{one.failed:,}",
            )
            table.rows.append(Row(subject, cells, ours=subject in {HANDLER, OURS}))
        yield table


def _rates_table(rates: dict[str, list[tuple[float, float]]]) -> Table:
    title = f"{_AT_ONCE} users of a view that awaits nothing"
    table = Table(title, ("requests/s", "CPU µs", "x bare Django"))
    for subject, rounds in rates.items():
        rate, cpu = (_median([one[place] for one in rounds]) for place in (0, 1))
        ratio = times(_compared(rates, subject, BARE))
        cells = (f"{rate:,.0f}", f"{cpu * 1e6:,.0f}", ratio)
        table.rows.append(Row(subject, cells, ours=subject in {HANDLER, OURS}))
    return table


def _compared(rates: dict[str, list[tuple[float, float]]], one: str, other: str) -> Spread:
    pairs = zip(rates[one], rates[other], strict=True)
    return Spread.of(mine[0] / theirs[0] if theirs[0] else float("nan") for mine, theirs in pairs)


def _goals(results: Results, rates: dict[str, list[tuple[float, float]]]) -> list[Goal]:
    users = _MANY if _MANY in results else max(results)
    seen = results[users]
    wrong = sum(one[OURS].wrong + one[OURS].unlogged for one in results.values())
    logged = sum(one[OURS].logged for one in results.values())
    theirs = sum(one[USUAL].wrong for one in results.values())
    return [
        Goal(
            f"{users:,} users: at most 10 threads with holdfast's handler",
            f"{seen[OURS].threads} and {seen[HANDLER].threads}, bare Django {seen[BARE].threads:,}",
            max(seen[OURS].threads, seen[HANDLER].threads) <= 10,
        ),
        at_least(
            f"{users:,} users: at least 92 % of what a raw ASGI application completes",
            Spread.of(_shares(seen, HANDLER, RAW)),
            0.92,
            _share,
        ),
        at_least(
            f"{users:,} users: the same, with holdfast's log",
            Spread.of(_shares(seen, OURS, RAW)),
            0.92,
            _share,
        ),
        *(
            at_least(
                f"{users:,} users, Django's handler: holdfast's log at most 3 % behind bare Django",
                Spread.of(_shares(one, OURS_ON_DJANGOS, BARE)),
                0.97,
                _share,
            )
            for users, one in results.items()
        ),
        at_least(
            "A view that awaits nothing: at least 3 times bare Django's requests a second",
            _compared(rates, HANDLER, BARE),
            3.0,
            times,
        ),
        Goal(
            "No wrong duration in holdfast's log, and each request once",
            f"{wrong} of {logged:,}; the usual log: {theirs:,}",
            wrong == 0,
        ),
    ]


def _shares(seen: Mapping[str, Seen], one: str, other: str) -> list[float]:
    pairs = zip(seen[one].share, seen[other].share, strict=True)
    return [mine / theirs if theirs else float("nan") for mine, theirs in pairs]


def _share(spread: Spread) -> str:
    return f"{spread.median:.1%} ({spread.low:.1%}-{spread.high:.1%})"


def _median(values: list[float]) -> float:
    return Spread.of(values).median
