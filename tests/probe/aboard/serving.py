"""Starts real servers with the observers aboard, asks them, and reads what was written."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.aboard import environment
from holdfast.probe import events
from holdfast.probe.change import Change
from holdfast.testing.ports import free_port

SITES = Path(__file__).parent / "sites"
STARTS_WITHIN = 40.0
ANSWERS_WITHIN = 60.0


@dataclass
class Serving:
    """A server that is up, with the observers aboard."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    log: Path
    asked: list[str] = field(default_factory=list)

    def ask(self, path: str = "/", name: str | None = None) -> tuple[int, str]:
        """Status and body; *name* is the header's value, by default one of its own."""
        if name is None:
            name = f"run-0-{len(self.asked)}"
            self.asked.append(name)
        headers = {events.HEADER: name} if name else {}
        one = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(one, timeout=ANSWERS_WITHIN) as answer:  # noqa: S310 - of our own
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def together(self, users: int, path: str = "/") -> list[tuple[int, str]]:
        """So many at once."""
        names = [f"run-{user}-0" for user in range(users)]
        with ThreadPoolExecutor(users) as pool:
            return list(pool.map(lambda name: self.ask(path, name), names))

    def written(self) -> list[events.Event]:
        return list(events.read(self.folder))

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.written() if isinstance(one, kind)]

    def spans(self, kind: str) -> list[events.Span]:
        return [one for one in self.of(events.Span) if one.kind == kind]

    def served(self, count: int) -> list[events.Served]:
        """All that were served, once there are *count* of them."""
        return self.until(lambda: self.of(events.Served), lambda found: len(found) >= count)

    def until(self, look: Callable[[], Any], enough: Callable[[Any], object]) -> Any:
        """What *look* finds once it is *enough*."""
        deadline = time.monotonic() + 15
        while True:
            found = look()
            if enough(found):
                return found
            assert time.monotonic() < deadline, (found, self.of(events.Trouble), self.printed())
            time.sleep(0.03)

    def printed(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


def command_of(name: str, port: int, app: str) -> tuple[str, ...]:
    """How the server *name* is started on *app* (`module:name`)."""
    address = f"127.0.0.1:{port}"
    module = (sys.executable, "-m")
    gunicorn = (*module, "gunicorn", "--no-control-socket", f"--bind={address}")
    uvicorn = (*module, "uvicorn", "--host=127.0.0.1", f"--port={port}", "--lifespan=off")
    granian = (*module, "granian", "--host=127.0.0.1", f"--port={port}")
    uwsgi = (
        *(str(Path(sys.executable).parent / "uwsgi"), f"--http-socket={address}"),
        *("--master", "--die-on-term", "--need-app", f"--module={app}"),
    )
    return {
        "gunicorn": (*gunicorn, app),
        "gunicorn-gthread": (*gunicorn, "-k=gthread", "--threads=4", app),
        "gunicorn-preload": (*gunicorn, "--preload", "-w=2", app),
        "gunicorn-gevent": (*gunicorn, "-k=gevent", app),
        "gunicorn-gevent-pywsgi": (*gunicorn, "-k=gevent_pywsgi", app),
        "gunicorn-tornado": (*gunicorn, "-k=tornado", app),
        "gunicorn-asgi": (*gunicorn, "-k=asgi", app),
        "uvicorn-worker": (*gunicorn, "-k=uvicorn_worker.UvicornWorker", app),
        "uvicorn": (*uvicorn, "--loop=uvloop", app),
        "uvicorn-asyncio": (*uvicorn, "--loop=asyncio", "--http=h11", app),
        "uvicorn-wsgi": (*uvicorn, "--interface=wsgi", app),
        "uvicorn-workers": (*uvicorn, "--workers=2", app),
        "uvicorn-reload": (*uvicorn, "--reload", app),
        "hypercorn": (*module, "hypercorn", f"--bind={address}", app),
        "hypercorn-wsgi": (*module, "hypercorn", f"--bind={address}", f"wsgi:{app}"),
        "granian": (*granian, "--interface=asginl", app),
        "granian-wsgi": (*granian, "--interface=wsgi", app),
        "daphne": (*module, "daphne", "-b", "127.0.0.1", "-p", f"{port}", app),
        "waitress": (*module, "waitress", f"--listen={address}", app),
        "uwsgi": uwsgi,
        "uwsgi-threads": (*uwsgi, "--enable-threads", "--threads=4"),
        "runserver": (*module, "django", "runserver", "--noreload", address),
        "runserver-reload": (*module, "django", "runserver", address),
        "eventlet": (*module, "serve_eventlet", f"{port}", app),
        "wsgiref": (*module, "serve_wsgiref", f"{port}", app),
    }[name]


@contextmanager
def serving(  # noqa: PLR0913 - a server has many sides
    name: str | Callable[[int], Sequence[str]],
    app: str,
    folder: Path,
    *,
    change: Change | None = None,
    observe: bool = True,
    markers: str = "",
    variables: Mapping[str, str] | None = None,
    root: Path = SITES,
    path: str = "/",
) -> Iterator[Serving]:
    """The server *name* (or its command, for a port) on *app*, until the end of the block."""
    port = free_port()
    written, log = folder / "run", folder / "server.log"
    written.mkdir(exist_ok=True)
    command = command_of(name, port, app) if isinstance(name, str) else name(port)
    if not Path(command[0]).exists():
        pytest.skip(f"{Path(command[0]).name} is not installed")  # uWSGI, which has no wheels
    told: dict[str, object] = {
        "folder": str(written),
        "roots": [str(root)],
        "run": "run",
        "markers": markers,
        "change": (change or Change()).as_settings(),
        "observe": observe,
    }
    inherited = {**os.environ, "PYTHONPATH": str(root), **(variables or {})}
    inherited.setdefault("DJANGO_SETTINGS_MODULE", "django_site")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment({"holdfast.probe.aboard": told}, inherited),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        found = Serving(port, written, process, log)
        _wait(found)
        yield found
    finally:
        stop(process)


def _wait(one: Serving) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and one.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", one.port), timeout=1).close()
        except OSError:
            time.sleep(0.03)
        else:
            return
    raise AssertionError(one.printed())


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End it, and whatever it started: they are alone in their session."""
    process.terminate()
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(8)
