"""Driving operations: with blocking connections, or with those of the running event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any, TypeVar

from ..networked.loops import PerLoop
from ..networked.processes import renew_after_fork
from .address import Address
from .async_connections import AsyncConnection, AsyncPool
from .connections import PORTION, Connection, Pool
from .requests import Asks, Figures, Operation, Pause, Request, Settings
from .wire import Reply

T = TypeVar("T")

STATISTICS = b"stats\r\n"
SETTINGS = b"stats settings\r\n"
#: How each line of an answer to either begins. The next one is the last; of what doesn't know them,
#: such as a proxy, the only one.
STATISTIC = b"STAT "


class BlockingDriver:
    """Drives operations in the calling thread or greenlet. One for each store and process."""

    def __init__(self, address: Address, timeout: float, most: int) -> None:
        self._address = address
        self._timeout = timeout
        self._most = most
        self._begin()
        renew_after_fork(self)

    def forget_parent(self) -> None:
        """In a forked child: the connections are the parent's."""
        for pool in self._pools:
            pool.drop()
        self._begin()

    def _begin(self) -> None:
        self._pools = [Pool(server, self._timeout, self._most) for server in self._address.servers]

    def close(self) -> None:
        """Close all connections. Those that are in use close when they are handed back."""
        for pool in self._pools:
            pool.close()

    def run(self, operation: Operation[T]) -> T:
        """Do all that the operation asks for; its result."""
        try:
            request = next(operation)
            while True:
                try:
                    reply = self._do(request)
                except BaseException as error:  # noqa: BLE001 - raised anew in the operation
                    # What it did until then may have to be told of.
                    request = operation.throw(error)
                else:
                    request = operation.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, request: Request) -> Any:
        if isinstance(request, list):
            if len(request) == 1 or len(self._pools) == 1:
                return self._ask_one(request[0].server, request)
            return self._ask_several(request)
        if isinstance(request, Pause):
            time.sleep(request.seconds)
            return None
        if isinstance(request, Settings):
            return self._figures(self._pools[request.server], SETTINGS)
        return [self._figures(pool) for pool in self._pools]

    def _ask_one(self, server: int, asks: Asks) -> list[Reply]:
        pool = self._pools[server]
        connection = pool.take()
        sound = False
        try:
            replies: list[Reply] = []
            for portion in _portions(asks):
                connection.send(b"".join([ask.command for ask in portion]))
                replies += [connection.read() for _ in portion]
            sound = True
        except OSError as error:
            raise pool.failed(error) from error
        finally:
            pool.give_back(connection, sound=sound)
        return replies

    def _ask_several(self, asks: Asks) -> list[Reply]:
        """One server after the other has been asked when the first answer is read."""
        found: dict[int, Reply] = {}
        for portion in _portions(asks):
            by_server: dict[int, list[int]] = {}
            for place, ask in enumerate(portion):
                by_server.setdefault(ask.server, []).append(place)
            self._ask_at_once(portion, by_server, found, len(found))
        return [found[place] for place in range(len(asks))]

    def _ask_at_once(
        self, asks: Asks, by_server: dict[int, list[int]], found: dict[int, Reply], begin: int
    ) -> None:
        open_: dict[int, Connection] = {}
        server = -1
        try:
            # In one order for all, or those that hold one server's last connection and wait for
            # another's would starve each other.
            for server, places in sorted(by_server.items()):
                open_[server] = self._pools[server].take()
                open_[server].send(b"".join([asks[place].command for place in places]))
            for server, places in by_server.items():
                for place in places:
                    found[begin + place] = open_[server].read()
                self._pools[server].give_back(open_.pop(server), sound=True)
        except OSError as error:
            raise self._pools[server].failed(error) from error
        finally:
            for unfinished, connection in open_.items():
                self._pools[unfinished].give_back(connection, sound=False)

    def _figures(self, pool: Pool, of: bytes = STATISTICS) -> dict[str, str]:
        connection = pool.take()
        sound = False
        try:
            connection.send(of)
            lines = []
            while (line := connection.read_line()).startswith(STATISTIC):
                lines.append(line)
            sound = True
        except OSError as error:
            raise pool.failed(error) from error
        finally:
            pool.give_back(connection, sound=sound)
        return _table(lines)


