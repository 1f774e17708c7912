"""A Django of its own, each time with another request log that writes lines to a file.

Run by `request_logs` as a process, since these packages want settings of the whole process. Prints
the seconds of CPU time per request, by subject, all rounds, as JSON.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import django
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import JsonResponse
from django.urls import path

from .rounds import Effort, Subject, cpu_seconds, measure

FOLDER = Path(tempfile.mkdtemp(prefix="request-logs-"))
OURS = "holdfast.django.middleware."

plain_log = logging.getLogger("plain")


def hello(request: Any) -> JsonResponse:
    return JsonResponse({"hello": "world"})


async def ahello(request: Any) -> JsonResponse:
    return JsonResponse({"hello": "world"})


urlpatterns = [path("api/", hello), path("aapi/", ahello)]


class PlainLog:
    """What projects write for themselves: one line by `logging`, at once."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self.is_async:
            return self.respond(request)
        began = time.perf_counter()
        response = self.get_response(request)
        self.write(request, response, began)
        return response

    async def respond(self, request: Any) -> Any:
        began = time.perf_counter()
        response = await self.get_response(request)
        self.write(request, response, began)
        return response

    def write(self, request: Any, response: Any, began: float) -> None:
        plain_log.info(
            "%s %s %s %.6f %s %s",
            request.method,
            request.get_full_path(),
            response.status_code,
            time.perf_counter() - began,
            request.META.get("REMOTE_ADDR"),
            request.META.get("HTTP_USER_AGENT"),
        )


#: Name -> middleware, and whether the plain wrapper stands around Django.
SUBJECTS: dict[str, tuple[list[str], str]] = {
    "bare Django": ([], ""),
    "bare Django, once more": ([], ""),
    "holdfast RequestScope": ([OURS + "RequestScope"], "RequestScope"),
    "holdfast RequestLog": ([OURS + "RequestLog"], "RequestLog"),
    "holdfast RequestLog, wrapper alone": ([], "RequestLog"),
    "a plain logging middleware": ([f"{__name__}.PlainLog"], ""),
    "django-guid": (["django_guid.middleware.guid_middleware"], ""),
    "django-request-logging": (["request_logging.middleware.LoggingMiddleware"], ""),
    "django-structlog": (["django_structlog.middlewares.RequestMiddleware"], ""),
    "drf-api-logger": (
        ["drf_api_logger.middleware.api_logger_middleware.APILoggerMiddleware"],
        "",
    ),
}


def set_up() -> None:
    settings.configure(
        SECRET_KEY="only for benchmarks",  # noqa: S106
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["holdfast.django", "django_guid", "django_structlog"],
        USE_TZ=True,
        LOGGING_CONFIG=None,
        DRF_API_LOGGER_SIGNAL=True,
        DRF_API_LOGGER_DATABASE=False,
        HOLDFAST={"LOG": {"OUTPUT": f"file:{FOLDER / 'holdfast.log'}"}},
    )
    form = "%(asctime)s %(name)s %(levelname)s %(message)s"
    logging.basicConfig(filename=FOLDER / "others.log", level=logging.INFO, format=form)
    logging.getLogger("django.request").setLevel(logging.INFO)
    django.setup()
    import structlog
    from drf_api_logger import API_LOGGER_SIGNAL

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    API_LOGGER_SIGNAL.listen += lambda **data: plain_log.info("%s", data)


def wsgi_subject(name: str) -> Subject:
    import holdfast.wsgi

    middleware, wrapper = SUBJECTS[name]
    settings.MIDDLEWARE = middleware
    application: Any = WSGIHandler()
    if wrapper:
        application = getattr(holdfast.wsgi, wrapper)(application)
    template: dict[str, Any] = {}
    setup_testing_defaults(template)
    template |= {"PATH_INFO": "/api/", "REMOTE_ADDR": "127.0.0.1"}
    template["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101"

    def start_response(*_: Any) -> None:
        pass

    def requests(count: int) -> float:
        begun = cpu_seconds()
        for _ in range(count):
            environ = dict(template)
            environ["wsgi.input"] = io.BytesIO()
            body = application(environ, start_response)
            for _chunk in body:
                pass
            body.close()
        holdfast.log.flush()  # the lines are written, and that is counted
        return cpu_seconds() - begun

    return Subject(name, requests)


def asgi_subject(name: str, runner: asyncio.Runner) -> Subject:
    import holdfast.asgi

    middleware, wrapper = SUBJECTS[name]
    settings.MIDDLEWARE = middleware
    application: Any = ASGIHandler()
    if wrapper:
        application = getattr(holdfast.asgi, wrapper)(application)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/aapi/",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)")],
        "client": ("127.0.0.1", 4711),
    }

    async def one() -> None:
        asked = [{"type": "http.request", "body": b""}]
        gone = asyncio.Event()

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            pass

        await application(dict(scope), receive, send)

    async def many(count: int) -> None:
        for _ in range(count):
            # A task each, as servers give them.
            await asyncio.create_task(one())

    def requests(count: int) -> float:
        begun = cpu_seconds()
        runner.run(many(count))
        holdfast.log.flush()
        return cpu_seconds() - begun

    return Subject(name, requests)


def main(seed: int, *, quick: bool) -> None:
    """Measure everything, and print it."""
    set_up()
    effort = Effort.least(seed) if quick else Effort.full(seed)
    longer = Effort(effort.rounds, effort.sample_seconds * 4, seed, quick=quick)
    found = {"wsgi": measure([wsgi_subject(name) for name in SUBJECTS], longer).seconds}
    with asyncio.Runner() as runner:
        subjects = [asgi_subject(name, runner) for name in SUBJECTS]
        found["asgi"] = measure(
            subjects, Effort(effort.rounds, effort.sample_seconds * 12, seed, quick=quick)
        ).seconds
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), quick=sys.argv[2:] == ["--quick"])
