"""How redis-py is set up, for threads and for event loops alike.

Nothing is retried: whether a command that brought no answer was done is not known. A connection
that the server closed meanwhile is noticed by redis-py before it is used again, so a server that
returns is found by the next call.
"""

from __future__ import annotations

import asyncio
import functools
import os
import queue
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .address import Address

#: Connections that calls of one process (asynchronous ones: of one event loop) share.
MAX_CONNECTIONS = 64
#: Those that wait for a lock or a change stay occupied; a limit would let waiters block releases.
MAX_WAITING = 100_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A client, the clients that it asks for its way, and room for so many calls at once.

    The room is for event loops: of redis-py's pools there, one only refuses, and the one that waits
    costs a seventh of a call.
    """

    client: Any
    guides: list[Any] = field(default_factory=list)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONNECTIONS))


class _Pool(redis.BlockingConnectionPool):
    """redis-py's, with a short way to a connection that is free and in order, and back.

    redis-py's own way measures what there is to measure about the pool, whether or not anybody
    asks, which takes as long as the server takes to answer.
    """

    def get_connection(self, *names: Any, **options: Any) -> Any:
        """A free connection; who finds none waits."""
        if self.pid == os.getpid():
            try:
                connection = self.pool.get_nowait()
            except queue.Empty:
                pass
            else:
                in_order = False
                try:
                    in_order = connection is not None and _is_in_order(connection)
                finally:
                    if not in_order:
                        self.pool.put_nowait(connection)
                if in_order:
                    return connection
                # To be connected, or anew: the long way takes first what came back last.
        return super().get_connection()  # type: ignore[no-untyped-call]

    def release(self, connection: Any) -> None:
        """Hand a connection back."""
        if (
            self.pid == os.getpid()
            and self.owns_connection(connection)
            and not connection.should_reconnect()
        ):
            self.pool.put_nowait(connection)
        else:
            super().release(connection)  # type: ignore[no-untyped-call]


def _is_in_order(connection: Any) -> bool:
    """Whether it is connected, and nothing is left to be read from it."""
    try:
        return connection.is_connected and not connection.can_read()
    except Exception:  # noqa: BLE001 - another thread may be closing it, and what comes of it varies
        connection.disconnect()  # so that the long way connects it anew
        return False


class _MasterPool(redis.sentinel.SentinelConnectionPool, _Pool):
    """Connections to the master that sentinels name; who finds none free waits."""


def open_blocking(address: Address, timeout: float, max_connections: int) -> Opened:
    """A client for threads and greenlets. It connects when used; that of a cluster at once."""
    options = _options(timeout, Retry(NoBackoff(), 0)) | address.options
    if address.encrypted:
        # A server of TLS 1.3 sends tickets after the handshake, unasked, and redis-py takes a new
        # connection with something to be read for a broken one. Where it says who it is, it reads
        # an answer first, and the tickets with it.
        del options["driver_info"]
    limits = {"max_connections": max_connections, "timeout": timeout}
    if address.kind == "single":
        pool = _Pool.from_url(address.url, **limits, **options)
        return Opened(redis.Redis(connection_pool=pool))
    if address.kind == "sentinel":
        guide: Any = redis.sentinel.Sentinel  # its module has no types
        sentinel = guide(address.hosts, sentinel_kwargs=_to_sentinels(address, options), **options)
        master = sentinel.master_for(address.service, connection_pool_class=_MasterPool, **limits)
        return Opened(master, sentinel.sentinels)
    node: Any = redis.cluster.ClusterNode
    return Opened(
        redis.RedisCluster(
            startup_nodes=[node(host, port) for host, port in address.hosts],
            connection_pool_class=functools.partial(_Pool, timeout=timeout),
            max_connections=max_connections,
            **options,
        )
    )


def open_asynchronous(address: Address, timeout: float, max_connections: int) -> Opened:
    """A client for the running event loop. It connects when it is used."""
    options = _options(timeout, AsyncRetry(NoBackoff(), 0)) | address.options
    # No limit of theirs, but the room.
    options["max_connections"] = MAX_WAITING
    room = asyncio.Semaphore(max_connections)
    if address.kind == "single":
        pool = redis.asyncio.ConnectionPool.from_url(address.url, **options)
        return Opened(redis.asyncio.Redis(connection_pool=pool), room=room)
    if address.kind == "sentinel":
        guide: Any = redis.asyncio.sentinel.Sentinel
        sentinel = guide(address.hosts, sentinel_kwargs=_to_sentinels(address, options), **options)
        return Opened(sentinel.master_for(address.service), sentinel.sentinels, room)
    nodes = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in address.hosts]
    return Opened(redis.asyncio.RedisCluster(startup_nodes=nodes, **options), room=room)


def _options(timeout: float, retry: Any) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": retry,
        # Replies alike on all servers; and no round trips before the first command.
        "protocol": 2,
        "driver_info": None,
    }


def _to_sentinels(address: Address, options: dict[str, Any]) -> dict[str, Any]:
    # Each connection to the master asks a sentinel first.
    ours = {name: value for name, value in options.items() if name not in address.options}
    return ours | address.sentinel_options | {"max_connections": MAX_WAITING}