class AsyncDriver:
    """Drives operations in the running event loop, with connections of that loop."""

    def __init__(self, address: Address, timeout: float, most: int) -> None:
        self._timeout = timeout
        self._pools: PerLoop[list[AsyncPool]] = PerLoop(
            lambda: [AsyncPool(server, timeout, most) for server in address.servers],
            _close_pools,
        )

    async def close(self) -> None:
        """Close the running loop's connections."""
        await self._pools.close()

    async def run(self, operation: Operation[T]) -> T:
        """Do all that the operation asks for; its result."""
        pools = self._pools.running() or await self._pools.get()
        try:
            request = next(operation)
            while True:
                try:
                    reply = await self._do(pools, request)
                except BaseException as error:  # noqa: BLE001 - raised anew in the operation
                    # Cancelled, for example: what it did until then may have to be told of.
                    request = operation.throw(error)
                else:
                    request = operation.send(reply)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, pools: list[AsyncPool], request: Request) -> Any:
        if isinstance(request, list):
            if len(request) == 1 or len(pools) == 1:
                return await self._ask_one(pools[request[0].server], request)
            return await self._ask_several(pools, request)
        if isinstance(request, Pause):
            await asyncio.sleep(request.seconds)
            return None
        if isinstance(request, Settings):
            return await self._figures(pools[request.server], SETTINGS)
        assert isinstance(request, Figures)  # noqa: S101 - the only one left
        return [await self._figures(pool) for pool in pools]

    async def _ask_one(self, pool: AsyncPool, asks: Asks) -> list[Reply]:
        connection = await pool.take()
        sound = False
        try:
            replies: list[Reply] = []
            for portion in _portions(asks):
                async with asyncio.timeout(self._timeout):
                    await connection.send(b"".join([ask.command for ask in portion]))
                    for _ in portion:
                        replies.append(await connection.read())
            sound = True
        except (OSError, EOFError) as error:
            raise pool.failed(error) from error
        finally:
            pool.give_back(connection, sound=sound)
        return replies

    async def _ask_several(self, pools: list[AsyncPool], asks: Asks) -> list[Reply]:
        by_server: dict[int, list[int]] = {}
        for place, ask in enumerate(asks):
            by_server.setdefault(ask.server, []).append(place)
        found: dict[int, Reply] = {}

        async def ask_one(server: int, places: list[int]) -> None:
            replies = await self._ask_one(pools[server], [asks[place] for place in places])
            found.update(zip(places, replies, strict=True))

        # All are awaited, whichever fails: none is left behind.
        results = await asyncio.gather(
            *(ask_one(server, places) for server, places in by_server.items()),
            return_exceptions=True,
        )
        for result in results:
            if result is not None:
                raise result
        return [found[place] for place in range(len(asks))]

    async def _figures(self, pool: AsyncPool, of: bytes = STATISTICS) -> dict[str, str]:
        connection: AsyncConnection = await pool.take()
        sound = False
        try:
            async with asyncio.timeout(self._timeout):
                await connection.send(of)
                lines = []
                while (line := await connection.read_line()).startswith(STATISTIC):
                    lines.append(line)
            sound = True
        except (OSError, EOFError) as error:
            raise pool.failed(error) from error
        finally:
            pool.give_back(connection, sound=sound)
        return _table(lines)


def _portions(asks: Asks) -> Iterator[Asks]:
    """The commands, in portions of bounded size."""
    if len(asks) == 1:
        yield asks
        return
    begin = size = 0
    for place, ask in enumerate(asks):
        if size and size + len(ask.command) > PORTION:
            yield asks[begin:place]
            begin, size = place, 0
        size += len(ask.command)
    yield asks[begin:]


def _table(lines: list[bytes]) -> dict[str, str]:
    """`STAT name value`, line by line."""
    words = (line.decode("ascii", "replace").split(None, 2) for line in lines)
    return {word[1]: word[2].strip() for word in words if len(word) == 3}  # noqa: PLR2004


async def _close_pools(pools: list[AsyncPool]) -> None:
    for pool in pools:
        await pool.close()
