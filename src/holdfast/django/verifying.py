"""The database part of the shadow reader: reading what a result is made of as it was at one moment.

A transaction on each database concerned, which reads from one snapshot where the database can do
that, may not write where it can be kept from it, and is rolled back in any case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connections, transaction
from django.db.models import QuerySet

from ..cache.comparing import Incomparable
from .tracking.names import identity_of
from .tracking.settings import replicas

_REPEATABLE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
#: What makes a transaction one that reads from a snapshot, and only reads: before its BEGIN, as its
#: first statement, and after its end.
_BEFORE = {"mysql": _REPEATABLE, "sqlite": "PRAGMA query_only = ON"}
_WITHIN = {
    "oracle": "SET TRANSACTION READ ONLY",
    "postgresql": _REPEATABLE,
    # SQLite's snapshot begins with the first look at the file.
    "sqlite": "SELECT count(*) FROM sqlite_master",
}
_AFTER = {"sqlite": "PRAGMA query_only = OFF"}


@contextmanager
def snapshot(tags: Collection[bytes]) -> Iterator[None]:
    """A moment of all databases that a result with these tags was made from.

    Raises:
        Incomparable: this thread's connections are in use.
    """
    with ExitStack() as block:
        for alias in _concerned(tags):
            block.enter_context(_of_one(alias))
        yield


@asynccontextmanager
async def async_snapshot(tags: Collection[bytes]) -> AsyncIterator[None]:
    """The same for the ORM's async methods: in a thread of its own, whose connections end with it.

    Without that, all queries of other tasks would be part of the transaction.
    """
    async with ThreadSensitiveContext():
        block = snapshot(tags)
        await sync_to_async(block.__enter__)()
        try:
            yield
        finally:
            await sync_to_async(_leave)(block)


def _leave(block: Any) -> None:
    try:
        block.__exit__(None, None, None)
    finally:
        connections.close_all()


def _concerned(tags: Collection[bytes]) -> list[str]:
    """Aliases of the databases whose rows are among the tags; else, of all that are no replicas."""
    aliases = [
        alias
        for alias in connections
        if alias not in replicas() and connections[alias].vendor != _NONE
    ]
    named = {tag[: tag.index(b"/") + 1] for tag in tags if tag.startswith(b"d:") and b"/" in tag}
    found = [
        alias for alias in aliases if f"d:{identity_of(connections[alias])}/".encode() in named
    ]
    return found or aliases


#: The vendor of Django's stand-in for a database, where the settings have none.
_NONE = "unknown"


@contextmanager
def _of_one(alias: str) -> Iterator[None]:
    connection: Any = connections[alias]
    connection.ensure_connection()
    if connection.in_atomic_block or not connection.get_autocommit():
        raise Incomparable("this thread's connection to the database was in a transaction already")
    vendor = connection.vendor
    # SQLite's may be set to lock others out at BEGIN.
    mode = getattr(connection, "transaction_mode", None)
    try:
        connection.transaction_mode = None
        _tell(connection, _BEFORE.get(vendor))
        with transaction.atomic(using=alias):
            _tell(connection, _WITHIN.get(vendor))
            try:
                with connection.cursor() as cursor:
                    # In the way of all queries, so that the tracking knows when it began.
                    suffix = getattr(connection.features, "bare_select_suffix", "")
                    cursor.execute(f"SELECT 1{suffix}")
                yield
            finally:
                transaction.set_rollback(True, using=alias)
    finally:
        connection.transaction_mode = mode
        if connection.connection is not None:
            _tell(connection, _AFTER.get(vendor))


def _tell(connection: Any, statement: str | None) -> None:
    """Execute it past all that looks at queries."""
    if statement is not None:
        with connection.wrap_database_errors, closing(connection.create_cursor()) as cursor:
            cursor.execute(statement)


def rows_of(value: Any) -> Any:
    """A queryset, as what it found."""
    return list(value) if isinstance(value, QuerySet) else NotImplemented
