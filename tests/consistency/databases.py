"""The database under test: a PostgreSQL of its own, or a file of SQLite, journalled either way.

What the harness asks a database for itself goes past Django, so that no cache takes part in it.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.services.postgres import running_postgres

POSTGRESQL = "postgresql"
#: Readers beside a writer (WAL), or waiting for it (the rollback journal); transactions that take
#: the lock at BEGIN, or deferred ones, which are refused where another wrote since they read.
SQLITE = {
    "sqlite": ("wal", "IMMEDIATE"),
    "sqlite-deferred": ("wal", "DEFERRED"),
    "sqlite-rollback": ("delete", "IMMEDIATE"),
    "sqlite-rollback-deferred": ("delete", "DEFERRED"),
}
DATABASES = (POSTGRESQL, *SQLITE)

#: Seconds that SQLite waits for its lock: longer than any stop of whoever has it.
WAIT = 20.0
FILE = "library.sqlite3"
LOCKS = "locks"


@contextlib.contextmanager
def running(name: str, isolation: str, folder: Path) -> Iterator[dict[str, Any]]:
    """That database until the block ends; what Django's settings say of it."""
    if name == POSTGRESQL:
        with running_postgres() as url:
            yield _postgresql(url, isolation)
        return
    journal, mode = SQLITE[name]
    yield {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": folder / FILE,
        "OPTIONS": {
            "timeout": WAIT,
            "transaction_mode": mode,
            # Nothing has to outlive the machine: a kill is no loss of power.
            "init_command": f"PRAGMA journal_mode={journal}; PRAGMA synchronous=OFF",
        },
    }


def _postgresql(url: str, isolation: str) -> dict[str, Any]:
    where = urlsplit(url)
    options: dict[str, Any] = {"options": "-c lock_timeout=3000"}
    if isolation == "rr":
        from psycopg import IsolationLevel

        options["isolation_level"] = IsolationLevel.REPEATABLE_READ
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": where.path[1:],
        "HOST": where.hostname,
        "PORT": where.port,
        "USER": where.username,
        "OPTIONS": options,
    }


class Asked(Protocol):
    """What the harness asks of the database that Django is connected to."""

    def lock(self, numbers: Iterable[int]) -> set[int]:
        """Take those locks that nobody else has; which these are.

        They go with the process, when all that the database was told to do is done or never will
        be.
        """
        ...

    def unlock(self, numbers: Iterable[int]) -> None:
        """Let them go."""
        ...

    def rows(self, sql: str, numbers: Iterable[int]) -> list[tuple[Any, ...]]:
        """What a query finds; in its text, `{these}` stands for: one of *numbers*."""
        ...


def asked() -> Asked:
    """Of the default connection."""
    from django.db import connection

    connection.ensure_connection()
    if connection.vendor == "postgresql":
        return _PostgreSQL(connection.connection)
    return _SQLite(connection.connection, Path(connection.settings_dict["NAME"]).parent / LOCKS)


class _PostgreSQL:
    """Locks are advisory ones of the session."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def lock(self, numbers: Iterable[int]) -> set[int]:
        sql = "SELECT n, pg_try_advisory_lock(n) FROM unnest(%s::bigint[]) n"
        return {number for number, held in self._ask(sql, numbers) if held}

    def unlock(self, numbers: Iterable[int]) -> None:
        self._ask("SELECT n, pg_advisory_unlock(n) FROM unnest(%s::bigint[]) n", numbers)

    def rows(self, sql: str, numbers: Iterable[int]) -> list[tuple[Any, ...]]:
        return self._ask(sql.replace("{these}", "= ANY(%s)"), numbers)

    def _ask(self, sql: str, numbers: Iterable[int]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(sql, [list(numbers)]).fetchall()
        return rows


class _SQLite:
    """Locks are bytes of a file, locked by the process: there is no server to go on without it.

    In each process one thread writes, so it is the writer's.
    """

    def __init__(self, connection: Any, locks: Path) -> None:
        self._connection = connection
        self._locks = locks

    def lock(self, numbers: Iterable[int]) -> set[int]:
        descriptor = _opened(self._locks)
        held = set()
        for number in numbers:
            with contextlib.suppress(BlockingIOError):
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
                held.add(number)
        return held

    def unlock(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            fcntl.lockf(_opened(self._locks), fcntl.LOCK_UN, 1, number)

    def rows(self, sql: str, numbers: Iterable[int]) -> list[tuple[Any, ...]]:
        sql = sql.replace("{these}", "IN (SELECT value FROM json_each(?))")
        rows: list[tuple[Any, ...]] = self._connection.execute(
            sql, [json.dumps(list(numbers))]
        ).fetchall()
        return rows


# Opened once in a process and never closed: closing any would let all locks go.
_descriptors: dict[Path, int] = {}
os.register_at_fork(after_in_child=_descriptors.clear)


def _opened(path: Path) -> int:
    if path not in _descriptors:
        _descriptors[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    return _descriptors[path]
