"""Database connections for requests that run in threads of a test, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sharing_connections() -> Iterator[Callable[[], None]]:
    """Gives a function that makes this thread's connections those of the thread that calls it.

    As Django's `LiveServerTestCase` does, so that requests see what the test's transaction holds.
    """
    from django.db import connections

    own = {alias: connections[alias] for alias in connections}
    for connection in own.values():
        connection.inc_thread_sharing()

    def prepare() -> None:
        for alias, connection in own.items():
            connections[alias] = connection

    try:
        yield prepare
    finally:
        for connection in own.values():
            connection.dec_thread_sharing()
