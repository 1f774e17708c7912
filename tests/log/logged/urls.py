"""One view for each way in which a request can end."""

import asyncio
import time

from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path

import holdfast

CHUNK = b"x" * 20_000
PAUSE_SECONDS = 0.02


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
    time.sleep(0.5)
    return HttpResponse(CHUNK * 500)


async def async_left_before(request, marker):
    await asyncio.sleep(0.5)
    return HttpResponse(CHUNK * 500)


def left_within(request, marker):
    return StreamingHttpResponse(chunks(80))


async def async_left_within(request, marker):
    return StreamingHttpResponse(achunks(80))


def refused(request, marker):
    request.read(1000)
    return HttpResponse(b"too much", status=413)


def upload(request, marker):
    size = 0
    while chunk := request.read(65536):
        size += len(chunk)
    return HttpResponse(str(size).encode())


def late(request, marker):
    # Not a sleep, which would let other greenlets run: the worker is stuck.
    until = time.monotonic() + 20
    while time.monotonic() < until:
        pass
    return HttpResponse(b"late")


async def async_late(request, marker):
    return late(request, marker)


def chunks(count, *, fails=False):
    for number in range(count):
        time.sleep(PAUSE_SECONDS)
        if fails and number == 1:
            raise RuntimeError("stream")
        yield CHUNK


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
    path("middleware_error/<str:marker>/", normal),
    path("upload_broken/<str:marker>/", upload),
]
