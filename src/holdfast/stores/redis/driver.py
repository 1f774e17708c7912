"""Driving operations: with blocking connections, or with those of the running event loop."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import redis.exceptions

from ..errors import StoreError
from ..networked.loops import PerLoop
from ..networked.processes import renew_after_fork
from .address import Address
from .connections import MAX_WAITING, Opened, open_asynchronous, open_blocking
from .failures import CAUGHT, all_busy, translate
from .requests import (
    AS_IS,
    At,
    Batch,
    BatchAt,
    Command,
    Masters,
    Operation,
    Request,
    Run,
    Waiting,
)

T = TypeVar("T")

#: The only server there is, where no cluster tells several apart.
_ALONE = "-"


class BlockingDriver:
    """Drives operations in the calling thread or greenlet. One for each store and process.

    Attributes:
        client: redis-py's; None until the first call, and in a forked child again.
    """

    def __init__(self, address: Address, timeout: float, max_connections: int) -> None:
        self._address = address
        self._timeout = timeout
        self._max_connections = max_connections
        self.client: Any = None
        self._opened: Opened | None = None
        self._waiting: Opened | None = None
        renew_after_fork(self)

    def forget_parent(self) -> None:
        """In a forked child: the connections are the parent's. Dropped, they close unheard."""
        self.client = self._opened = self._waiting = None

    def open(self) -> Any:
        """The client, new if need be. Of two threads that come first at once, the later one's."""
        try:
            opened = open_blocking(self._address, self._timeout, self._max_connections)
        except CAUGHT as error:
            raise self.failed(error) from error
        self._opened = opened
        self.client = opened.client
        return opened.client

    def close(self) -> None:
        """Close all connections. Those that are in use close when they are handed back."""
        both, self.client, self._opened, self._waiting = (
            (self._opened, self._waiting),
            None,
            None,
            None,
        )
        for opened in both:
            if opened is not None:
                for client in (opened.client, *opened.guides):
                    client.close()
                    if (pool := getattr(client, "connection_pool", None)) is not None:
                        pool.disconnect()

    def failed(self, error: Exception) -> StoreError:
        """What to raise instead."""
        return translate(error, self._address, self._timeout)

    def run(self, operation: Operation[T]) -> T:
        """Do all that the operation asks for; its result."""
        client = self.client or self.open()
        try:
            request = next(operation)
            while True:
                request = operation.send(self._do(client, request))
        except StopIteration as end:
            result: T = end.value
            return result
        except CAUGHT as error:
            raise self.failed(error) from error

    def ask(self, *command: Any) -> Any:
        """One command, and its reply."""
        client = self.client or self.open()
        try:
            return self._exchange(client, command)
        except CAUGHT as error:
            raise self.failed(error) from error

    def _exchange(self, client: Any, command: Command) -> Any:
        # redis-py's own way measures each command, and prepares to try it again, which isn't done
        # here: that takes as long as all the rest.
        if self._address.kind == "cluster" or command[0] not in AS_IS:
            return client.execute_command(*command)
        pool = client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_command(*command), check_health=False)
            return connection.read_response()
        except redis.exceptions.ResponseError:
            raise
        except BaseException:
            # Whoever was interrupted shall not leave a reply for the next.
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def batch(self, requests: list[Run]) -> list[Any]:
        """Run one script many times, in one round trip."""
        client = self.client or self.open()
        try:
            try:
                return self._batch(client, [request.by_digest() for request in requests])
            except redis.exceptions.NoScriptError:
                return self._batch(client, [request.by_text() for request in requests])
        except CAUGHT as error:
            raise self.failed(error) from error

    def _do(self, client: Any, request: Request) -> Any:  # noqa: PLR0911 - one for each kind
        if isinstance(request, tuple):
            return self._exchange(client, request)
        if isinstance(request, Run):
            try:
                return self._exchange(client, request.by_digest())
            except redis.exceptions.NoScriptError:
                return self._exchange(client, request.by_text())
        if isinstance(request, Batch):
            return self._batch(client, request.commands)
        if isinstance(request, Waiting):
            return self._open_waiting().execute_command(*request.command)
        if isinstance(request, Masters):
            if self._address.kind != "cluster":
                return [_ALONE]
            return sorted(node.name for node in client.get_primaries())
        target = client
        if self._address.kind == "cluster":
            target = client.get_redis_connection(client.get_node(node_name=request.master))
        if isinstance(request, At):
            return target.execute_command(*request.command)
        return self._batch(target, request.commands)

    def _batch(self, client: Any, commands: list[Any]) -> list[Any]:
        with _pipeline(client) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = pipeline.execute()
            return replies

    def _open_waiting(self) -> Any:
        if self._waiting is None:
            self._waiting = open_blocking(self._address, self._timeout, MAX_WAITING)
        return self._waiting.client


