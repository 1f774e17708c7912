"""The servers that the demo can run, each with two workers where it has workers."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

DEFAULT = "gunicorn-gevent"
#: Seconds for which a connection may be idle: on a busy machine, users take their time.
KEEP_ALIVE = "60"


@dataclass(frozen=True)
class Application:
    """What is served: `newsroom` is served as `newsroom.wsgi` or `newsroom.asgi`."""

    wsgi: str
    asgi: str
    #: The configuration that Gunicorn is given, relative to example/.
    gunicorn_conf: str


@dataclass(frozen=True)
class Server:
    """How to start one kind of server."""

    name: str
    is_async: bool
    needs: tuple[str, ...]
    arguments: Callable[[str, str, int], list[str]]

    def command(self, application: Application, port: int) -> list[str]:
        """The command line that serves *application* at 127.0.0.1:*port*."""
        target = f"{application.asgi if self.is_async else application.wsgi}:application"
        return self.arguments(target, application.gunicorn_conf, port)

    def missing(self) -> list[str]:
        """The Python packages that it needs and that are not installed."""
        return [package for package in self.needs if find_spec(package) is None]


def _gunicorn(*options: str) -> Callable[[str, str, int], list[str]]:
    def arguments(target: str, conf: str, port: int) -> list[str]:
        return [
            *(sys.executable, "-m", "gunicorn", "--workers", "2", *options, "--config", conf),
            *("--no-control-socket", "--worker-tmp-dir", _memory()),
            *("--bind", f"127.0.0.1:{port}", "--graceful-timeout", "3"),
            *("--keep-alive", KEEP_ALIVE, target),
        ]

    return arguments


def _memory() -> str:
    # Gunicorn's workers touch a file each second; on a slow disk that can stall them.
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(Path.cwd())  # noqa: S108


def _uvicorn(target: str, conf: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "uvicorn", "--workers", "2", "--lifespan", "off"),
        *("--timeout-keep-alive", KEEP_ALIVE),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", target),
    ]


def _daphne(target: str, conf: str, port: int) -> list[str]:
    return [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", target]


def _hypercorn(target: str, conf: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "hypercorn", "--workers", "2"),
        *("--keep-alive", KEEP_ALIVE, "--bind", f"127.0.0.1:{port}", target),
    ]


def _granian(interface: str, *options: str) -> Callable[[str, str, int], list[str]]:
    def arguments(target: str, conf: str, port: int) -> list[str]:
        return [
            *(
                sys.executable,
                "-m",
                "granian",
                "--interface",
                interface,
                "--workers",
                "2",
                *options,
            ),
            *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", target),
        ]

    return arguments


def _waitress(target: str, conf: str, port: int) -> list[str]:
    return [sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--threads=8", target]


#: What state is shared on: so many workers that chance alone rarely finds the right one. They are
#: forked from one that has imported everything, as that is four times as fast.
FOUR_WORKERS = Server(
    "gunicorn -w 4",
    False,
    ("gunicorn",),
    _gunicorn("-k", "gthread", "--threads=4", "-w", "4", "--preload"),
)
#: One worker with an event loop, so that all users meet in it.
ONE_LOOP = Server(
    "gunicorn -k uvicorn_worker.UvicornWorker",
    True,
    ("gunicorn", "uvicorn_worker"),
    _gunicorn("-k", "uvicorn_worker.UvicornWorker", "-w", "1"),
)
SERVERS = {
    server.name: server
    for server in (
        Server(DEFAULT, False, ("gunicorn", "gevent"), _gunicorn("-k", "gevent")),
        Server("gunicorn-gthread", False, ("gunicorn",), _gunicorn("-k", "gthread", "--threads=8")),
        Server("gunicorn-sync", False, ("gunicorn",), _gunicorn("-k", "sync")),
        Server("gunicorn-asgi", True, ("gunicorn",), _gunicorn("-k", "asgi")),
        Server("uvicorn", True, ("uvicorn",), _uvicorn),
        Server(
            "uvicorn-worker",
            True,
            ("gunicorn", "uvicorn_worker"),
            _gunicorn("-k", "uvicorn_worker.UvicornWorker"),
        ),
        Server("daphne", True, ("daphne",), _daphne),
        Server("hypercorn", True, ("hypercorn",), _hypercorn),
        Server("granian", True, ("granian",), _granian("asginl")),
        Server("granian-wsgi", False, ("granian",), _granian("wsgi", "--blocking-threads", "8")),
        Server("waitress", False, ("waitress",), _waitress),
    )
}
