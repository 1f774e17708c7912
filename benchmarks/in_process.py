"""A whole request, without a server: what a layer adds, down to tenths of microseconds."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, MutableMapping
from contextvars import Context
from typing import Any
from wsgiref.util import setup_testing_defaults

import flask
import starlette.applications
import starlette.responses
import starlette.routing
from starlette_context.middleware import RawContextMiddleware

import holdfast

from . import django_site
from .report import Part, Row, Table, at_most, microseconds
from .rounds import Effort, Measured, Subject, cpu_seconds, measure

NAME = "in-process"

BARE, AGAIN = "bare Django", "bare Django, once more"
BOTH, MIDDLEWARE = "holdfast, wrapper and middleware", "holdfast, middleware alone"

_NOTE = (
    "`once more` is the same thing twice: what it adds is what this table can't tell from nothing."
)


def run(effort: Effort) -> Part:
    """Measure Django with each layer, then other frameworks with theirs."""
    part = Part(NAME, "A whole request, in process")
    # A tenth of a microsecond counts here, beside a request of forty: twice the rounds.
    longer = Effort(2 * effort.rounds, effort.sample_seconds * 3, effort.seed, quick=effort.quick)

    wsgi = measure(
        [
            Subject(layer, _calling(django_site.wsgi_application(layer), layer))
            for layer in django_site.LAYERS
        ],
        longer,
    )
    part.tables.append(_table("Django under WSGI", wsgi, BARE))
    for layer in (BOTH, MIDDLEWARE):
        text = f"{layer}: at most 3 µs more than bare Django, WSGI in process"
        part.goals.append(at_most(text, wsgi.beyond(layer, BARE), 3e-6, _micro))

    others = measure(
        [
            Subject("a WSGI function", _calling(_hello_wsgi)),
            Subject(
                "+ holdfast.wsgi.RequestScope", _calling(holdfast.wsgi.RequestScope(_hello_wsgi))
            ),
            Subject("Flask, which has g", _calling(_flask())),
            Subject("Flask + holdfast", _calling(holdfast.wsgi.RequestScope(_flask()))),
        ],
        effort,
    )
    part.tables.append(_table("Without Django, under WSGI", others, "a WSGI function"))

    with asyncio.Runner() as runner:
        part.tables += _asgi(effort, runner)
    return part


def _asgi(effort: Effort, runner: asyncio.Runner) -> list[Table]:
    # Ten times as long a request, and threads in it: longer samples.
    longer = Effort(effort.rounds, effort.sample_seconds * 12, effort.seed, quick=effort.quick)
    django = measure(
        [
            Subject(
                layer,
                _awaiting(django_site.asgi_application(layer), runner, layer, path="/async/"),
            )
            for layer in django_site.LAYERS
        ],
        longer,
    )
    scoped = holdfast.asgi.RequestScope
    others = measure(
        [
            Subject("an ASGI function", _awaiting(_hello_asgi, runner)),
            Subject("+ holdfast.asgi.RequestScope", _awaiting(scoped(_hello_asgi), runner)),
            Subject("+ starlette-context", _awaiting(RawContextMiddleware(_hello_asgi), runner)),
            Subject("Starlette", _awaiting(_starlette(), runner)),
            Subject("Starlette + holdfast", _awaiting(scoped(_starlette()), runner)),
            Subject(
                "Starlette + starlette-context",
                _awaiting(RawContextMiddleware(_starlette()), runner),
            ),
        ],
        effort,
    )
    return [
        _table("Django under ASGI", django, BARE),
        _table("Without Django, under ASGI", others, "an ASGI function"),
    ]


def _table(title: str, measured: Measured, floor: str) -> Table:
    table = Table(title, ("µs", f"µs more than {floor}"), note=_NOTE if floor is BARE else "")
    for name in measured.seconds:
        beyond = "" if name == floor else microseconds(measured.beyond(name, floor), signed=True)
        each = microseconds(measured.each(name))
        table.rows.append(Row(name, (each, beyond), "holdfast" in name))
    return table


def _micro(spread: Any) -> str:
    return f"{microseconds(spread, signed=True)} µs"


def _calling(application: Callable[..., Any], layer: str = "") -> Callable[[int], float]:
    """Calls a WSGI application as a server does, to the close() of the body."""
    template: dict[str, Any] = {}
    setup_testing_defaults(template)

    def start_response(*_: Any) -> None:
        pass

    def requests(count: int) -> float:
        start = cpu_seconds()
        for _ in range(count):
            environ = dict(template)
            environ["wsgi.input"] = io.BytesIO()
            body = application(environ, start_response)
            for _chunk in body:
                pass
            if hasattr(body, "close"):
                body.close()
        return cpu_seconds() - start

    def sample(count: int) -> float:
        with_guid = layer == "django-guid"
        if with_guid:
            django_site.hear_guid(listen=True)
        try:
            return Context().run(requests, count)
        finally:
            if with_guid:
                django_site.hear_guid(listen=False)

    return sample


def _awaiting(
    application: Callable[..., Any], runner: asyncio.Runner, layer: str = "", path: str = "/"
) -> Callable[[int], float]:
    """Awaits an ASGI application as a server does: in a task for each request."""
    template: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }

    async def send(message: MutableMapping[str, Any]) -> None:
        pass

    def receiver() -> Callable[[], Any]:
        messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in messages:
                return message
            await asyncio.Event().wait()  # a client that stays
            raise AssertionError

        return receive

    async def requests(count: int) -> float:
        loop = asyncio.get_running_loop()
        start = cpu_seconds()
        for _ in range(count):
            await loop.create_task(application(dict(template), receiver(), send))
        return cpu_seconds() - start

    def sample(count: int) -> float:
        with_guid = layer == "django-guid"
        if with_guid:
            django_site.hear_guid(listen=True)
        try:
            return runner.run(requests(count), context=Context())
        finally:
            if with_guid:
                django_site.hear_guid(listen=False)

    return sample


def _hello_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


async def _hello_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def _flask() -> Callable[..., Any]:
    application = flask.Flask("benchmarks.in_process")

    @application.get("/")
    def hello() -> str:
        flask.g.user = "alice"
        return "hello"

    return application


def _starlette() -> Any:
    async def hello(request: Any) -> Any:
        return starlette.responses.PlainTextResponse("hello")

    return starlette.applications.Starlette(routes=[starlette.routing.Route("/", hello)])
