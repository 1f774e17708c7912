"""Pages whose users wait for nobody, if the server lets them."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

SECONDS = 0.2

_counter = 0
_counter_lock = threading.Lock()


def report(request: HttpRequest) -> HttpResponse:
    """As long as a few queries take."""
    time.sleep(SECONDS)
    return HttpResponse("report")


async def areport(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(SECONDS)
    return HttpResponse("report")


def counted(request: HttpRequest) -> HttpResponse:
    """A lock that is held for a microsecond makes nobody wait."""
    global _counter
    with _counter_lock:
        _counter += 1
        number = _counter
    time.sleep(SECONDS)
    return HttpResponse(str(number))


_places = asyncio.Semaphore(50)


async def few_at_a_time(request: HttpRequest) -> HttpResponse:
    """Fifty at a time are more than ever come."""
    async with _places:
        await asyncio.sleep(SECONDS)
    return HttpResponse("served")


async def gathered(request: HttpRequest) -> HttpResponse:
    await asyncio.gather(*(asyncio.sleep(SECONDS) for _ in range(5)))
    return HttpResponse("gathered")


async def in_threads(request: HttpRequest) -> HttpResponse:
    await sync_to_async(time.sleep, thread_sensitive=False)(SECONDS / 2)
    await asyncio.to_thread(time.sleep, SECONDS / 2)
    return HttpResponse("done")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for number in range(5):
            time.sleep(SECONDS / 4)
            yield f"{number}\n"

    return StreamingHttpResponse(lines())


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(5):
            await asyncio.sleep(SECONDS / 4)
            yield f"{number}\n"

    return StreamingHttpResponse(lines())


def upload(request: HttpRequest) -> HttpResponse:
    size = 0
    while chunk := request.read(65536):
        size += len(chunk)
    time.sleep(SECONDS)
    return HttpResponse(str(size))
