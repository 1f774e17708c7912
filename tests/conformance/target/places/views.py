"""Views, and what Django calls on a view's behalf: templates, signal receivers, on_commit."""

from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from target import subject
from target.gates import apause, pause
from target.record import record

plain_signal = Signal()
awaited_signal = Signal()


def sync_view(request: HttpRequest, marker: str) -> HttpResponse:
    for part in ("first", "second", "third"):
        pause(marker)
        record("sync_view", part, marker, subject.read())
    return HttpResponse(subject.read() or "")


async def async_view(request: HttpRequest, marker: str) -> HttpResponse:
    for part in ("first", "second", "third"):
        await apause(marker)
        record("async_view", part, marker, subject.read())
    return HttpResponse(subject.read() or "")


def template(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    rendered = render_to_string("marker.html").strip()
    record("template", "tag", marker, rendered)
    return HttpResponse(rendered)


def signal(request: HttpRequest, marker: str) -> HttpResponse:
    pause(marker)
    plain_signal.send(sender=None, own=marker)
    return HttpResponse("ok")


async def async_signal(request: HttpRequest, marker: str) -> HttpResponse:
    await apause(marker)
    await awaited_signal.asend(sender=None, own=marker)
    return HttpResponse("ok")


def on_commit(request: HttpRequest, marker: str) -> HttpResponse:
    with transaction.atomic():
        transaction.on_commit(lambda: record("on_commit", "callback", marker, subject.read()))
        pause(marker)
    return HttpResponse("ok")


def _sync_receiver(sender: Any, own: str, **_: Any) -> None:
    record("signal", "receiver", own, subject.read())


def _sync_receiver_of_asend(sender: Any, own: str, **_: Any) -> None:
    record("async_signal", "sync receiver", own, subject.read())


async def _async_receiver(sender: Any, own: str, **_: Any) -> None:
    await apause(own)
    record("async_signal", "async receiver", own, subject.read())


plain_signal.connect(_sync_receiver)
awaited_signal.connect(_sync_receiver_of_asend)
awaited_signal.connect(_async_receiver)
