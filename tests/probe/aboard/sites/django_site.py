"""A project in one file: settings, middleware of both kinds, views of both kinds."""

import asyncio
import gc
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from django.http import HttpResponse
from django.urls import path
from django.utils.decorators import async_only_middleware
from django.views import View

SECRET_KEY = "x"
ROOT_URLCONF = "django_site"
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = [name for name in os.environ.get("SITE_MIDDLEWARE", "").split() if name]

_executor = ThreadPoolExecutor(max_workers=1)


class SyncLayer:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        time.sleep(0.1)
        return self.get_response(request)


@async_only_middleware
def async_layer(get_response):
    async def layer(request):
        await asyncio.sleep(0.1)
        return await get_response(request)

    return layer


def sync_view(request):
    time.sleep(0.2)
    return HttpResponse("sync")


async def async_view(request):
    await asyncio.sleep(0.2)
    return HttpResponse("async")


class ClassView(View):
    def get(self, request, number):
        time.sleep(0.05)
        return HttpResponse(str(number))


async def blocks(request):
    time.sleep(0.2)  # noqa: ASYNC251 - blocks the loop
    return HttpResponse(threading.current_thread().name)


def loop_of_its_own(request):
    async def work():
        time.sleep(0.1)  # noqa: ASYNC251 - blocks this loop, in which nobody else is
        await asyncio.sleep(0.1)

    asyncio.run(work())
    return HttpResponse("worked")


_background = []


def loop_for_all(request):
    """Begun by the first request, as clients do that have a loop of their own."""

    async def work():
        time.sleep(0.1)  # noqa: ASYNC251 - whoever comes meanwhile waits

    if not _background:
        _background.append(asyncio.new_event_loop())
        threading.Thread(target=_background[0].run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(work(), _background[0]).result()
    return HttpResponse("worked")


def sleeps_unpatched(request):
    original = time.sleep
    if "gevent" in sys.modules:
        from gevent.monkey import get_original

        original = get_original("time", "sleep")
    original(0.2)  # blocks the hub
    return HttpResponse("slept")


def _draw():
    time.sleep(0.1)
    return "drawn"


def executor(request):
    return HttpResponse(_executor.submit(_draw).result())  # asks for a thread


async def to_thread(request):
    return HttpResponse(await asyncio.to_thread(_draw))


def collects(request):
    gc.collect()
    return HttpResponse(f"{gc.isenabled()}")


def hello(request):
    return HttpResponse("hello")


def fails(request):
    raise RuntimeError("as planned")


urlpatterns = [
    path("sync/", sync_view),
    path("async/", async_view),
    path("class/<int:number>/", ClassView.as_view()),
    path("blocks/", blocks),
    path("loop/", loop_of_its_own),
    path("loop-for-all/", loop_for_all),
    path("unpatched/", sleeps_unpatched),
    path("executor/", executor),
    path("to-thread/", to_thread),
    path("collects/", collects),
    path("fails/", fails),
    path("", hello),
]
