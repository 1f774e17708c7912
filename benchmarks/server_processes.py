"""Real servers, each with the same site, and what they cost the processor."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.testing.ports import free_port

from . import load
from .django_site import LAYER_VARIABLE

_READY_WITHIN_SECONDS = 30.0
_GONE_WITHIN_SECONDS = 10.0

_GUNICORN = "gunicorn --bind 127.0.0.1:{port} --workers 1 --no-control-socket --log-level warning"
_GRANIAN = "granian --host 127.0.0.1 --port {port} --workers 1 --no-ws --log-level warning"


@dataclass(frozen=True)
class Server:
    """A server and how it is started.

    Attributes:
        name: what tables call it.
        command: the arguments of `python -m`, with `{port}`; the application follows.
        asgi: whether it serves ASGI, or else WSGI.
        at_once: how many requests it is given at once. One, where several threads would only
            compete for the interpreter's lock: that costs more than anything measured here.
        serves: what the server imports; None: the site that is all but empty.
    """

    name: str
    command: str
    asgi: bool
    at_once: int = 4
    serves: str | None = None

    @property
    def application(self) -> str:
        """What the server imports."""
        return self.serves or f"benchmarks.django_{'asgi' if self.asgi else 'wsgi'}:application"


SERVERS = (
    Server("gunicorn sync", f"{_GUNICORN} --worker-class sync", asgi=False),
    Server(
        "gunicorn gthread", f"{_GUNICORN} --worker-class gthread --threads 4", asgi=False, at_once=1
    ),
    Server("gunicorn gevent", f"{_GUNICORN} --worker-class gevent", asgi=False),
    Server("waitress", "waitress --listen=127.0.0.1:{port}", asgi=False, at_once=1),
    Server("granian wsgi", f"{_GRANIAN} --interface wsgi", asgi=False),
    Server(
        "uvicorn",
        "uvicorn --host 127.0.0.1 --port {port} --no-access-log --log-level warning --lifespan off",
        asgi=True,
    ),
    Server("uvicorn-worker", f"{_GUNICORN} --worker-class uvicorn_worker.UvicornWorker", asgi=True),
    Server("gunicorn asgi", f"{_GUNICORN} --worker-class asgi", asgi=True),
    Server("daphne", "daphne --bind 127.0.0.1 --port {port} --verbosity 0", asgi=True),
    Server("hypercorn", "hypercorn --bind 127.0.0.1:{port} --workers 1", asgi=True),
    Server("granian asgi", f"{_GRANIAN} --interface asginl", asgi=True),
)


@dataclass(frozen=True)
class Serving:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    port: int
    # Found once, when the server answers: its threads come and go, its processes stay.
    family: tuple[int, ...] = ()

    def cpu_seconds(self) -> float:
        """What all its processes and threads have used so far, those that have ended included.

        `/proc/<pid>/stat` says the same in steps of 10 ms; the clock of the process is exact.
        """
        return sum(time.clock_gettime(_cpu_clock_of(process)) for process in self.family)


def _cpu_clock_of(process: int) -> int:
    # What clock_getcpuclockid(3) computes on Linux: CPUCLOCK_SCHED of a whole process.
    return ((~process) << 3) | 2


def _family(process: int) -> Iterator[int]:
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has ended meanwhile
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


@dataclass(frozen=True)
class Site:
    """What a server is to serve.

    Attributes:
        application: what it imports, such as `benchmarks.django_asgi:application`.
        environment: variables for it.
        counts: an address that answers with JSON as soon as it is up.
    """

    application: str
    environment: Mapping[str, str]
    counts: str


@contextlib.contextmanager
def serving(server: Server, layers: list[str]) -> Iterator[dict[str, Serving]]:
    """Start *server* once for each layer, and stop all of them at the end."""
    counts = "/async/counted/" if server.asgi else "/counted/"
    sites = {layer: Site(server.application, {LAYER_VARIABLE: layer}, counts) for layer in layers}
    with serving_each(server, sites) as running:
        yield running


@contextlib.contextmanager
def serving_each(server: Server, sites: Mapping[str, Site]) -> Iterator[dict[str, Serving]]:
    """The same, once for each of *sites*."""
    with contextlib.ExitStack() as running:
        started = {name: running.enter_context(_started(server, sites[name])) for name in sites}
        yield {
            name: _ready(serving, server, sites[name], log)
            for name, (serving, log) in started.items()
        }


@contextlib.contextmanager
def _started(server: Server, site: Site) -> Iterator[tuple[Serving, Path]]:
    port = free_port()
    arguments = [*server.command.format(port=port).split(), site.application]
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **site.environment, "PYTHONHASHSEED": "0"},
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield Serving(process, port), Path(log.name)
        finally:
            _stop(process)


def _ready(serving: Serving, server: Server, site: Site, log: Path) -> Serving:
    give_up = time.monotonic() + _READY_WITHIN_SECONDS
    while True:
        try:
            load.get_json(serving.port, site.counts)
        except OSError as error:
            if serving.process.poll() is None and time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            raise RuntimeError(f"{server.name} did not start: {log.read_text()}") from error
        return replace(serving, family=tuple(_family(serving.process.pid)))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GONE_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    # Whatever of the family is left, and the server itself if it did not listen.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
