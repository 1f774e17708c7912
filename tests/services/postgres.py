"""A real PostgreSQL for tests: temporary, on a free loopback port, gone afterwards."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.ports import free_port


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Where an empty PostgreSQL listens: `postgresql://holdfast@127.0.0.1:port/postgres`.

    Tests that want it say `@pytest.mark.needs("postgresql")`, so that they are skipped, and not
    failed, where it is missing.
    """
    with running_postgres() as url:
        yield url


@contextlib.contextmanager
def running_postgres(patience: float = 30) -> Iterator[str]:
    """Run a server of its own until the block ends, and give its URL.

    It keeps nothing safe from a crash (fsync is off), asks for no password and listens on
    127.0.0.1 only. As root, who may not run it, it runs as `postgres` or `nobody`.

    Raises RuntimeError if it doesn't answer within *patience* seconds.
    """
    programs = _programs()
    user = _unprivileged_user()
    # Not below pytest's own folder, which other users can't enter.
    folder = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        _make_cluster(programs, folder, user)
        port = free_port()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *(programs / "postgres", "-D", folder / "data", "-p", str(port), "-F"),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                    *("-c", "max_connections=50", "-c", "shared_buffers=16MB"),
                ],
                stdout=log,
                stderr=log,
                cwd=folder,
                **_as(user),
            )
        try:
            _wait_until_ready(programs, server, port, folder / "log", patience)
            yield f"postgresql://holdfast@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # the fast shutdown: clients are sent away
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.send_signal(signal.SIGQUIT)
                server.wait()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """The folder of the newest server programs."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda program: float(program.parent.parent.name),
    )
    if not found:
        raise RuntimeError("PostgreSQL's server programs are missing: apt-get install postgresql")
    return found[-1].parent


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _make_cluster(programs: Path, folder: Path, user: str | None) -> None:
    made = subprocess.run(
        [
            *(programs / "initdb", "-D", folder / "data", "--username=holdfast", "--auth=trust"),
            *("--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"),
        ],
        capture_output=True,
        check=False,
        cwd=folder,
        **_as(user),
    )
    if made.returncode != 0:
        raise RuntimeError(f"initdb failed: {made.stderr.decode()}")


def _wait_until_ready(
    programs: Path, server: subprocess.Popen[bytes], port: int, log: Path, patience: float
) -> None:
    deadline = time.monotonic() + patience
    question = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(question, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not come up: {log.read_text()}")
        time.sleep(0.05)
