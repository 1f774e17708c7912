"""The smallest Django site, with one middleware or another around it.

Nothing but the handlers and one view: every microsecond that is added shows. Used in process, and
by way of `django_wsgi` and `django_asgi`, under real servers.
"""

from __future__ import annotations

import concurrent.futures
import logging
import os
import resource
import threading
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

LAYER_VARIABLE = "HOLDFAST_BENCHMARK_LAYER"

#: What stands around Django: middleware, and whether the wrapper is there as well.
LAYERS: dict[str, tuple[list[str], bool]] = {
    "bare Django": ([], False),
    "bare Django, once more": ([], False),
    "holdfast, wrapper and middleware": (["holdfast.django.middleware.RequestScope"], True),
    "holdfast, middleware alone": (["holdfast.django.middleware.RequestScope"], False),
    "holdfast, wrapper alone": ([], True),
    "django-crum": (["crum.CurrentRequestUserMiddleware"], False),
    "django-guid": (["django_guid.middleware.guid_middleware"], False),
}


class Hops:
    """How often code of this process went to another thread, and how many threads that took."""

    def __init__(self) -> None:
        self.jobs = 0
        self.threads = 0

    def count(self) -> None:
        """Count from now on. Each way to another thread costs a little more then: for all alike."""
        submit, start = concurrent.futures.ThreadPoolExecutor.submit, threading.Thread.start

        def counted_submit(*args: Any, **kwargs: Any) -> Any:
            self.jobs += 1
            return submit(*args, **kwargs)

        def counted_start(thread: threading.Thread) -> None:
            self.threads += 1
            start(thread)

        concurrent.futures.ThreadPoolExecutor.submit = counted_submit  # type: ignore[method-assign]
        threading.Thread.start = counted_start  # type: ignore[method-assign, assignment]


hops = Hops()


def hello(request: HttpRequest) -> HttpResponse:
    """The view under WSGI."""
    return HttpResponse("hello")


async def hello_async(request: HttpRequest) -> HttpResponse:
    """The view under ASGI."""
    return HttpResponse("hello")


def counted(request: HttpRequest) -> HttpResponse:
    """What was counted in this process."""
    # Of all threads, those that have ended, too.
    switches = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    return JsonResponse({"jobs": hops.jobs, "threads": hops.threads, "switches": switches})


async def counted_async(request: HttpRequest) -> HttpResponse:
    """The same under ASGI."""
    return counted(request)


urlpatterns = [
    path("", hello),
    path("async/", hello_async),
    path("counted/", counted),
    path("async/counted/", counted_async),
]


def set_up() -> None:
    """Configure Django, once in a process."""
    if settings.configured:
        return
    logging.getLogger().setLevel(logging.WARNING)
    settings.configure(
        SECRET_KEY="only for benchmarks",  # noqa: S106
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["holdfast.django", "django_guid"],
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()
    # It listens to a signal, in every layer of this process; each sample says whether it does.
    hear_guid(listen=False)


def hear_guid(*, listen: bool) -> None:
    """Have django-guid's receiver called at the end of requests, or not."""
    from django_guid.signals import clear_guid

    if listen:
        request_finished.connect(clear_guid)
    else:
        request_finished.disconnect(clear_guid)


def wsgi_application(layer: str) -> Callable[..., Any]:
    """Django under WSGI with what the layer adds."""
    import holdfast

    application: Any = _handler(WSGIHandler, layer)
    return holdfast.wsgi.RequestScope(application) if LAYERS[layer][1] else application


def asgi_application(layer: str) -> Callable[..., Any]:
    """Django under ASGI with what the layer adds."""
    import holdfast

    application: Any = _handler(ASGIHandler, layer)
    return holdfast.asgi.RequestScope(application) if LAYERS[layer][1] else application


def _handler(kind: Callable[[], Any], layer: str) -> Any:
    set_up()
    settings.MIDDLEWARE = LAYERS[layer][0]
    return kind()  # reads the setting


def served(make: Callable[[str], Callable[..., Any]]) -> Callable[..., Any]:
    """The application that a server process serves: its layer stands in the environment."""
    layer = os.environ[LAYER_VARIABLE]
    application = make(layer)
    hear_guid(listen=layer == "django-guid")
    hops.count()
    return application
