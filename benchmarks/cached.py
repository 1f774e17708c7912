"""A cached result that is there: a value, and a whole page under a server."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from unittest import mock

from . import cached_hits as hits
from .cached_site import (
    CACHE_PAGE,
    CACHED_VIEW,
    CONSTANT,
    FOLDER_VARIABLE,
    MADE,
    REDIS_VARIABLE,
)
from .load import ask
from .report import Goal, Part, Row, Table, at_least, at_most, microseconds, times
from .rounds import Effort, Measured
from .server_processes import SERVERS, Server, serving
from .store_services import Places, running

NAME = "cached"

_PATHS = {
    CONSTANT: "a constant view",
    CACHED_VIEW: "holdfast cached_view, LMDB",
    CACHE_PAGE: "Django cache_page, Redis",
    MADE: "not cached: 1 query, a template",
}
_SERVERS = ("gunicorn sync", "gunicorn gthread")


def run(effort: Effort) -> Part:
    """Measure hits, and pages under gunicorn."""
    part = Part(NAME, "A cached result that is there")
    with running() as places:
        found = hits.hits(places, effort)
        pages = _pages(places, effort) if "redis" in places.sockets else {}
    part.tables.append(_hits_table(found))
    part.goals += _hits_goals(found)
    for server, measured in pages.items():
        part.tables.append(_pages_table(server, measured))
        part.goals += _pages_goals(server, measured)
    return part


def _hits_table(found: dict[str, Measured]) -> Table:
    table = Table(
        "A hit of 1 KB, one process: microseconds",
        tuple(cell for kind in found for cell in (kind, "x the first")),
        note=(
            "Wall time: what the server does meanwhile is a part of it. What can be changed is made"
            " anew for each call: a flat dict is copied, and records are decoded."
        ),
    )
    for name in found[hits.RECORDS].seconds:
        cells = []
        for measured in found.values():
            ratio = "1" if name == hits.TIER else times(measured.ratio(name, hits.TIER))
            cells += [microseconds(measured.each(name)), ratio]
        table.rows.append(Row(name, tuple(cells), name.startswith("holdfast")))
    return table


def _hits_goals(found: dict[str, Measured]) -> list[Goal]:
    goals = []
    for kind, measured in found.items():
        text = f"{hits.TIER}, {kind} of 1 KB: a hit takes at most 3 microseconds"
        goals.append(at_most(text, measured.each(hits.TIER), 3e-6, microseconds))
        if hits.DJANGO_REDIS in measured.seconds:
            ratio = measured.ratio(hits.DJANGO_REDIS, hits.TIER)
            text = f"{hits.TIER}, {kind}: at least 25 times as fast as {hits.DJANGO_REDIS}"
            goals.append(at_least(text, ratio, 25, times))
    return goals


def _pages(places: Places, effort: Effort) -> dict[Server, Measured]:
    """Seconds for a request, by path; all in one process of the server."""
    found = {}
    variables = {
        FOLDER_VARIABLE: str(places.folder),
        REDIS_VARIABLE: places.sockets["redis"],
    }
    for server in SERVERS:
        if server.name not in _SERVERS[: 1 if effort.quick else None]:
            continue
        with (
            mock.patch.dict(os.environ, variables),
            serving(replace(server, serves="benchmarks.cached_site:application"), ["one"]) as ready,
        ):
            found[server] = _requests(ready["one"].port, server, effort)
    return found


def _requests(port: int, server: Server, effort: Effort) -> Measured:
    count = 8 if effort.quick else 100
    seconds: dict[str, list[float]] = {name: [] for name in _PATHS.values()}
    order = random.Random(effort.seed)
    paths = list(_PATHS)
    for path in paths:
        ask(port, path, 8, server.at_once)
    for _ in range(max(2, effort.rounds * 3 // 4)):
        order.shuffle(paths)
        for path in paths:
            start = time.perf_counter()
            ask(port, path, count, server.at_once)
            seconds[_PATHS[path]].append((time.perf_counter() - start) / count)
    return Measured(seconds)


def _pages_table(server: Server, measured: Measured) -> Table:
    table = Table(
        f"A page under {server.name}, one worker",
        ("microseconds for a request", "x a constant view"),
        note=f"Wall time, {server.at_once} requests under way.",
    )
    for name in _PATHS.values():
        ratio = times(measured.ratio(name, _PATHS[CONSTANT]))
        table.rows.append(
            Row(name, (microseconds(measured.each(name)), ratio), name.startswith("holdfast"))
        )
    return table


def _pages_goals(server: Server, measured: Measured) -> list[Goal]:
    ours, theirs, constant = (_PATHS[path] for path in (CACHED_VIEW, CACHE_PAGE, CONSTANT))
    return [
        at_least(
            f"{server.name}: cached_view at least 3 times the requests/s of cache_page on Redis",
            measured.ratio(theirs, ours),
            3,
            times,
        ),
        at_most(
            f"{server.name}: cached_view within 15 % of a constant view",
            measured.ratio(ours, constant),
            1.15,
            times,
        ),
    ]
