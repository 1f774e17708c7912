"""The ways from async code into threads and tasks, and back, that hand the context on."""

import asyncio

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse

from target import subject
from target.gates import apause, pause
from target.record import record


def _look(place: str, part: str, marker: str) -> None:
    pause(marker)
    record(place, part, marker, subject.read())


async def _alook(place: str, part: str, marker: str) -> None:
    await apause(marker)
    record(place, part, marker, subject.read())


async def sync_to_async_sensitive(request: HttpRequest, marker: str) -> HttpResponse:
    place = "sync_to_async_sensitive"
    await sync_to_async(_look, thread_sensitive=True)(place, "thread", marker)
    await _alook(place, "back", marker)
    return HttpResponse("ok")


async def sync_to_async_free(request: HttpRequest, marker: str) -> HttpResponse:
    await sync_to_async(_look, thread_sensitive=False)("sync_to_async_free", "thread", marker)
    await _alook("sync_to_async_free", "back", marker)
    return HttpResponse("ok")


def async_to_sync_view(request: HttpRequest, marker: str) -> HttpResponse:
    async_to_sync(_alook)("async_to_sync", "loop", marker)
    _look("async_to_sync", "back", marker)
    return HttpResponse("ok")


async def to_thread(request: HttpRequest, marker: str) -> HttpResponse:
    await asyncio.to_thread(_look, "to_thread", "thread", marker)
    return HttpResponse("ok")


async def create_task(request: HttpRequest, marker: str) -> HttpResponse:
    await asyncio.create_task(_alook("create_task", "task", marker))
    return HttpResponse("ok")


async def task_group(request: HttpRequest, marker: str) -> HttpResponse:
    async with asyncio.TaskGroup() as group:
        for part in ("first", "second"):
            group.create_task(_alook("task_group", part, marker))
    return HttpResponse("ok")


async def call_later(request: HttpRequest, marker: str) -> HttpResponse:
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def called() -> None:
        record("call_later", "callback", marker, subject.read())
        done.set_result(None)

    await apause(marker)
    loop.call_later(0.003, called)
    await done
    return HttpResponse("ok")
