"""What the probe's observers cost the server that they are aboard, and what it then completes.

Each server runs several times side by side: without anything aboard; once more, for the noise; with
canaries and retention checks alone (`observe: false`: requests are followed, log records are looked
at for markers of others, and what stayed behind is looked for at the end); and with all observers,
which note spans, sample stacks and watch the loop. All are sent the same requests, in short rounds
whose order is shuffled: requests as the probe's users send them, with a name and with markers in
query, header and cookie. What is compared is processor time for a request, of all the server's
processes and threads: where a server is busy, its throughput is the inverse of that. The time by
the clock is shown beside it.

Two views are asked: a page as most are (Django's usual middleware, two queries, a template), where
the goal is; and one that does nothing at all, which shows what each request pays.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from holdfast.aboard import VARIABLE, environment
from holdfast.probe import events, markers
from holdfast.probe.aboard import orders

from .load import ask
from .report import Goal, Part, Row, Table, at_most, microseconds, percent
from .rounds import Effort, Measured, Spread
from .server_processes import SERVERS, Server, Serving, Site, serving_each

#: As in `probe_site`, which only its servers import: it has settings of its own.
DATABASE_VARIABLE = "HOLDFAST_BENCHMARK_DATABASE"
NAME = "probe"

BARE, AGAIN = "without", "without, once more"
CANARIES, ALL = "canaries and retention", "all observers"
ABOARD = (BARE, AGAIN, CANARIES, ALL)
VIEWS = {"a page": "/page/", "an empty view": "/small/"}

_ROOT = Path(__file__).parents[1]
_RUN = "benchmark0"
_SERVERS = ("gunicorn sync", "gunicorn gthread", "uvicorn")
_WAITS_FOR_ORDERS = 10.0
_NOTE = (
    "Processor time of the server's processes for one request, in user and kernel mode, and what is"
    " added to that of a server with nothing aboard; `wall`: by the clock. `once more` is a second"
    " server with nothing aboard: what it adds is noise. `canaries`: with retention checks. All are"
    " sent requests with the probe's markers."
)


@dataclass
class _Costs:
    cpu: dict[str, Measured] = field(default_factory=dict)
    wall: dict[str, Measured] = field(default_factory=dict)
    kept: Spread = field(default_factory=lambda: Spread.of([float("nan")]))


def run(effort: Effort) -> Part:
    """Start each server with each choice of observers, and let the load alternate."""
    servers = [
        replace(server, serves=f"benchmarks.probe_site:{'asgi' if server.asgi else 'wsgi'}")
        for server in SERVERS
        if server.name in (_SERVERS if not effort.quick else _SERVERS[:1])
    ]
    part = Part(NAME, "The probe's observers aboard a server")
    costs = {server: _cost(server, effort) for server in servers}
    part.tables = [_table(view, costs) for view in VIEWS]
    part.tables.append(_kept_table(costs))
    part.goals = [_goal(server, cost) for server, cost in costs.items()]
    return part


def _cost(server: Server, effort: Effort) -> _Costs:
    costs = _Costs()
    order = random.Random(effort.seed)
    names = list(ABOARD)
    with _sites(server) as sites, serving_each(server, sites) as running:
        for view, path in VIEWS.items():
            count = 8 if effort.quick else 60 if view == "a page" else 200
            cpu: dict[str, list[float]] = {name: [] for name in ABOARD}
            wall: dict[str, list[float]] = {name: [] for name in ABOARD}
            for name in names:
                _ask(running[name], server, path, count)
            for _ in range(max(2, effort.rounds * 3 // 4)):
                order.shuffle(names)
                for name in names:
                    cpu_before, before = running[name].cpu_seconds(), time.perf_counter()
                    _ask(running[name], server, path, count)
                    after, cpu_after = time.perf_counter(), running[name].cpu_seconds()
                    cpu[name].append((cpu_after - cpu_before) / count)
                    wall[name].append((after - before) / count)
            costs.cpu[view], costs.wall[view] = Measured(cpu), Measured(wall)
        costs.kept = _kept(Path(sites[CANARIES].environment["HOLDFAST_BENCHMARK_FOLDER"]))
    return costs


def _ask(one: Serving, server: Server, path: str, count: int) -> None:
    query, header, cookie = (
        markers.marker(_RUN, kind, 1, 1) for kind in ("query", "header", "cookie")
    )
    headers = (
        f"{events.HEADER}: {_RUN}-1-1\r\nX-Marker: {header}\r\nCookie: marker={cookie}\r\n"
        "Accept: text/html\r\nUser-Agent: holdfast-probe\r\n"
    )
    ask(one.port, f"{path}?q={query}", count, server.at_once, headers)


@contextmanager
def _sites(server: Server) -> Iterator[Mapping[str, Site]]:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        database = Path(name) / "database.sqlite3"
        variables = {DATABASE_VARIABLE: str(database)}
        subprocess.run(
            [sys.executable, "-m", "benchmarks.probe_site"],
            env=environment({}) | variables,
            cwd=_ROOT,
            check=True,
        )
        yield {
            aboard: Site(
                server.application,
                variables | _aboard(aboard, Path(name) / f"run{number}"),
                "/ready/",
            )
            for number, aboard in enumerate(ABOARD)
        }


def _aboard(name: str, folder: Path) -> dict[str, str]:
    """What is different in the environment of a server that has observers."""
    if name not in {CANARIES, ALL}:
        return {}
    folder.mkdir()
    settings = {
        "folder": str(folder),
        "roots": [str(_ROOT / "benchmarks")],
        "run": _RUN,
        "markers": markers.pattern(_RUN),
        "change": {},
        "observe": name == ALL,
    }
    whole = environment({"holdfast.probe.aboard": settings})
    told = {variable: whole[variable] for variable in ("PYTHONPATH", VARIABLE)}
    return told | {"HOLDFAST_BENCHMARK_FOLDER": str(folder)}


def _kept(folder: Path) -> Spread:
    """Seconds from an order to its answer: all objects of the process are looked at."""
    seconds = []
    for number in range(1, 4):
        before = time.perf_counter()
        orders.given(folder, number, "kept")
        while sum(isinstance(one, events.Count) for one in events.read(folder)) < number:
            if time.perf_counter() - before > _WAITS_FOR_ORDERS:
                raise RuntimeError(f"nobody answered the order in {folder}")
            time.sleep(0.01)
        seconds.append(time.perf_counter() - before)
    assert not any(isinstance(one, events.Kept) for one in events.read(folder))
    return Spread.of(seconds)


def _table(view: str, costs: Mapping[Server, _Costs]) -> Table:
    columns = ("CPU µs", "once more", "canaries", "canaries, µs", "canaries, wall", "all observers")
    table = Table(f"Aboard a server: {view}", columns, note=_NOTE)
    for server, cost in costs.items():
        cpu, wall = cost.cpu[view], cost.wall[view]
        cells = (
            microseconds(cpu.each(BARE)),
            percent(cpu.ratio(AGAIN, BARE)),
            percent(cpu.ratio(CANARIES, BARE)),
            microseconds(cpu.beyond(CANARIES, BARE), signed=True),
            percent(wall.ratio(CANARIES, BARE)),
            percent(cpu.ratio(ALL, BARE)),
        )
        table.rows.append(Row(server.name, cells))
    return table


def _kept_table(costs: Mapping[Server, _Costs]) -> Table:
    table = Table(
        "Looking for what stayed behind, once, after the users",
        ("seconds",),
        note="From the order to the answer; up to 0.1 s of it is until the order is seen.",
    )
    for server, cost in costs.items():
        table.rows.append(Row(server.name, (_seconds(cost.kept),)))
    return table


def _seconds(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def _goal(server: Server, cost: _Costs) -> Goal:
    return at_most(
        f"{server.name}: canaries and retention checks at most 3 % of a page",
        cost.cpu["a page"].ratio(CANARIES, BARE),
        1.03,
        percent,
    )
