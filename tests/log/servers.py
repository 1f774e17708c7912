"""The servers of the conformance matrix, with a project whose requests are logged."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.conformance.client import Connection
from tests.conformance.running import running
from tests.conformance.servers import SERVERS, Server
from tests.log import visits
from tests.log.scenarios import is_killed_when_late, rows_of, sends_parts
from tests.log.times import Times, measured

HERE = Path(__file__).parent
SETTLE_SECONDS = 15.0


def _ours(server: Server) -> Server:
    command = tuple(part.replace("target.", "logged.") for part in server.command)
    return replace(server, command=command, app=server.application.replace("target.", "logged."))


#: Those that differ in the server, not in what stands in the target.
COLUMNS: dict[str, Server] = {
    server.name: _ours(server)
    for server in SERVERS
    if server.interface != "client"
    and server.wrapped
    and not server.name.endswith(("-plain", "-carry", "-sync-middleware"))
}
KILLED_WHEN_LATE = [name for name, server in COLUMNS.items() if is_killed_when_late(server)]


@dataclass
class Column:
    """All requests to one server, as client and log saw them."""

    server: Server
    seen: dict[str, visits.Seen] = field(default_factory=dict)
    times: Times = field(default_factory=Times)
    events: list[dict[str, Any]] = field(default_factory=list)
    log: str = ""

    def of(self, scenario: str) -> list[dict[str, Any]]:
        """The events of a scenario."""
        return [event for event in self.events if visits.scenario_of(event) == scenario]


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH", "")
    return {
        "PYTHONPATH": os.pathsep.join(
            filter(None, [str(HERE), str(HERE.parent.parent), inherited])
        ),
        "DJANGO_SETTINGS_MODULE": "logged.settings",
        "LOGGED_TO": str(folder / "requests.jsonl"),
        **(more or {}),
    }


def run(server: Server, more: Mapping[str, str] | None = None, tries: int = 0) -> Column:
    """Start the server, send everything, stop it, read the log.

    `tries`: how many requests are timed; 0: as many as it takes until one was timed well.
    """
    column = Column(server)
    with tempfile.TemporaryDirectory(prefix="logged-") as name:
        folder = Path(name)
        path = folder / "requests.jsonl"
        with running(server, "holdfast", folder, 0, environment(folder, more)) as target:
            asyncio.run(_drive(column, target.port, path, tries))
        column.events = read(path)
        column.log = target.log.read_text(errors="replace")
    return column


def read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    # The last line may be on its way.
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if "\n" in line]


async def _drive(column: Column, port: int, log: Path, tries: int) -> None:
    rows = rows_of(column.server)
    for scenario in rows:
        visit = getattr(visits, scenario.name.removeprefix("async_"), visits.plain)
        seen = await visit(visits.Visit(port, scenario.name, log.parent))
        if seen is not None:
            column.seen[scenario.name] = seen
    column.times = await measured(
        port, lambda: read(log), tries, sends_parts=sends_parts(column.server)
    )
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        if {visits.scenario_of(event) for event in read(log)} >= {row.name for row in rows}:
            return


def stopped(name: str) -> list[str]:
    """The paths in the log of a server that is stopped right after its last answer, sorted.

    An answer can reach its client before its request's end is written: the next one may be first.
    """
    server = COLUMNS[name]
    with tempfile.TemporaryDirectory(prefix="logged-") as folder_name:
        folder = Path(folder_name)
        with running(server, "holdfast", folder, 0, environment(folder)) as target:
            for number in range(3):
                asyncio.run(
                    Connection(target.port, keeps=False).get(f"/redirect/{number}/", seconds=60)
                )
            target.process.terminate()
            target.process.wait(30)
        return sorted(event["path"] for event in read(folder / "requests.jsonl"))


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline and not condition():
        time.sleep(0.05)


def closing(name: str) -> list[tuple[str, str, int]]:
    """What the log says of requests after which *name* closes the connection."""
    server = COLUMNS[name]
    with tempfile.TemporaryDirectory(prefix="logged-") as folder_name:
        folder = Path(folder_name)
        with running(server, "holdfast", folder, 0, environment(folder)) as target:
            for number in range(10):
                for view in ("redirect", "async_normal", "async_stream"):
                    asyncio.run(visits.closed_by_server(target.port, f"/{view}/{number}/"))
            asyncio.run(visits.headers_only(target.port, "/async_stream/head/"))
            _wait_for(lambda: len(read(folder / "requests.jsonl")) == 31)
        events = read(folder / "requests.jsonl")
        return [(event["path"], event["outcome"], event["bytes_out"]) for event in events]


def late(name: str) -> tuple[list[dict[str, Any]], str]:
    """One request to a worker that stands still until it is killed; the events, and the log."""
    server = COLUMNS[name]
    view = "async_late" if server.interface == "asgi" else "late"
    command = list(server.command)
    # Long enough for a loaded machine to start the worker and answer the first request.
    command[-1:-1] = ["--timeout=6"]
    server = replace(server, command=tuple(command))
    with tempfile.TemporaryDirectory(prefix="logged-") as folder_name:
        folder = Path(folder_name)
        with running(server, "holdfast", folder, 0, environment(folder)) as target:
            asyncio.run(_wait_for_the_end(target.port, f"/{view}/1/"))
        return read(folder / "requests.jsonl"), target.log.read_text(errors="replace")


async def _wait_for_the_end(port: int, path: str) -> None:
    await Connection(port, keeps=False).get("/normal/first/", seconds=60)
    await Connection(port, keeps=False).get(path, seconds=30)
