"""System checks: does middleware, or the handler, make every request switch threads?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from ... import asgi, wsgi
from .calling import doubt_of_class

_LOOK = "`manage.py holdfast stack` shows the whole chain, and what each switch costs."


def check_stack(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.W201` to `W203`, `I201`: what makes each request switch threads, or fail.

    Looks at the classes only: no middleware is made.
    """
    from ..checks import is_wrapped
    from . import application

    is_wrapped()  # imports wsgi.py and asgi.py, which make the wrappers that are asked below
    found = application.find()
    is_asgi = bool(getattr(settings, "ASGI_APPLICATION", None) or asgi.wrappers)
    messages: list[checks.CheckMessage] = []
    if is_asgi:
        messages += map(_sync_only, _those(lambda sync, async_: sync and not async_))
    if wsgi.wrappers:
        messages += map(_async_only, _those(lambda sync, async_: async_ and not sync))
    served = [kind for kind, is_served in ((True, is_asgi), (False, wsgi.wrappers)) if is_served]
    doubts = dict(each for is_async in served for each in _doubts(is_async=is_async))
    messages += [_wont_work(path, why) for path, why in doubts.items()]
    if is_asgi and found.problem is None and not found.ours:
        messages.append(_djangos_handler(found.where))
    return messages


def _those(chosen: Callable[[bool, bool], bool]) -> Iterator[str]:
    """The middleware whose abilities are *chosen*: sync, async."""
    for path in settings.MIDDLEWARE:
        try:
            factory = import_string(path)
        except ImportError:
            continue  # Django says so when it starts
        able = getattr(factory, "sync_capable", True), getattr(factory, "async_capable", False)
        if chosen(*able):
            yield path


def _doubts(*, is_async: bool) -> Iterator[tuple[str, str]]:
    """Classes that won't work as Django runs them, from the innermost on, and why."""
    for path in reversed(settings.MIDDLEWARE):
        try:
            factory = import_string(path)
        except ImportError:
            continue
        can_async = getattr(factory, "async_capable", False)
        # As in Django's loader.
        is_async = can_async and (is_async or not getattr(factory, "sync_capable", True))
        if isinstance(factory, type):
            why = doubt_of_class(factory, is_async=is_async, can_async=can_async)
            if why is not None:
                yield path, why


def _wont_work(path: str, why: str) -> checks.CheckMessage:
    return checks.Warning(f"{path} {why}", hint=_LOOK, id="holdfast.W203")


def _sync_only(path: str) -> checks.CheckMessage:
    return checks.Warning(
        f"{path} is sync only. Under ASGI it, and the middleware above it that can be both, run in"
        " a thread that is started for each request, which switches to it and back.",
        hint=(
            "Make it sync and async by nature: sync_capable = async_capable = True, and"
            f" markcoroutinefunction(self) where get_response is a coroutine function. {_LOOK}"
        ),
        id="holdfast.W201",
    )


def _async_only(path: str) -> checks.CheckMessage:
    return checks.Warning(
        f"{path} is async only. Under WSGI each request gets an event loop of its own for it, in a"
        " thread that is started for that; under gevent, overlapping requests fail.",
        hint=f"Let it run sync, too (sync_capable = True), or serve the site by ASGI. {_LOOK}",
        id="holdfast.W202",
    )


def _djangos_handler(where: str | None) -> checks.CheckMessage:
    return checks.Info(
        f"{where} is served by Django's own handler, which starts a thread for each request,"
        " also where nothing sync asks for one.",
        hint=(
            "In its module: from holdfast.django.asgi import get_asgi_application, in place of"
            f" Django's. {_LOOK}"
        ),
        id="holdfast.I201",
    )
