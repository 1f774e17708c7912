"""Starts a plot's server, and asks it without the probe: is the fault one, and is health health?"""

import http.client
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg

from holdfast.testing.ports import free_port
from tests.probe.garden.plots import GROUND, Plot
from tests.services.postgres import running_postgres
from tests.services.redis import running_redis

UPSTREAM_SECONDS = 0.2
START_SECONDS = 60.0
STOCK = "CREATE TABLE stock (id integer PRIMARY KEY, pieces integer)"
FILL = "INSERT INTO stock VALUES (1, 100000)"


class _Slow(BaseHTTPRequestHandler):
    """Whoever asks waits: somebody else's service."""

    def do_GET(self) -> None:
        time.sleep(UPSTREAM_SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"7")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Upstream(ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True


@contextmanager
def services(plots: list[Plot]) -> Iterator[Mapping[str, str]]:
    """What the shop asks, until the block ends: variables that say where it is."""
    needs = {need for plot in plots for need in plot.needs}
    found = {}
    with ExitStack() as stack:
        upstream = _Upstream(("127.0.0.1", 0), _Slow)
        stack.callback(upstream.server_close)
        stack.callback(upstream.shutdown)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        found["SHOP_UPSTREAM"] = f"http://127.0.0.1:{upstream.server_port}/"
        if "redis" in needs:
            found["SHOP_REDIS"] = stack.enter_context(running_redis()).url
        if "postgresql" in needs:
            found["SHOP_POSTGRES"] = stack.enter_context(running_postgres())
            with psycopg.connect(found["SHOP_POSTGRES"]) as connection:
                connection.execute(STOCK)
                connection.execute(FILL)
        yield found


def environment_of(plot: Plot, given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The variables that the plot's server runs with; its files are in *folder*."""
    database = folder / "shop.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute(STOCK)
        connection.execute(FILL)
    connection.close()
    found = {
        **os.environ,
        **given,
        "SHOP_DATABASE": str(database),
        "SHOP_FOLDER": str(folder),
        "SHOP_MIDDLEWARE": plot.middleware,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYTHONDONTWRITEBYTECODE": "1",
        **plot.environment,
    }
    if "postgresql" not in plot.needs:
        found.pop("SHOP_POSTGRES", None)
    found.pop("PYTHONPATH", None)
    return found


def command_of(plot: Plot, port: int) -> list[str]:
    """As a user types it, with a port of its own."""
    fill = {"port": port, "bin": Path(sys.executable).parent}
    return [word.format(**fill) for word in plot.command]


@dataclass(frozen=True)
class Bare:
    """What users see without any probe. Seconds."""

    alone: float
    wall: float
    failed: int

    @property
    def times(self) -> float:
        """How many times as long as one alone."""
        return self.wall / self.alone


def bare(plot: Plot, given: Mapping[str, str], folder: Path) -> Bare:
    """Start its server, ask alone, then all users at once, and stop it."""
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command_of(plot, port),
            env=environment_of(plot, given, folder),
            cwd=GROUND,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(server, port, plot, folder / "server.log")
        alone = statistics.median(_ask(port, plot)[0] for _ in range(3))
        return _together(port, plot, alone)
    finally:
        end(server)


def end(process: "subprocess.Popen[Any]") -> None:
    """As one would, and what it leaves behind by force: its session is its own."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for(server: "subprocess.Popen[bytes]", port: int, plot: Plot, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            _ask(port, plot)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{plot.name}: the server did not come up:\n{log.read_text()[-2000:]}")


def _together(port: int, plot: Plot, alone: float) -> Bare:
    start, failed = threading.Barrier(plot.users + 1), []

    def user() -> None:
        start.wait()
        try:
            _, status = _ask(port, plot)
        except OSError:
            status = 0
        if status != 200:
            failed.append(status)

    users = [threading.Thread(target=user) for _ in range(plot.users)]
    for each in users:
        each.start()
    start.wait()
    begun = time.monotonic()
    for each in users:
        each.join()
    return Bare(alone, time.monotonic() - begun, len(failed))


def _ask(port: int, plot: Plot) -> tuple[float, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.monotonic()
    try:
        connection.request("GET", plot.path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return time.monotonic() - begun, answer.status
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
