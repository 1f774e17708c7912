"""The servers of the conformance matrix, with a project whose requests are logged."""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.conformance.client import Connection
from tests.conformance.running import running
from tests.conformance.servers import BY_ID, SERVERS, Server

HERE = Path(__file__).parent
SETTLE_SECONDS = 8.0


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

#: The workers that Gunicorn's arbiter kills when they stand still. Not gthread and tornado: their
#: requests have threads beside the one that shows that the worker lives.
KILLED_WHEN_LATE = ("sync", "gevent", "gevent-preload", "uvicorn-worker", "gunicorn-asgi")


@dataclass
class Seen:
    """What the client saw of one request."""

    status: int
    size: int
    seconds: float
    first_byte: float = 0.0


@dataclass
class Column:
    """All requests to one server, as client and log saw them."""

    server: Server
    seen: dict[str, Seen] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    log: str = ""

    def of(self, scenario: str) -> list[dict[str, Any]]:
        """The events of a scenario."""
        return [event for event in self.events if event["path"].split("/")[1] == scenario]


def scenarios_of(server: Server) -> list[str]:
    """What is driven at a server."""
    found = ["normal", "view_error", "middleware_error", "missing", "redirect", "sync_stream"]
    found += ["left_after", "left_before", "left_within", "refused", "upload", "upload_broken"]
    if not server.green and server.name != "tornado":
        found.append("async_stream")
    if server.interface == "asgi":
        # Django reads a sync stream to its end before it sends anything: nobody can leave within.
        found.remove("left_within")
        found += ["async_normal", "async_left_before", "async_left_within"]
    found.append("stream_error")
    return found


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


def run(server: Server, more: Mapping[str, str] | None = None) -> Column:
    """Start the server, send everything, stop it, read the log."""
    column = Column(server)
    with tempfile.TemporaryDirectory(prefix="logged-") as name:
        folder = Path(name)
        path = folder / "requests.jsonl"
        with running(server, "holdfast", folder, 0, environment(folder, more)) as target:
            asyncio.run(_drive(column, target.port, path))
        column.events = read(path)
        column.log = target.log.read_text(errors="replace")
    return column


def read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


async def _drive(column: Column, port: int, log: Path) -> None:
    scenarios = scenarios_of(column.server)
    for scenario in scenarios:
        connection = Connection(port, keeps=False)
        started = time.perf_counter()
        drive = globals().get(f"_{scenario.removeprefix('async_')}", _plain)
        seen = await drive(connection, f"/{scenario}/1/")
        if seen is not None:
            seen.seconds = time.perf_counter() - started
            column.seen[scenario] = seen
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        if {event["path"].split("/")[1] for event in read(log)} >= set(scenarios):
            return


async def _plain(connection: Connection, path: str) -> Seen:
    reply = await connection.get(path, seconds=5)  # some servers leave a body that raised open
    return Seen(reply.status, len(reply.body), 0.0)


async def _left_before(connection: Connection, path: str) -> None:
    await connection.send(path)
    await asyncio.sleep(0.15)
    connection.close(reset=True)


async def _left_within(connection: Connection, path: str) -> None:
    await connection.send(path)
    await connection.some_body()
    await asyncio.sleep(0.1)
    connection.close(reset=True)


async def _left_after(connection: Connection, path: str) -> Seen:
    await connection.send(path)
    reply = await _reply(connection)
    connection.close(reset=True)
    return reply


async def _reply(connection: Connection) -> Seen:
    import h11

    events = await connection._events_until(h11.EndOfMessage)
    status = next(event.status_code for event in events if isinstance(event, h11.Response))
    size = sum(len(event.data) for event in events if isinstance(event, h11.Data))
    return Seen(status, size, 0.0)


async def _upload(connection: Connection, path: str) -> Seen:
    reply = await connection.get(path, "POST", b"u" * 300_000)
    return Seen(reply.status, len(reply.body), 0.0)


async def _refused(connection: Connection, path: str) -> Seen | None:
    # The server may answer and close while we still send.
    try:
        reply = await connection.get(path, "POST", b"u" * 1_000_000)
    except OSError:
        return None
    return Seen(reply.status, len(reply.body), 0.0)


async def _upload_broken(connection: Connection, path: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", connection.port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n".encode()
        + b"u" * 100_000
    )
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.transport.abort()


def late(name: str) -> tuple[list[dict[str, Any]], str]:
    """One request to a worker that stands still until it is killed; the events, and the log."""
    server = COLUMNS[name]
    view = "async_late" if server.interface == "asgi" else "late"
    command = list(server.command)
    command[-1:-1] = ["--timeout=2"]
    server = replace(server, command=tuple(command))
    with tempfile.TemporaryDirectory(prefix="logged-") as folder_name:
        folder = Path(folder_name)
        with running(server, "holdfast", folder, 0, environment(folder)) as target:
            asyncio.run(_wait_for_the_end(target.port, f"/{view}/1/"))
        return read(folder / "requests.jsonl"), target.log.read_text(errors="replace")


async def _wait_for_the_end(port: int, path: str) -> None:
    await Connection(port, keeps=False).get("/normal/first/")
    await Connection(port, keeps=False).get(path, seconds=10)


__all__ = ["BY_ID", "COLUMNS", "KILLED_WHEN_LATE", "Column", "late", "run", "scenarios_of"]
