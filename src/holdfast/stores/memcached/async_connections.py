"""Connections for event loops.

The smallest that will do: no client that is alive brings a transport for asyncio that speaks the
meta protocol (see `wire.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque

from .address import Server
from .failures import all_busy, silent, unreachable
from .wire import Reply, read_header


class AsyncConnection:
    """One connection to one server, of the running event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server) -> AsyncConnection:
        """Connect."""
        if server.path:
            return cls(*await asyncio.open_unix_connection(server.path))
        return cls(*await asyncio.open_connection(server.host, server.port))

    async def send(self, commands: bytes) -> None:
        """Send all of it."""
        self._writer.write(commands)
        await self._writer.drain()

    async def read(self) -> Reply:
        """The next reply."""
        reply = read_header(await self.read_line())
        if reply.size >= 0:
            value = await self._reader.readexactly(reply.size + 2)
            reply.value = value[:-2]
        return reply

    async def read_line(self) -> bytes:
        """The next line, with its end."""
        return await self._reader.readuntil(b"\n")

    def is_fresh(self) -> bool:
        """Whether the server still has it open."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    def close(self) -> None:
        """Close it at once."""
        self._writer.transport.abort()


class AsyncPool:
    """The connections of one event loop to one server."""

    def __init__(self, server: Server, timeout: float, most: int) -> None:
        self._server = server
        self._timeout = timeout
        self._idle: deque[AsyncConnection] = deque()
        self._room = asyncio.Semaphore(most)

    async def take(self) -> AsyncConnection:
        """A connection that the server has open."""
        if self._room.locked():
            try:
                async with asyncio.timeout(self._timeout):
                    await self._room.acquire()
            except TimeoutError as error:
                raise all_busy(str(self._server), self._timeout) from error
        else:
            await self._room.acquire()
        try:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_fresh():
                    return connection
                connection.close()
            async with asyncio.timeout(self._timeout):
                return await AsyncConnection.open(self._server)
        except (OSError, TimeoutError) as error:
            self._room.release()
            raise self.failed(error) from error
        except BaseException:
            self._room.release()
            raise

    def give_back(self, connection: AsyncConnection, *, sound: bool) -> None:
        """For the next one; closed, if it may be in the middle of a reply."""
        if sound:
            self._idle.append(connection)
        else:
            connection.close()
        self._room.release()

    async def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().close()
        # A transport closes in the loop's next turn.
        await asyncio.sleep(0)

    def failed(self, error: Exception) -> Exception:
        """What to raise instead."""
        if isinstance(error, TimeoutError):
            return silent(str(self._server), self._timeout)
        return unreachable(str(self._server), error)
