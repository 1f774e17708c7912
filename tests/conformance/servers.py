"""The columns of the matrix: each server, how it is started, and which rows it cannot have."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.conformance.places import BY_NAME, PLACES, Place

TARGET = Path(__file__).parent / "target"

GREEN = "asyncio's running loop belongs to the thread, so async code fails among its greenlets"
NO_ACCESS_LOG = "it writes no access log from Python"
LOG_AFTERWARDS = "it writes the line after the application has returned: the request is over"
LATE_CLOSE = "it writes the line after it has closed the response: the request is over"
NO_PIPELINE = "it does not serve pipelined requests"
ONE_AT_A_TIME = "it serves one request at a time"
DATABASE = "Django's connections, made before the patch, refuse every greenlet but one"
ALONE = "with more than one worker, only the places that need no second request are visited"
CARRY_ENDS = "with CARRY, work that outlives its request does not keep its values; use carry()"
ABOVE = "without the wrapper there is no request above the middleware"
VIEW_RUNS_ON = "Django cancels the middleware at once, while the view's thread runs on"
EXITS = "the worker exits on a BaseException"
IN_A_LOOP = "it calls WSGI applications from its event loop, where async_to_sync refuses to work"
COROUTINES = [place.name for place in PLACES if place.runs == "async"]


@dataclass(frozen=True)
class Server:
    """One column. `{port}`, `{app}` in `command` are filled in when it is started."""

    name: str
    title: str
    interface: str  # "wsgi", "asgi" or "client"
    command: tuple[str, ...]
    packages: tuple[str, ...] = ()  # distributions that it needs, for the skip and for the docs
    green: str = ""  # the kind of greenlets that its requests are
    together: int = 8  # how many requests it works on at a time
    keeps_failed: bool = False  # keeps requests that failed in mid-body, with any subject
    keeps: bool = True  # connections for further requests
    workers: int = 1
    family: str = ""  # the table that it stands in
    app: str = ""
    wrapped: bool = True  # by holdfast.wsgi or holdfast.asgi
    only: frozenset[str] = frozenset()  # if not empty: the rows that are visited
    absent: Mapping[str, str] = field(default_factory=dict)  # row -> why it has none
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table that it stands in."""
        if self.family:
            return self.family
        if self.interface == "asgi":
            return ASGI
        return GUNICORN if "gunicorn" in self.packages else OTHER_WSGI

    @property
    def application(self) -> str:
        return self.app or f"target.{self.interface}:application"

    def why_not(self, place: Place) -> str | None:
        """Why this server has no such row, or None where it has one."""
        if place.name in self.absent:
            return self.absent[place.name]
        if self.only and place.name not in self.only:
            return ALONE if self.workers > 1 else "not a place of a plain application"
        if place.only_asgi and self.interface == "wsgi":
            return place.only_asgi
        if place.runs == "async" and self.green:
            return GREEN
        if place.runs in ("gevent", "eventlet") and self.green != place.runs:
            return f"no {place.runs} here"
        return None

    def rows(self) -> list[str]:
        """The rows that this server must pass."""
        return [name for name, place in BY_NAME.items() if self.why_not(place) is None]


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


def _gunicorn(*arguments: str) -> tuple[str, ...]:
    return _module(
        "gunicorn",
        "--no-control-socket",
        "--bind=127.0.0.1:{port}",
        "--access-logfile=-",
        "--graceful-timeout=2",
        *arguments,
        "{app}",
    )


def _uvicorn(*arguments: str) -> tuple[str, ...]:
    return _module(
        "uvicorn", "--host=127.0.0.1", "--port={port}", "--lifespan=off", *arguments, "{app}"
    )


GUNICORN, OTHER_WSGI, ASGI = "Gunicorn's WSGI workers", "Other WSGI servers", "ASGI servers"
TWO_WORKERS = frozenset(
    {
        *("sync_view", "async_view", "outside", "inside", "template", "signal", "on_commit"),
        *("stream", "async_stream", "file_close", "stream_error", "sync_to_async_free"),
        *("create_task", "thread", "executor", "outlives_thread", "nested", "error"),
        *("request_finished", "closed", "leftover"),
    }
)

PLAIN_EVERYWHERE = ("error", "post", "pipelined", "closed", "leftover", "access_log")
PLAIN = {
    "wsgi": frozenset(
        {
            *("sync_view", "stream", "stream_error", "stream_left", "thread"),
            *PLAIN_EVERYWHERE,
        }
    ),
    "asgi": frozenset(
        {
            *("async_view", "async_stream", "async_stream_error", "to_thread", "create_task"),
            *("run_in_executor", *PLAIN_EVERYWHERE),
        }
    ),
}


def _plain(server: Server) -> Server:
    """The same server, with an application that knows no framework."""
    return replace(
        server,
        name=f"{server.name}-plain",
        title=f"{server.title}, plain application",
        family="Plain applications, without Django",
        app=f"target.plain_{server.interface}:application",
        only=PLAIN[server.interface],
    )


