"""Requests that do not end well, and requests within requests."""

from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client

from target import subject
from target.gates import apause, pause
from target.record import record


class BrokenViewError(Exception):
    """Raised in a view, on purpose."""


class Aborted(BaseException):
    """Raised in a view, on purpose: what Django's exception handling lets pass."""


def error(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    record("error", "view", marker, subject.read())
    raise BrokenViewError


def base_error(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    record("base_error", "view", marker, subject.read())
    raise Aborted


def left_view(request: HttpRequest, marker: str) -> HttpResponse:
    try:
        pause(marker)
        return HttpResponse("ok")
    finally:
        record("left_view", "finally", marker, subject.read())


async def left_async_view(request: HttpRequest, marker: str) -> HttpResponse:
    try:
        await apause(marker)
        return HttpResponse("ok")
    finally:
        record("left_async_view", "finally", marker, subject.read())


def left_after(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    record("left_after", "view", marker, subject.read())
    return HttpResponse("ok")


def nested(request: HttpRequest, marker: str) -> HttpResponse:
    inner = f"{marker}.inner"
    record("nested", "before", marker, subject.read())
    # The test client raises what any other request of the process raised meanwhile.
    response = Client(raise_request_exception=False).get(f"/at/sync_view/{inner}/")
    record("nested", "inner", marker, _outer_of(response.content.decode()))
    pause(marker)
    record("nested", "after", marker, subject.read())
    return HttpResponse("ok")


async def async_nested(request: HttpRequest, marker: str) -> HttpResponse:
    inner = f"{marker}.inner"
    record("async_nested", "before", marker, subject.read())
    response = await AsyncClient(raise_request_exception=False).get(f"/at/async_view/{inner}/")
    record("async_nested", "inner", marker, _outer_of(response.content.decode()))
    await apause(marker)
    record("async_nested", "after", marker, subject.read())
    return HttpResponse("ok")


def _outer_of(inner: str) -> str:
    return inner.removesuffix(".inner") if inner.endswith(".inner") else f"inner read {inner!r}"
