"""Pages that wait for the only one of something."""

import asyncio
import os
import queue
import time

import aiohttp
import psycopg_pool
import redis
from django.http import HttpRequest, HttpResponse

SECONDS = 0.2
UPSTREAM = os.environ.get("SHOP_UPSTREAM", "http://127.0.0.1:9/")


class Printer:
    def print(self) -> None:
        time.sleep(SECONDS)


_printers: "queue.Queue[Printer]" = queue.Queue()
_printers.put(Printer())

_connections = redis.BlockingConnectionPool.from_url(
    os.environ.get("SHOP_REDIS", "redis://127.0.0.1:6379/0"), max_connections=1, timeout=60
)
_redis = redis.Redis(connection_pool=_connections)

_postgres = psycopg_pool.ConnectionPool(
    os.environ.get("SHOP_POSTGRES", ""), min_size=1, max_size=1, open=False
)


def own(request: HttpRequest) -> HttpResponse:
    printer = _printers.get()
    try:
        printer.print()
    finally:
        _printers.put(printer)
    return HttpResponse("printed")


def from_redis(request: HttpRequest) -> HttpResponse:
    _redis.blpop("orders", timeout=SECONDS)
    return HttpResponse("no order")


def from_postgres(request: HttpRequest) -> HttpResponse:
    _postgres.open()
    with _postgres.connection() as connection:
        connection.execute("SELECT pg_sleep(0.2)")
    return HttpResponse("selected")


class Partner:
    """One session for all requests, as aiohttp's documentation wants it."""

    session: aiohttp.ClientSession | None = None

    async def ask(self) -> bytes:
        if self.session is None:
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
        async with self.session.get(UPSTREAM) as answer:
            return await answer.read()


_partner = Partner()


async def partner(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await asyncio.wait_for(_partner.ask(), 30))