def _carrying(server: Server) -> Server:
    """The same server, with the setting that makes carry() unnecessary."""
    return replace(
        server,
        name=f"{server.name}-carry",
        title=f"{server.title}, setting CARRY instead of carry()",
        family="With the setting CARRY instead of carry()",
        absent={
            **server.absent,
            "bare_thread": "with CARRY, each thread belongs to the request that started it",
            **dict.fromkeys(("outlives_thread", "outlives_task", "gevent_outlives"), CARRY_ENDS),
        },
        environment={"CONFORMANCE_CARRY": "threads executors greenlets"},
    )


def _middleware_only(server: Server, absent: Mapping[str, str]) -> Server:
    """The same server, without the wrapper around the application."""
    return replace(
        server,
        name=f"{server.name}-middleware",
        title=f"{server.title}, middleware without wrapper",
        family="The Django middleware without the wrapper",
        wrapped=False,
        absent={**server.absent, **absent},
    )


_SERVERS: tuple[Server, ...] = (
    Server(
        "sync",
        "gunicorn sync",
        "wsgi",
        _gunicorn("-k", "sync"),
        ("gunicorn",),
        together=1,
        absent={"pipelined": NO_PIPELINE},
    ),
    Server(
        "gthread",
        "gunicorn gthread",
        "wsgi",
        _gunicorn("-k", "gthread", "--threads=8"),
        ("gunicorn",),
        absent={"base_error": EXITS},
    ),
    Server(
        "gthread-2-workers",
        "gunicorn gthread, 2 workers",
        "wsgi",
        _gunicorn("-k", "gthread", "--threads=8", "-w", "2"),
        ("gunicorn",),
        workers=2,
        only=TWO_WORKERS,
    ),
    Server(
        "gevent",
        "gunicorn gevent",
        "wsgi",
        _gunicorn("-k", "gevent"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
    ),
    Server(
        "gevent-preload",
        "gunicorn gevent --preload",
        "wsgi",
        _gunicorn("-k", "gevent", "--preload"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
        absent={"on_commit": DATABASE},
    ),
    Server(
        "gevent-early",
        "gunicorn gevent, imported before the patch",
        "wsgi",
        _gunicorn("-k", "gevent", "-c", "python:target.early_gevent"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
    ),
    Server(
        "gevent-2-workers",
        "gunicorn gevent, 2 workers",
        "wsgi",
        _gunicorn("-k", "gevent", "-w", "2"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
        workers=2,
        only=TWO_WORKERS,
    ),
    Server(
        "gevent-wsgi",
        "gunicorn gevent_wsgi",
        "wsgi",
        _gunicorn("-k", "gevent_wsgi"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
        absent={"access_log": LATE_CLOSE},
    ),
    Server(
        "gevent-pywsgi",
        "gunicorn gevent_pywsgi",
        "wsgi",
        _gunicorn("-k", "gevent_pywsgi"),
        ("gunicorn", "gevent"),
        green="gevent",
        together=1000,
        absent={"access_log": LATE_CLOSE},
    ),
    Server(
        "tornado",
        "gunicorn tornado",
        "wsgi",
        _gunicorn("-k", "tornado"),
        ("gunicorn", "tornado"),
        together=1,
        absent={
            **dict.fromkeys([*COROUTINES, "on_commit"], IN_A_LOOP),
            "stream_head": "it does not answer HEAD on a stream",
            "access_log": LATE_CLOSE,
        },
    ),
    Server(
        "waitress",
        "waitress",
        "wsgi",
        _module("waitress", "--listen=127.0.0.1:{port}", "--threads=8", "{app}"),
        ("waitress",),
        absent={"access_log": NO_ACCESS_LOG},
    ),
    Server(
        "granian-wsgi",
        "granian (WSGI)",
        "wsgi",
        _module(
            "granian",
            *("--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}"),
            *("--blocking-threads", "8", "--access-log", "{app}"),
        ),
        ("granian",),
        absent={"access_log": LATE_CLOSE},
    ),
    Server(
        "uwsgi",
        "uWSGI, threads",
        "wsgi",
        (
            "{bin}/uwsgi",
            "--http-socket=127.0.0.1:{port}",
            *("--master", "--enable-threads", "--threads=8", "--die-on-term", "--need-app"),
            "--module={app}",
        ),
        ("uwsgi",),
        keeps=False,
        absent={"access_log": NO_ACCESS_LOG, "pipelined": NO_PIPELINE},
    ),
    Server(
        "uwsgi-gevent",
        "uWSGI --gevent, patched first",
        "wsgi",
        (
            "{bin}/uwsgi",
            "--http-socket=127.0.0.1:{port}",
            *("--master", "--enable-threads", "--gevent=100", "--die-on-term", "--need-app"),
            "--module={app}",
        ),
        ("uwsgi", "gevent"),
        green="gevent",
        together=64,
        app="target.wsgi_patched:application",
        keeps=False,
        absent={"access_log": NO_ACCESS_LOG, "pipelined": NO_PIPELINE},
    ),
    Server(
        "eventlet",
        "eventlet.wsgi",
        "wsgi",
        _module("target.serve_eventlet", "{port}"),
        ("eventlet",),
        green="eventlet",
        together=1000,
        absent={"access_log": LATE_CLOSE},
    ),
    Server(
        "runserver",
        "manage.py runserver",
        "wsgi",
        _module("django", "runserver", "--noreload", "127.0.0.1:{port}"),
    ),
    Server(
        "uvicorn",
        "uvicorn (uvloop, httptools)",
        "asgi",
        _uvicorn("--loop=uvloop", "--http=httptools"),
        ("uvicorn", "uvloop", "httptools"),
        together=1000,
    ),
    Server(
        "uvicorn-asyncio",
        "uvicorn (asyncio, h11)",
        "asgi",
        _uvicorn("--loop=asyncio", "--http=h11"),
        ("uvicorn", "h11"),
        together=1000,
    ),
    Server(
        "uvicorn-sync-middleware",
        "uvicorn, a sync middleware in the chain",
        "asgi",
        _uvicorn("--loop=asyncio", "--http=httptools"),
        ("uvicorn", "httptools"),
        together=1000,
        environment={"CONFORMANCE_CHAIN": "sync"},
    ),
    Server(
        "uvicorn-2-workers",
        "uvicorn, 2 workers",
        "asgi",
        _uvicorn("--workers=2"),
        ("uvicorn",),
        together=1000,
        workers=2,
        only=TWO_WORKERS,
    ),
    Server(
        "uvicorn-worker",
        "gunicorn with uvicorn's worker",
        "asgi",
        _gunicorn("-k", "uvicorn_worker.UvicornWorker"),
        ("gunicorn", "uvicorn-worker"),
        together=1000,
    ),
    Server(
        "gunicorn-asgi",
        "gunicorn asgi",
        "asgi",
        _gunicorn("-k", "asgi"),
        ("gunicorn",),
        together=1000,
        absent={"access_log": LOG_AFTERWARDS},
    ),
    Server(
        "daphne",
        "daphne",
        "asgi",
        _module("daphne", "-b", "127.0.0.1", "-p", "{port}", "--access-log={log}.access", "{app}"),
        ("daphne",),
        together=1000,
        keeps_failed=True,
    ),
    Server(
        "hypercorn",
        "hypercorn",
        "asgi",
        _module("hypercorn", "--bind=127.0.0.1:{port}", "--access-logfile=-", "{app}"),
        ("hypercorn",),
        together=1000,
    ),
    Server(
        "granian-asgi",
        "granian (ASGI)",
        "asgi",
        _module(
            "granian",
            *("--interface", "asginl", "--host", "127.0.0.1", "--port", "{port}"),
            *("--access-log", "{app}"),
        ),
        ("granian",),
        together=1000,
        absent={"access_log": LOG_AFTERWARDS},
    ),
)
TEST_CLIENT = Server(
    "test-client",
    "Django's test clients, sync and async",
    "client",
    _module("target.drive_client", "{jobs}", "{report}"),
    family=OTHER_WSGI,
    together=8,
    wrapped=False,
    absent={
        "outside": ABOVE,
        **dict.fromkeys(("access_log", "post", "pipelined"), "no server, no connection"),
        **{
            place.name: "the test client never leaves"
            for place in PLACES
            if place.how.startswith("leave")
        },
    },
)
_BY_ID = {server.name: server for server in _SERVERS}
SERVERS: tuple[Server, ...] = (
    *_SERVERS,
    TEST_CLIENT,
    *(_plain(_BY_ID[name]) for name in ("gthread", "gevent", "waitress", "granian-wsgi")),
    *(_plain(_BY_ID[name]) for name in ("uvicorn", "uvicorn-asyncio", "hypercorn", "granian-asgi")),
    *(_carrying(_BY_ID[name]) for name in ("gthread", "gevent", "eventlet", "uvicorn")),
    *(_middleware_only(_BY_ID[name], {}) for name in ("gthread", "gevent")),
    *(
        _middleware_only(
            _BY_ID[name],
            # What is read before anything is set is read above our middleware: there uvicorn's
            # pipelining shows the request before, while that one still ends.
            {
                "left_view": VIEW_RUNS_ON,
                **dict.fromkeys(("outside", "access_log", "leftover"), ABOVE),
            },
        )
        for name in ("uvicorn", "hypercorn")
    ),
)
BY_ID: dict[str, Server] = {server.name: server for server in SERVERS}
