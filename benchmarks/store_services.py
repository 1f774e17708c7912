"""The servers that stores are measured on: on unix sockets, for one run, ended by their id."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_READY_WITHIN_SECONDS = 10.0

# Gunicorn's stash lives in the arbiter of its "dirty" workers. It needs neither these workers nor
# an application, and its clients no more than the path of its socket.
_ARBITER = """
import os
import sys
from gunicorn.config import Config
from gunicorn.dirty.arbiter import DirtyArbiter
from gunicorn.glogging import Logger
config = Config()
config.set("dirty_workers", 0)
config.set("loglevel", "error")
arbiter = DirtyArbiter(config, Logger(config), sys.argv[1])
arbiter.ppid = os.getppid()  # it ends when that one does
arbiter.run()
"""


@dataclass(frozen=True)
class Places:
    """Where each store is to be.

    Attributes:
        folder: for whatever lies in files.
        sockets: of the servers that run, by name: redis, memcached, stash.
    """

    folder: Path
    sockets: dict[str, str]


@contextlib.contextmanager
def running() -> Iterator[Places]:
    """All servers that this machine has, until the block ends."""
    # Short, for a unix socket's path may have no more than 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="hf-bench-"))
    started: list[subprocess.Popen[bytes]] = []
    try:
        sockets = {}
        for name, command in _commands(folder).items():
            path = str(folder / f"{name}.socket")
            process = subprocess.Popen(
                [*command, path],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            started.append(process)
            wait_for_socket(name, process, path)
            sockets[name] = path
        yield Places(folder, sockets)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _commands(folder: Path) -> dict[str, list[str]]:
    """How each server is started; the path of its socket follows."""
    commands = {}
    if redis := shutil.which("redis-server"):
        commands["redis"] = [redis, "--port", "0", "--save", "", "--unixsocket"]
    if memcached := shutil.which("memcached"):
        as_user = ["-u", "root"] if os.geteuid() == 0 else []
        commands["memcached"] = [memcached, *as_user, "-m", "256", "-t", "2", "-s"]
    if importlib.util.find_spec("gunicorn"):
        commands["stash"] = [sys.executable, "-c", _ARBITER]
    return commands


def wait_for_socket(name: str, process: subprocess.Popen[bytes], path: str) -> None:
    """Wait until the server listens there.

    Raises:
        RuntimeError: it has ended, or takes too long.
    """
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError:
                pass
            else:
                return
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} does not listen at {path}")
        time.sleep(0.01)
