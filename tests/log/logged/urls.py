"""One view for each way in which a request can end."""

import asyncio
import os
import sys
import time
from pathlib import Path

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path

import holdfast

CHUNK = b"x" * 20_000
PAUSE_SECONDS = 0.02
# How long a server may need to tell that its client has left.
PATIENCE_SECONDS = 10.0
FOLDER = Path(os.environ["LOGGED_TO"]).parent


def normal(request, marker):
    holdfast.state.note = marker
    time.sleep(0.05)
    return HttpResponse(b"0123456789")


async def async_normal(request, marker):
    holdfast.state.note = marker
    await asyncio.sleep(0.05)
    return HttpResponse(b"0123456789")


def view_error(request, marker):
    raise RuntimeError("view")


def redirect(request, marker):
    return HttpResponseRedirect("/elsewhere/")


def sync_stream(request, marker):
    return StreamingHttpResponse(chunks(3))


def async_stream(request, marker):
    return StreamingHttpResponse(achunks(3))


def stream_error(request, marker):
    return StreamingHttpResponse(chunks(3, fails=True))


def left_before(request, marker):
    (FOLDER / "inside-left_before").touch()
    wait_until_left("left_before")
    if hasattr(request, "scope"):
        time.sleep(1)  # until the server has seen it; then nobody waits for this thread
    return HttpResponse(CHUNK * 500)


async def async_left_before(request, marker):
    (FOLDER / "inside-async_left_before").touch()
    await asyncio.sleep(PATIENCE_SECONDS)  # called off before
    return HttpResponse(b"stayed")


def left_within(request, marker):
    return StreamingHttpResponse(until_left())


async def async_left_within(request, marker):
    return StreamingHttpResponse(achunks(500))


def refused(request, marker):
    request.read(1000)
    return HttpResponse(b"too much", status=413)


def upload(request, marker):
    size = 0
    while chunk := request.read(65536):
        size += len(chunk)
    return HttpResponse(str(size).encode())


def late(request, marker):
    stand_still(30)
    return HttpResponse(b"late")


async def async_late(request, marker):
    return late(request, marker)


def stand_still(seconds):
    # gevent's sleep would let other greenlets run, and the worker show that it lives.
    monkey = sys.modules.get("gevent.monkey")
    sleep = time.sleep if monkey is None else monkey.get_original("time", "sleep")
    sleep(seconds)


def chunks(count, *, fails=False):
    for number in range(count):
        time.sleep(PAUSE_SECONDS)
        if fails and number == 1:
            raise RuntimeError("stream")
        yield CHUNK


def until_left():
    yield CHUNK
    wait_until_left("left_within")
    yield from chunks(50)


def wait_until_left(name):
    until = time.monotonic() + PATIENCE_SECONDS
    while not (FOLDER / f"left-{name}").exists() and time.monotonic() < until:
        time.sleep(0.01)


async def achunks(count):
    for _ in range(count):
        await asyncio.sleep(PAUSE_SECONDS)
        yield CHUNK


VIEWS = (
    *(normal, async_normal, view_error, redirect, sync_stream, async_stream, stream_error),
    *(left_before, async_left_before, left_within, async_left_within, refused, upload),
    *(late, async_late),
)
urlpatterns = [
    *(path(f"{view.__name__}/<str:marker>/", view) for view in VIEWS),
    path("left_after/<str:marker>/", normal),
    path("timed/<str:marker>/", normal),
    path("timed_stream/<str:marker>/", sync_stream),
    path("middleware_error/<str:marker>/", normal),
    path("upload_broken/<str:marker>/", upload),
]
