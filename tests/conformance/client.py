"""An HTTP/1.1 client on bare sockets that can also behave badly: leave, reset, pipeline."""

import asyncio
from dataclasses import dataclass

import h11

TIMEOUT_SECONDS = 10.0


@dataclass
class Reply:
    """What came back; `complete` is False where the connection ended before the body did."""

    status: int
    body: bytes
    complete: bool


class Connection:
    """One connection, used again until it is closed, unless the server won't keep it."""

    def __init__(self, port: int, *, keeps: bool = True) -> None:
        self.port = port
        self.keeps = keeps
        self._http = h11.Connection(h11.CLIENT)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._http = h11.Connection(h11.CLIENT)

    async def send(self, path: str, method: str = "GET", body: bytes = b"") -> None:
        """Send a request and wait for nothing."""
        if self._writer is None:
            await self.open()
        assert self._writer is not None
        self._writer.write(_bytes_of(self._http, path, method, body))
        await self._writer.drain()

    async def _events_until(self, last: type[h11.Event]) -> list[h11.Event]:
        """The events up to one of type `last`, or to the connection's end, however it ends."""
        assert self._reader is not None
        events: list[h11.Event] = []
        while not (
            events and isinstance(events[-1], (last, h11.ConnectionClosed, h11.EndOfMessage))
        ):
            try:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    self._http.receive_data(await self._reader.read(65536))
                    continue
            except (h11.RemoteProtocolError, ConnectionError):
                event = h11.ConnectionClosed()
            assert not isinstance(event, type)
            events.append(event)
        return events

    async def some_body(self) -> None:
        """Read until the first bytes of the body are there."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await self._events_until(h11.Data)

    async def get(
        self, path: str, method: str = "GET", body: bytes = b"", seconds: float = TIMEOUT_SECONDS
    ) -> Reply:
        """Send, read the reply; where none came in time, its status is 0.

        The seconds are for the reply: whatever happens, the server is sent all of the request.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self.send(path, method, body)
            async with asyncio.timeout(seconds):
                reply = _reply_of(await self._events_until(h11.EndOfMessage))
        except (ConnectionError, TimeoutError):
            reply = Reply(0, b"", complete=False)
        over = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        # Some servers send a body after HEAD, which would be taken for the next reply.
        if over and self.keeps and method != "HEAD":
            self._http.start_next_cycle()
        else:
            self.close()
        return reply

    def close(self, *, reset: bool = False) -> None:
        """Close; with `reset` at once and without the usual farewell (RST instead of FIN)."""
        if self._writer is not None:
            if reset:
                self._writer.transport.abort()
            else:
                self._writer.close()
        self._writer = self._reader = None
        self._http = h11.Connection(h11.CLIENT)


async def pipeline(port: int, paths: list[str]) -> list[Reply]:
    """Send all requests at once on one connection, then read all replies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"".join(_bytes_of(h11.Connection(h11.CLIENT), path) for path in paths))
        await writer.drain()
        replies, rest = [], b""
        for path in paths:
            http = h11.Connection(h11.CLIENT)
            _bytes_of(http, path)
            http.receive_data(rest) if rest else None
            events: list[h11.Event] = []
            while not (events and isinstance(events[-1], (h11.EndOfMessage, h11.ConnectionClosed))):
                event = http.next_event()
                if event is h11.NEED_DATA:
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        http.receive_data(await reader.read(65536))
                    continue
                assert not isinstance(event, type)
                events.append(event)
            rest = http.trailing_data[0]
            replies.append(_reply_of(events))
        return replies
    finally:
        writer.close()


def _bytes_of(http: h11.Connection, path: str, method: str = "GET", body: bytes = b"") -> bytes:
    headers = [("Host", "localhost")]
    if body:
        headers.append(("Content-Length", str(len(body))))
    parts = [http.send(h11.Request(method=method, target=path, headers=headers))]
    if body:
        parts.append(http.send(h11.Data(data=body)))
    parts.append(http.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _reply_of(events: list[h11.Event]) -> Reply:
    status = next((event.status_code for event in events if isinstance(event, h11.Response)), 0)
    body = b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))
    return Reply(status, body, isinstance(events[-1], h11.EndOfMessage))
