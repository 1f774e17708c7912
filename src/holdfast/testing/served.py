"""A project, or one of its views, under a real server, for a test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .ports import free_port

#: Seconds that a server has for coming up, and then for ending.
STARTS_WITHIN = 30.0
ENDS_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Served:
    """A running server.

    Attributes:
        url: such as `http://127.0.0.1:40001`.
        pid: of the server's first process.
        log: where its output goes.
    """

    url: str
    pid: int
    log: Path


def _gunicorn(*worker: str) -> Callable[[str, int, int], list[str]]:
    def command(app: str, port: int, workers: int) -> list[str]:
        bind = f"--bind=127.0.0.1:{port}"
        return ["gunicorn", bind, f"--workers={workers}", "--graceful-timeout=2", *worker, app]

    return command


def _uvicorn(app: str, port: int, workers: int) -> list[str]:
    return ["uvicorn", "--host=127.0.0.1", f"--port={port}", f"--workers={workers}", app]


def _hypercorn(app: str, port: int, workers: int) -> list[str]:
    return ["hypercorn", f"--bind=127.0.0.1:{port}", f"--workers={workers}", app]


def _granian(interface: str) -> Callable[[str, int, int], list[str]]:
    def command(app: str, port: int, workers: int) -> list[str]:
        return [
            *("granian", f"--interface={interface}", "--host=127.0.0.1"),
            *(f"--port={port}", f"--workers={workers}", app),
        ]

    return command


def _daphne(app: str, port: int, workers: int) -> list[str]:
    _only_one("daphne", workers)
    return ["daphne", "-b", "127.0.0.1", "-p", str(port), app]


def _waitress(app: str, port: int, workers: int) -> list[str]:
    _only_one("waitress", workers)
    return ["waitress", f"--listen=127.0.0.1:{port}", app]


def _only_one(server: str, workers: int) -> None:
    if workers != 1:
        raise ValueError(f"{server} runs one process; workers={workers} can't be had")


#: Servers by name: the interface, and the command (a module, and its arguments).
SERVERS: Mapping[str, tuple[str, Callable[[str, int, int], list[str]]]] = {
    "gunicorn": ("wsgi", _gunicorn()),
    "gunicorn-gthread": ("wsgi", _gunicorn("--worker-class=gthread", "--threads=8")),
    "gunicorn-gevent": ("wsgi", _gunicorn("--worker-class=gevent")),
    "gunicorn-uvicorn": ("asgi", _gunicorn("--worker-class=uvicorn_worker.UvicornWorker")),
    "uvicorn": ("asgi", _uvicorn),
    "hypercorn": ("asgi", _hypercorn),
    "daphne": ("asgi", _daphne),
    "granian": ("asgi", _granian("asgi")),
    "granian-wsgi": ("wsgi", _granian("wsgi")),
    "waitress": ("wsgi", _waitress),
}

_PROJECT = """\
import django
django.setup()
from django.core.{interface} import get_{interface}_application
application = get_{interface}_application()
"""
_ONE_VIEW = """\
import django
django.setup()
from django.conf import settings
from django.urls import path, re_path
from django.utils.module_loading import import_string
view = import_string({view!r})
if isinstance(view, type):
    view = view.as_view()
urlpatterns = [path("", view), re_path(r"^(?:.*)$", view)]
settings.ROOT_URLCONF = __name__
from django.core.{interface} import get_{interface}_application
application = get_{interface}_application()
"""


@contextmanager
def served(  # noqa: PLR0913 - all but one are named
    server: str = "gunicorn",
    *,
    app: str = "",
    view: str = "",
    workers: int = 1,
    environment: Mapping[str, str] | None = None,
    python_path: Sequence[str] = (),
) -> Iterator[Served]:
    """Run an application under a real server while the block runs.

    Args:
        server: one of `SERVERS`; it has to be installed.
        app: such as `mysite.wsgi:application`; default: what Django makes of the settings.
        view: a dotted path to a view which then answers all URLs, with the project's settings and
            middleware. Not together with *app*.
        workers: how many processes.
        environment: variables to set for it.
        python_path: folders to import from, besides those of this process.

    Raises:
        ValueError: no such server, or what it was asked for can't be had.
        RuntimeError: it did not come up; the message ends with what it wrote.
    """
    if server not in SERVERS:
        raise ValueError(f"no server {server!r}; there are {', '.join(SERVERS)}")
    if app and view:
        raise ValueError("give app or view, not both")
    interface, command = SERVERS[server]
    with tempfile.TemporaryDirectory(prefix="holdfast-served-") as name:
        folder = Path(name)
        if not app:
            text = _ONE_VIEW if view else _PROJECT
            module = folder / "holdfast_served.py"
            module.write_text(text.format(interface=interface, view=view))
            app = "holdfast_served:application"
        port = free_port()
        log = folder / "server.log"
        inherited = [entry for entry in sys.path if entry]
        paths = [str(folder), *python_path, *inherited, str(Path.cwd())]
        process = _started(
            [sys.executable, "-m", *command(app, port, workers)],
            log,
            {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(paths)},
        )
        try:
            _wait_for(port, process, log)
            yield Served(f"http://127.0.0.1:{port}", process.pid, log)
        finally:
            _end(process)


def _started(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        # A session of its own, so that its workers can be ended with it.
        return subprocess.Popen(  # noqa: S603 - a command of SERVERS
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a worker answers: that somebody listens says nothing of the application."""
    until = time.monotonic() + STARTS_WITHIN
    while not _answers(port):
        ended = process.poll() is not None
        if ended or time.monotonic() > until:
            said = log.read_text(errors="replace")[-2000:]
            what = "ended at once" if ended else f"did not answer within {STARTS_WITHIN:.0f} s"
            raise RuntimeError(f"the server {what}; it wrote:\n{said}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    """Whether what is no request is answered. The application doesn't get to see it."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"?\r\n\r\n")
            return bool(connection.recv(1))
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        pass
    # Workers that outlive their parent are in its session.
    with _gone():
        os.killpg(process.pid, 9)
    process.wait()


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        pass
