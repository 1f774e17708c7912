"""Waits for databases, by Django's connections: statements, commits, and connecting.

Statements are told with what stands in quotes and all numbers left out, and never with their
parameters.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import native, places, requests, spans
from .settings import Settings

#: Seconds. Very many quick statements add up, too.
SHORTEST = 0.0002
#: Characters of a statement that are told.
LONGEST = 200

_FETCHES = frozenset({"fetchone", "fetchmany", "fetchall"})
_VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def install(settings: Settings) -> None:
    """Watch Django's connections."""
    on_import("django.db.backends.utils", _watch_cursors)
    on_import("django.db.backends.base.base", _watch_connections)


def _watch_cursors(module: ModuleType) -> None:
    kind = module.CursorWrapper
    for name, what in (("_execute", "execute"), ("_executemany", "executemany")):
        _watch(kind, name, what, lambda cursor: cursor.db.alias)
    _watch(kind, "callproc", "callproc", lambda cursor: cursor.db.alias)
    # A database may do the work only when rows are fetched.
    _watch_fetching(kind)


def _watch_connections(module: ModuleType) -> None:
    kind = module.BaseDatabaseWrapper
    for name, what in (("_commit", "commit"), ("_rollback", "rollback"), ("connect", "connect")):
        _watch(kind, name, what, lambda connection: connection.alias)


def _watch(kind: Any, method: str, what: str, alias: Callable[[Any], str]) -> None:
    original = getattr(kind, method)

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if requests.current() is None:
            return original(self, *args, **kwargs)
        begun = native.monotonic()
        try:
            with spans.Waiting():
                return original(self, *args, **kwargs)
        finally:
            _note(what, alias(self), begun, args[0] if args else "")

    setattr(kind, method, call)


def _watch_fetching(kind: Any) -> None:
    """These are methods of the driver's cursor, which Django hands on when asked for them."""
    original = kind.__getattr__

    @functools.wraps(original)
    def attribute(self: Any, name: str) -> Any:
        found = original(self, name)
        if name not in _FETCHES or requests.current() is None:
            return found

        def fetch(*args: Any, **kwargs: Any) -> Any:
            begun = native.monotonic()
            try:
                with spans.Waiting():
                    return found(*args, **kwargs)
            finally:
                _note("fetch", self.db.alias, begun, "")

        return fetch

    kind.__getattr__ = attribute


def _note(what: str, alias: str, begun: float, statement: object) -> None:
    ended = native.monotonic()
    if ended - begun < SHORTEST:
        return
    detail: dict[str, Any] = {"what": what}
    if statement:
        detail["statement"] = _VALUES.sub("?", str(statement)[: 4 * LONGEST])[:LONGEST]
    spans.note(
        "database",
        alias,
        begun,
        ended=ended,
        place=places.users_place(),
        stack=places.stack() if ended - begun >= spans.SHORTEST else (),
        detail=detail,
        shortest=SHORTEST,
    )
