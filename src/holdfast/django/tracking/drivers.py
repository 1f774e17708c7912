"""What only the database's driver knows about a connection."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)
from django.db.backends.base.base import BaseDatabaseWrapper

#: The server itself said so: what was asked for was not done.
_SAID_BY_SERVER = (DataError, IntegrityError, InternalError, NotSupportedError, ProgrammingError)


def in_transaction(connection: BaseDatabaseWrapper) -> bool | None:
    """Whether a transaction is open; None, where the driver doesn't tell."""
    driver: Any = connection.connection
    if driver is None:
        return False
    if connection.vendor == "sqlite":
        return bool(driver.in_transaction)
    if connection.vendor == "postgresql":
        info = getattr(driver, "info", None)
        status = getattr(info, "transaction_status", None)
        return None if status is None else int(status) != 0
    return None


def begins_none(connection: BaseDatabaseWrapper, text: str) -> bool:
    """Whether *text* is executed outside of any transaction although Django's autocommit is off.

    On SQLite, that only has Python's driver begin one before statements that begin with certain
    words. All others commit by themselves.
    """
    if connection.vendor != "sqlite" or connection.autocommit or in_transaction(connection):
        return False
    return _BEGINS_ONE.match(text) is None


#: As the driver looks at it: past blanks and comments.
_BEGINS_ONE = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*(?:INSERT|UPDATE|DELETE|REPLACE)", re.IGNORECASE | re.DOTALL
)


def was_refused(connection: BaseDatabaseWrapper, error: BaseException) -> bool:
    """Whether *error* says that what was sent was not done; False, where nobody can tell.

    A connection that is lost while the server works on a COMMIT says nothing about the COMMIT.
    """
    if isinstance(error, _SAID_BY_SERVER):
        return True
    if connection.vendor == "sqlite":
        return True  # there is no server, and no connection to be lost
    if connection.vendor == "postgresql":
        driver: Any = connection.connection
        if driver is None or driver.closed or getattr(driver, "broken", False):
            return False
        # The server answered, and is ready for what comes next.
        return in_transaction(connection) is not None and isinstance(error, Exception)
    return False


def may_be_at_it(connection: BaseDatabaseWrapper, *, is_one: bool) -> bool:
    """Whether the server may be at work still on what the driver has just executed.

    psycopg doesn't wait for answers in its pipeline mode. MySQL's drivers wait for the first answer
    of several, which is all there is to one statement.
    """
    if connection.vendor == "postgresql":
        driver: Any = connection.connection
        sent = getattr(driver, "pgconn", None)
        return bool(getattr(sent, "pipeline_status", 0))
    return connection.vendor == "mysql" and not is_one


def is_reading(connection: BaseDatabaseWrapper) -> bool:
    """Whether the rows of an earlier query are still being fetched, so that its snapshot goes on.

    That is so on SQLite, where all statements of a connection share one snapshot until the last one
    is done. It doesn't let a function be replaced meanwhile, and that is how it is found out.
    """
    if connection.vendor != "sqlite":
        return False
    driver: Any = connection.connection
    try:
        driver.create_function("holdfast_is_reading", 0, _nothing)
    except sqlite3.OperationalError:
        return True
    return False


def _nothing() -> None:
    return None


def isolates(connection: BaseDatabaseWrapper) -> bool:
    """Whether all queries of a transaction read from one snapshot, as its settings say.

    Asks PostgreSQL, whose default may be set for a user or a database.
    """
    level: Any = getattr(connection, "isolation_level", None)
    if connection.vendor == "postgresql":
        if level is not None and getattr(level, "name", "") not in (
            "READ_COMMITTED",
            "READ_UNCOMMITTED",
        ):
            return True
        driver: Any = connection.connection
        with driver.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            return cursor.fetchone()[0] not in ("read committed", "read uncommitted")
    if connection.vendor == "mysql":
        return level not in ("read committed", "read uncommitted")
    return True


def reads_uncommitted(connection: BaseDatabaseWrapper) -> bool:
    """Whether queries may see what others have written, and may yet take back."""
    level = getattr(connection, "isolation_level", None)
    return connection.vendor == "mysql" and level == "read uncommitted"


def is_replica(connection: BaseDatabaseWrapper) -> bool:
    """Whether the database itself says that it follows another one."""
    if connection.vendor != "postgresql":
        return False
    driver: Any = connection.connection
    with driver.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        return bool(cursor.fetchone()[0])
