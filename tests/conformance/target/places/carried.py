"""Threads, executors and callbacks: nothing hands the context to them, `carry` does."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from django.http import HttpRequest, HttpResponse

from target import subject
from target.gates import apause, pause
from target.record import record

# One pool for all requests, as projects have it; made at first use, so after patch and fork.
_pools: list[ThreadPoolExecutor] = []


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(16))
    return _pools[0]


def _look(place: str, part: str, marker: str) -> None:
    pause(marker)
    record(place, part, marker, subject.read())


def thread(request: HttpRequest, marker: str) -> HttpResponse:
    child = threading.Thread(target=subject.carry(_look), args=("thread", "child", marker))
    child.start()
    child.join()
    return HttpResponse("ok")


def bare_thread(request: HttpRequest, marker: str) -> HttpResponse:
    child = threading.Thread(target=_look, args=("bare_thread", "child", marker))
    child.start()
    child.join()
    return HttpResponse("ok")


def executor(request: HttpRequest, marker: str) -> HttpResponse:
    jobs = [
        _pool().submit(subject.carry(_look), "executor", part, marker)
        for part in ("first", "second")
    ]
    for job in jobs:
        job.result()
    return HttpResponse("ok")


async def run_in_executor(request: HttpRequest, marker: str) -> HttpResponse:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, subject.carry(_look), "run_in_executor", "thread", marker)
    return HttpResponse("ok")


async def callback(request: HttpRequest, marker: str) -> HttpResponse:
    """A callback that a foreign thread schedules on the loop: it brings no context with it."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def called() -> None:
        record("callback", "callback", marker, subject.read())
        done.set_result(None)

    carried = subject.carry(called)
    await apause(marker)
    threading.Thread(target=loop.call_soon_threadsafe, args=(carried,)).start()
    await done
    return HttpResponse("ok")


def _outlive(place: str, marker: str) -> None:
    over = subject.wait_until_over()
    record(place, "closed", marker, marker if over else "still open after 5 s")
    record(place, "value", marker, subject.read())


def outlives_thread(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    work = subject.carry(_outlive)
    threading.Thread(target=work, args=("outlives_thread", marker)).start()
    return HttpResponse("ok")


_background: set["asyncio.Task[None]"] = set()


async def outlives_task(request: HttpRequest, marker: str) -> HttpResponse:
    await apause(marker)

    async def work() -> None:
        await asyncio.to_thread(_outlive, "outlives_task", marker)
        await asyncio.sleep(0)
        record("outlives_task", "task", marker, subject.read())

    task = asyncio.create_task(subject.carry(work)())
    _background.add(task)
    task.add_done_callback(_background.discard)
    return HttpResponse("ok")
