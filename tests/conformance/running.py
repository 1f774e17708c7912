"""Starts a server as its own process on a free port, and stops it, whatever happened."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.testing.ports import free_port
from tests.conformance.servers import TARGET, Server

START_SECONDS = 30.0
STOP_SECONDS = 6.0


class ServerDidNotStartError(Exception):
    """The server ended, or did not accept connections in time; the message ends with its log."""


@dataclass
class Running:
    """A server that accepts connections."""

    server: Server
    port: int
    log: Path
    records: Path
    process: "subprocess.Popen[bytes]"


def environment_of(server: Server, subject: str, folder: Path, seed: int) -> dict[str, str]:
    """What tells the target in its process whom it tests, and where to write."""
    environment = {
        **os.environ,
        **server.environment,
        "PYTHONPATH": os.pathsep.join([str(TARGET.parent), *filter(None, sys.path)]),
        "DJANGO_SETTINGS_MODULE": "target.settings",
        "CONFORMANCE_SUBJECT": subject,
        "CONFORMANCE_RECORDS": str(folder / "records"),
        "CONFORMANCE_DATABASE": str(folder / "database.sqlite3"),
        "CONFORMANCE_SEED": str(seed),
    }
    # A scope that only the garbage collector closed says so; see Outcome.noise.
    environment["PYTHONWARNINGS"] = "always:The request:ResourceWarning"
    return environment


@contextmanager
def running(
    server: Server,
    subject: str,
    folder: Path,
    seed: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run `server` on the target with `subject`; its log and its records go to `folder`.

    `environment`: variables beside and in place of the target's.
    """
    port, log, records = free_port(), folder / "server.log", folder / "records"
    fill = {
        "port": port,
        "app": server.application,
        "log": log,
        "bin": Path(sys.executable).parent,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(**fill) for part in server.command],
            env={**environment_of(server, subject, folder, seed), **(environment or {})},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_it_accepts(process, port, log)
        yield Running(server, port, log, records, process)
    finally:
        _stop(process)


def _wait_until_it_accepts(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.03)
        else:
            return
    raise ServerDidNotStartError(log.read_text(errors="replace")[-2000:])


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # The session has only the server and its workers in it, which we started.
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            if number == signal.SIGTERM:
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
