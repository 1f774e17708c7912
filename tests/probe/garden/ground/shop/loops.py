"""Async pages, of which the event loop serves one after another."""

import asyncio
import hashlib
import os
import sqlite3
import time
from urllib.request import urlopen

import psycopg
from django.http import HttpRequest, HttpResponse

SECONDS = 0.2
UPSTREAM = os.environ.get("SHOP_UPSTREAM", "http://127.0.0.1:9/")

_till = asyncio.Lock()
_counter = asyncio.Semaphore(1)


async def locked(request: HttpRequest) -> HttpResponse:
    async with _till:
        await asyncio.sleep(SECONDS)
    return HttpResponse("paid")


async def one_at_a_time(request: HttpRequest) -> HttpResponse:
    async with _counter:
        await asyncio.sleep(SECONDS)
    return HttpResponse("served")


async def sleep(request: HttpRequest) -> HttpResponse:
    time.sleep(SECONDS)  # noqa: ASYNC251 - the fault
    return HttpResponse("slept")


async def price(request: HttpRequest) -> HttpResponse:
    with urlopen(UPSTREAM, timeout=30) as answer:  # noqa: ASYNC210, S310 - the fault
        return HttpResponse(answer.read())


async def totals(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(_total()))


def _total() -> int:
    with psycopg.connect(os.environ["SHOP_POSTGRES"]) as connection:
        row = connection.execute("SELECT 7, pg_sleep(0.2)").fetchone()
    return row[0]


async def rows(request: HttpRequest) -> HttpResponse:
    connection = sqlite3.connect(":memory:")
    connection.create_function("exchange_rate", 0, _rate)
    (total,) = connection.execute("SELECT sum(exchange_rate()) FROM (SELECT 1)").fetchone()
    connection.close()
    return HttpResponse(str(total))


def _rate() -> float:
    with urlopen(UPSTREAM, timeout=30) as answer:  # noqa: S310 - of our own
        answer.read()
    return 1.1


async def digest(request: HttpRequest) -> HttpResponse:
    digest = b"shop"
    until = time.thread_time() + SECONDS
    while time.thread_time() < until:
        digest = hashlib.sha256(digest).digest()
    return HttpResponse(digest.hex())