class AsyncDriver:
    """Drives operations in the running event loop, with connections of that loop."""

    def __init__(self, address: Address, timeout: float, max_connections: int) -> None:
        self._address = address
        self._timeout = timeout
        self._clients = PerLoop(
            lambda: open_asynchronous(address, timeout, max_connections), _close_client
        )
        self._waiting = PerLoop(
            lambda: open_asynchronous(address, timeout, MAX_WAITING), _close_client
        )

    async def close(self) -> None:
        """Close the running loop's connections."""
        await self._clients.close()
        await self._waiting.close()

    def failed(self, error: Exception) -> StoreError:
        """What to raise instead."""
        return translate(error, self._address, self._timeout)

    async def run(self, operation: Operation[T]) -> T:
        """Do all that the operation asks for; its result."""
        try:
            opened = self._clients.running() or await self._clients.get()
            request = next(operation)
            while True:
                request = operation.send(await self._do(opened, request))
        except StopIteration as end:
            result: T = end.value
            return result
        except CAUGHT as error:
            raise self.failed(error) from error

    async def command(self, *command: Any) -> Any:
        """One command, and its reply."""
        try:
            opened = self._clients.running() or await self._clients.get()
            room = opened.room
            if room.locked():
                await self._wait_for(room)
            else:
                await room.acquire()
            try:
                return await opened.client.execute_command(*command)
            finally:
                room.release()
        except CAUGHT as error:
            raise self.failed(error) from error

    async def _do(self, opened: Opened, request: Request) -> Any:
        if isinstance(request, Waiting):
            waiting = (await self._waiting.get()).client
            return await waiting.execute_command(*request.command)
        room = opened.room
        if room.locked():
            await self._wait_for(room)
        else:
            await room.acquire()
        try:
            return await self._do_now(opened.client, request)
        finally:
            room.release()

    async def _wait_for(self, room: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await room.acquire()
        except TimeoutError:
            raise all_busy(self._address, self._timeout) from None

    async def _do_now(  # noqa: PLR0911 - one for each kind
        self, client: Any, request: Request
    ) -> Any:
        if isinstance(request, tuple):
            return await client.execute_command(*request)
        if isinstance(request, Run):
            try:
                return await client.execute_command(*request.by_digest())
            except redis.exceptions.NoScriptError:
                return await client.execute_command(*request.by_text())
        if isinstance(request, Batch):
            return await self._batch(client, request.commands)
        if isinstance(request, Masters):
            if self._address.kind != "cluster":
                return [_ALONE]
            await client.initialize()
            return sorted(node.name for node in client.get_primaries())
        if isinstance(request, At):
            if self._address.kind == "cluster":
                client = client.get_node(node_name=request.master)
            return await client.execute_command(*request.command)
        assert isinstance(request, BatchAt)  # noqa: S101 - the only one left
        # In a cluster, each key finds its node by itself.
        return await self._batch(client, request.commands)

    async def _batch(self, client: Any, commands: list[Any]) -> list[Any]:
        async with _pipeline(client) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = await pipeline.execute()
            return replies


def _pipeline(client: Any) -> Any:
    return client.pipeline(transaction=False)


async def _close_client(opened: Opened) -> None:
    for client in (opened.client, *opened.guides):
        await client.aclose()
        if (pool := getattr(client, "connection_pool", None)) is not None:
            await pool.disconnect()
