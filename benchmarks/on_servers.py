"""A whole request under each server: what our layer adds, beside bare Django and others."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from .load import Client, get_json
from .report import Goal, Part, Row, Table, at_most, microseconds, percent
from .rounds import Effort, Measured, Spread
from .server_processes import SERVERS, Server, Serving, serving

NAME = "servers"

BARE, AGAIN = "bare Django", "bare Django, once more"
OURS = "holdfast, wrapper and middleware"
LAYERS = [BARE, AGAIN, OURS, "django-crum", "django-guid"]

_NOTE = (
    "Processor time of the server's processes for one request, in user and kernel mode; wall time"
    " is the client's, with four requests under way (one, where threads serve), and is what the"
    " machine's other users disturb most. `once more` is bare Django in a second process: what it"
    " adds is noise."
)


@dataclass
class _Costs:
    """What one server was measured at."""

    cpu: Measured
    wall: Measured
    # Per request, by layer: jobs given to a thread pool, threads started, voluntary switches.
    hops: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def run(effort: Effort) -> Part:
    """Start each server with each layer side by side, and let the load alternate."""
    part = Part(NAME, "A whole request under each server")
    servers = [server for server in SERVERS if not effort.quick or server.name in _QUICK]
    costs = {server: _cost(server, effort) for server in servers}
    for kind, asgi in (("WSGI", False), ("ASGI", True)):
        chosen = {server: cost for server, cost in costs.items() if server.asgi is asgi}
        part.tables.append(_table(kind, chosen))
        if asgi:
            part.tables.append(_hops_table(chosen))
        for server, cost in chosen.items():
            part.goals += _goals(server, cost)
    return part


_QUICK = ("gunicorn sync", "uvicorn")


def _cost(server: Server, effort: Effort) -> _Costs:
    count = 8 if effort.quick else 80 if server.asgi else 200
    cpu: dict[str, list[float]] = {layer: [] for layer in LAYERS}
    wall: dict[str, list[float]] = {layer: [] for layer in LAYERS}
    order = random.Random(effort.seed)
    path = "/async/" if server.asgi else "/"
    layers = list(LAYERS)
    with serving(server, layers) as running:
        clients = {layer: Client(one.port, path, server.at_once) for layer, one in running.items()}
        for client in clients.values():
            client.ask(count)
        hops = {layer: _hops(running[layer], clients[layer], server, count) for layer in LAYERS}
        for _ in range(effort.rounds):
            order.shuffle(layers)
            for layer in layers:
                cpu_before, before = running[layer].cpu_seconds(), time.perf_counter()
                clients[layer].ask(count)
                after, cpu_after = time.perf_counter(), running[layer].cpu_seconds()
                cpu[layer].append((cpu_after - cpu_before) / count)
                wall[layer].append((after - before) / count)
        for client in clients.values():
            client.close()
    return _Costs(Measured(cpu), Measured(wall), hops)


def _hops(one: Serving, client: Client, server: Server, count: int) -> tuple[float, float, float]:
    path = "/async/counted/" if server.asgi else "/counted/"
    before = get_json(one.port, path)
    client.ask(count)
    after = get_json(one.port, path)
    # The second look was itself a request, and is counted with the others.
    jobs, threads, switches = (
        (after[what] - before[what]) / (count + 1) for what in ("jobs", "threads", "switches")
    )
    return jobs, threads, switches


def _table(kind: str, costs: dict[Server, _Costs]) -> Table:
    columns = ("bare, CPU µs", *(f"{_short(layer)}, added" for layer in LAYERS[1:]), "ours, wall")
    table = Table(f"Django under {kind} servers", columns, note=_NOTE)
    for server, cost in costs.items():
        added = [_added(cost.cpu, layer, server) for layer in LAYERS[1:]]
        wall = percent(cost.wall.ratio(OURS, BARE))
        table.rows.append(Row(server.name, (microseconds(cost.cpu.each(BARE)), *added, wall)))
    return table


def _added(cpu: Measured, layer: str, server: Server) -> str:
    if server.asgi:
        return percent(cpu.ratio(layer, BARE))
    return microseconds(cpu.beyond(layer, BARE), signed=True)


def _short(layer: str) -> str:
    return {AGAIN: "once more", OURS: "holdfast"}.get(layer, layer)


def _hops_table(costs: dict[Server, _Costs]) -> Table:
    columns = tuple(_short(layer) for layer in (BARE, OURS, "django-crum", "django-guid"))
    table = Table(
        "Per request under ASGI: jobs for a thread pool / threads started / voluntary switches",
        columns,
        note=(
            "Counted in the server's process, for an async view. Jobs are exact; how many"
            " threads a pool starts for them is a matter of timing; switches include each time that"
            " the server waits for the next request."
        ),
    )
    for server, cost in costs.items():
        cells = (
            " / ".join(f"{number:.1f}" for number in cost.hops[layer])
            for layer in (BARE, OURS, "django-crum", "django-guid")
        )
        table.rows.append(Row(server.name, tuple(cells)))
    return table


def _goals(server: Server, cost: _Costs) -> list[Goal]:
    if not server.asgi:
        return [
            at_most(
                f"{server.name}: at most 3 µs more than bare Django",
                cost.cpu.beyond(OURS, BARE),
                3e-6,
                _micro,
            )
        ]
    (jobs, threads, _), (bare_jobs, bare_threads, _) = cost.hops[OURS], cost.hops[BARE]
    added = f"{jobs - bare_jobs:+.2f} jobs, {threads - bare_threads:+.2f} threads for a request"
    # Each job is a switch to a thread and back. How many threads a pool starts for the same jobs
    # is a matter of timing.
    none_added = round(jobs - bare_jobs, 1) <= 0
    return [
        Goal(f"{server.name}: no thread switch added", added, none_added),
        at_most(
            f"{server.name}: at most 3 % more than bare Django",
            cost.cpu.ratio(OURS, BARE),
            1.03,
            percent,
        ),
    ]


def _micro(spread: Spread) -> str:
    return f"{microseconds(spread, signed=True)} µs"
