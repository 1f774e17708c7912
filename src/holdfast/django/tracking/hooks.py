"""Putting the tracking on Django's connections."""

from __future__ import annotations

import weakref
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .connections import TrackedConnection

_ATTRIBUTE = "_holdfast_tracked"


def watch_connections() -> None:
    """Put it on each connection of this thread, and on all that are opened from now on."""
    connection_created.connect(_created, dispatch_uid="holdfast.tracking")
    for connection in connections.all(initialized_only=True):
        watch(connection)


def watch(connection: BaseDatabaseWrapper) -> None:
    """Put it on one that is open already."""
    if connection.connection is not None and tracked(connection) is None:
        _install(connection)


def tracked(connection: BaseDatabaseWrapper) -> TrackedConnection | None:
    """What is known of *connection*; None, if it was never opened."""
    found: TrackedConnection | None = getattr(connection, _ATTRIBUTE, None)
    return found


def _created(sender: type[BaseDatabaseWrapper], connection: Any, **kwargs: Any) -> None:
    known = tracked(connection)
    if known is None:
        _install(connection)
    else:
        known.reconnected(connection)


def _install(connection: Any) -> None:
    """Replace what Django calls at the end of a transaction, on this connection alone.

    Nothing here holds on to the connection: it ends with its thread, and not when a collector comes
    by. So the methods are looked up in its class again, where they are called.
    """
    known = TrackedConnection(connection)
    setattr(connection, _ATTRIBUTE, known)
    # The outermost: it sees the text before others add their comments to it.
    connection.execute_wrappers.insert(0, known.execute)
    reference = weakref.ref(connection)
    kind: Any = type(connection)

    def commit() -> Any:
        here: Any = reference()
        return known.committing(here, lambda: kind._commit(here))

    def rollback() -> Any:
        return known.rolling_back(lambda: kind._rollback(reference()))

    def close() -> Any:
        # Of what a transaction has written, nothing is left.
        return known.rolling_back(lambda: kind._close(reference()))

    def set_autocommit(autocommit: bool, *args: Any, **kwargs: Any) -> Any:  # noqa: FBT001
        here: Any = reference()
        return known.changing_autocommit(
            here,
            lambda: kind.set_autocommit(here, autocommit, *args, **kwargs),
            autocommit=autocommit,
        )

    connection._commit = commit
    connection._rollback = rollback
    connection._close = close
    connection.set_autocommit = set_autocommit
    for name in ("make_cursor", "make_debug_cursor"):
        _guard_cursors(connection, name, known, reference)


def _guard_cursors(
    connection: Any, name: str, known: TrackedConnection, reference: weakref.ref[Any]
) -> None:
    """Have cursors tell of what Django doesn't pass through its execute wrappers."""
    kind: Any = type(connection)

    def make(cursor: Any) -> Any:
        made = getattr(kind, name)(reference(), cursor)
        return known.guarded(made)

    setattr(connection, name, make)
