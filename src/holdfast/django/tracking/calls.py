"""One execution of a statement, as it comes through Django's execute wrappers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


@dataclass(slots=True)
class Call:
    """What is to be executed, and how.

    Attributes:
        execute: does it.
        sql: the text, or what psycopg composes one of.
        params: of one execution, or of *many*.
        many: whether `executemany` was called.
        context: Django's: the connection and the cursor.
    """

    execute: Execute
    sql: Any
    params: Any
    many: bool
    context: dict[str, Any]

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """Django's connection."""
        found: BaseDatabaseWrapper = self.context["connection"]
        return found

    @property
    def cursor(self) -> Any:
        """Django's cursor."""
        return self.context["cursor"]

    def text(self) -> str:
        """The text."""
        return as_text(self.sql, self.connection)

    def run(self) -> Any:
        """Execute it."""
        return self.execute(self.sql, self.params, self.many, self.context)


def as_text(sql: Any, connection: BaseDatabaseWrapper) -> str:
    """SQL as text, also what psycopg composes."""
    if isinstance(sql, str):
        return sql
    as_string = getattr(sql, "as_string", None)
    if as_string is not None:
        return str(as_string(connection.connection))
    return sql.decode() if isinstance(sql, bytes) else str(sql)
