"""System checks: is the request scope where it has to be?"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.dispatch import Signal
from django.urls import URLPattern, URLResolver, get_resolver

from .. import asgi, startup, wsgi
from ..configuration import ConfigurationError, validated
from ..startup import Problem

MIDDLEWARE = "holdfast.django.middleware.RequestScope"
LOG_MIDDLEWARE = "holdfast.django.middleware.RequestLog"


def settings_problem() -> str | None:
    """What is wrong with the setting `HOLDFAST`, or None."""
    try:
        validated(getattr(settings, "HOLDFAST", {}))
    except ConfigurationError as error:
        return str(error)
    return None


def unusable_setting() -> Iterator[Problem]:
    """The same for `holdfast.startup_problems()`: servers don't run Django's checks (E001)."""
    problem = settings_problem()
    if problem is not None:
        yield Problem("E001", problem, "Nothing of HOLDFAST is applied until it is mended.")


@checks.register("holdfast")
def check_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.E001`, `W006`: the setting HOLDFAST can't be used, or is hardly what was meant."""
    from . import setting_faults  # servers don't run checks

    errors = [checks.Error(fault, id="holdfast.E001") for fault in setting_faults.errors()]
    if errors:
        return [*errors]
    return [checks.Warning(doubt, id="holdfast.W006") for doubt in setting_faults.doubts()]


@checks.register("holdfast")
def check_middleware(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.W002`, `W003`: the middleware is not first, or not there."""
    middleware = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in middleware:
        if middleware[:1] == [LOG_MIDDLEWARE]:
            return []  # it does what the other one does
        return [
            checks.Warning(
                "holdfast.request will not be Django's request: the middleware is not in"
                " MIDDLEWARE.",
                hint=f'Put "{MIDDLEWARE}" first in MIDDLEWARE.',
                id="holdfast.W003",
            )
        ]
    if middleware[0] != MIDDLEWARE:
        return [
            checks.Warning(
                f"{middleware[0]} stands above {MIDDLEWARE}: it and those below it, down to"
                " holdfast's, see no holdfast.request, and can replace its response.",
                hint=f'Put "{MIDDLEWARE}" first in MIDDLEWARE.',
                id="holdfast.W002",
            )
        ]
    return []


@checks.register("holdfast")
def check_wrapper(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.W001`: only the middleware opens scopes."""
    if MIDDLEWARE not in settings.MIDDLEWARE or is_wrapped():
        return []
    return [
        checks.Warning(
            "Only the middleware opens request scopes: code outside of it, some ends of streamed"
            " responses and requests that never reach it have none.",
            hint=(
                "In wsgi.py write application = holdfast.wsgi.RequestScope(application), in asgi.py"
                " application = holdfast.asgi.RequestScope(application); or silence this check."
            ),
            id="holdfast.W001",
        )
    ]


def is_wrapped() -> bool:
    """Whether importing the project's wsgi.py or asgi.py, as a server does, makes a wrapper."""
    named = {
        getattr(settings, "WSGI_APPLICATION", None),
        getattr(settings, "ASGI_APPLICATION", None),
    }
    modules = {name.rpartition(".")[0] for name in named if name}
    package = str(settings.ROOT_URLCONF).rpartition(".")[0]
    if package:
        modules |= {f"{package}.wsgi", f"{package}.asgi"}
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112, BLE001 - what is wrong there is another check's business
            continue
    return bool(wsgi.wrappers or asgi.wrappers)


@checks.register("holdfast")
def check_log(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """`holdfast.W004`: only the middleware writes the request log."""
    if LOG_MIDDLEWARE not in settings.MIDDLEWARE:
        return []
    from ..asgi.request_log import RequestLog as AsgiRequestLog
    from ..wsgi.request_log import RequestLog

    is_wrapped()  # imports the applications
    made = [*wsgi.wrappers, *asgi.wrappers]
    if any(isinstance(wrapper, RequestLog | AsgiRequestLog) for wrapper in made):
        return []
    return [
        checks.Warning(
            "Only the middleware writes the request log: requests that never reach it have no"
            " event, and a client that leaves while the answer is sent is noticed for streams"
            " only.",
            hint=(
                "In wsgi.py write application = holdfast.wsgi.RequestLog(application), in asgi.py"
                " application = holdfast.asgi.RequestLog(application); or silence this check."
            ),
            id="holdfast.W004",
        )
    ]


@checks.register("holdfast")
def check_process(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.W101` and up: what `holdfast.startup_problems()` finds in this process."""
    return [
        checks.Warning(problem.message, hint=problem.hint, id=f"holdfast.{problem.code}")
        for problem in startup.startup_problems()
        if problem.code[0] == "W"  # errors have checks of their own
    ]


@checks.register("holdfast")
def check_tracking(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """`holdfast.W301`: processes that only write are not watched."""
    _views()  # imports them
    start = sys.modules.get("holdfast.django.tracking.start")
    if start is None or not start.begun_by:
        return []
    return [
        checks.Warning(
            f"{start.begun_by[0]} is used, and HOLDFAST['CACHE']['TRACKING'] is not set: a process"
            " that imports no cached view or query, such as a command or a queue's worker, writes"
            " unseen, and old results are served after it.",
            hint="Set HOLDFAST = {'CACHE': {'TRACKING': True}}.",
            id="holdfast.W301",
        )
    ]


def async_code_under_green_threads() -> Iterator[Problem]:
    """Async views and receivers, where green threads serve requests (W103)."""
    patched_by = startup.green_threads()
    if patched_by is None:
        return
    found = [*(f"the view {name}" for name in _async_views()), *_async_receivers()]
    for what in found:
        yield Problem(
            "W103",
            f"{what[0].upper()}{what[1:]} is async, and {patched_by} runs this process: an event"
            " loop belongs to the whole thread, so overlapping requests fail with 'You cannot use"
            " AsyncToSync in the same thread as an async event loop'.",
            "Make it sync, or serve it with an ASGI server.",
        )


def _async_views() -> list[str]:
    # as_view() marks the async ones, too.
    return sorted({entry.lookup_str for entry in _views() if iscoroutinefunction(entry.callback)})


def _views() -> list[URLPattern]:
    try:
        return list(_views_below(get_resolver()))
    except (ImproperlyConfigured, ImportError):
        return []  # no URLconf, or a broken one, which Django's own checks report


def _views_below(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _views_below(entry)
        elif isinstance(entry, URLPattern):
            yield entry


def _async_receivers() -> list[str]:
    # The signals that every request sends.
    from django.core import signals

    found = []
    for name in ("request_started", "request_finished", "got_request_exception"):
        signal: Signal = getattr(signals, name)
        for receiver in signal._live_receivers(None)[1]:  # noqa: SLF001 - no public list of them
            found.append(f"the receiver {receiver.__qualname__} of {name}")
    return found
