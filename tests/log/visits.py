"""What the client does: for each row of the matrix, or `plain`."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11

from tests.conformance.client import Connection


@dataclass
class Seen:
    """What the client saw of one request."""

    status: int
    size: int


class Visit:
    """One request: to which server, for which view, and where the view looks for word of us."""

    def __init__(self, port: int, scenario: str, folder: Path) -> None:
        self.connection = Connection(port, keeps=False)
        self.path = f"/{scenario}/1/"
        self._inside = folder / f"inside-{scenario}"
        self._left = folder / f"left-{scenario}"

    async def wait_until_inside(self) -> None:
        """Until the view runs: whoever leaves before that may not have come at all."""
        async with asyncio.timeout(30):
            while not self._inside.exists():  # noqa: ASYNC110 - it runs in another process
                await asyncio.sleep(0.01)

    def leave(self) -> None:
        """Leave at once, and then say so: the view waits for that."""
        self.connection.close(reset=True)
        self._left.touch()


def scenario_of(event: dict[str, Any]) -> str:
    """Which request an event is of."""
    name: str = event["path"].split("/")[1]
    return name


async def plain(visit: Visit) -> Seen:
    # A busy machine may start the worker for long after somebody listens.
    reply = await visit.connection.get(visit.path, seconds=60)
    return Seen(reply.status, len(reply.body))


async def stream_error(visit: Visit) -> Seen:
    # Some servers leave the connection open.
    reply = await visit.connection.get(visit.path, seconds=5)
    return Seen(reply.status, len(reply.body))


async def left_before(visit: Visit) -> None:
    await visit.connection.send(visit.path)
    await visit.wait_until_inside()
    visit.leave()


async def left_within(visit: Visit) -> None:
    await visit.connection.send(visit.path)
    await visit.connection.some_body()
    visit.leave()


async def left_after(visit: Visit) -> Seen:
    await visit.connection.send(visit.path)
    async with asyncio.timeout(30):
        events = await visit.connection._events_until(h11.EndOfMessage)
    visit.leave()
    status = next(event.status_code for event in events if isinstance(event, h11.Response))
    return Seen(status, sum(len(event.data) for event in events if isinstance(event, h11.Data)))


async def upload(visit: Visit) -> Seen:
    reply = await visit.connection.get(visit.path, "POST", b"u" * 300_000, seconds=60)
    return Seen(reply.status, len(reply.body))


async def refused(visit: Visit) -> Seen | None:
    # The server may answer and close while we still send.
    try:
        reply = await visit.connection.get(visit.path, "POST", b"u" * 1_000_000, seconds=60)
    except OSError:
        return None
    return Seen(reply.status, len(reply.body))


async def upload_broken(visit: Visit) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", visit.connection.port)
    writer.write(
        f"POST {visit.path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n".encode()
        + b"u" * 100_000
    )
    await writer.drain()
    await asyncio.sleep(0.2)  # usually the server has read it by then; if not, none will say so
    writer.transport.abort()


async def closed_by_server(port: int, path: str) -> None:
    """A request as nginx hands one on, read until the server has closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(60):
        await reader.read()
    writer.close()


async def headers_only(port: int, path: str) -> None:
    """A HEAD request of a client that leaves with the headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(60):
        await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
