"""The names of tags: what results made from a database depend on, and what writes make untrue.

For a table with tracked columns (its primary key, foreign keys, unique columns):

- *whole*: for what was made from rows that can't be told. Bumped when anything was written.
- *value*: for what was made from rows with this value. Bumped when such a row came or was changed.
- *changed*: for what was made from rows that it doesn't show. Bumped when rows were changed, or
  went, and it isn't known which value they had.
- *entered*: for what was made from rows with some value. Bumped when rows came, or got a value, and
  it isn't known which.
- *column*: for what is also decided by this column. Bumped when rows, which are known by their key,
  got a new value in it, but not in all columns by which they may be told.

And one that stands for everything in the database.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper


class Names:
    """The names for one database.

    Args:
        identity: the same for each connection that leads to the same data, of any process.
    """

    __slots__ = ("_prefix", "everything", "identity")

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._prefix = f"d:{identity}/"
        self.everything = self._prefix.encode()

    def whole(self, table: str) -> bytes:
        """Anything in the table."""
        return f"{self._prefix}{table}".encode()

    def value(self, table: str, column: str, value: str | None) -> bytes:
        """Rows that have this value, as text; None: NULL."""
        if value is None:
            return f"{self._prefix}{table}/{column}?".encode()
        return f"{self._prefix}{table}/{column}={value}".encode()

    def changed(self, table: str, column: str) -> bytes:
        """Rows whose old value isn't known."""
        return f"{self._prefix}{table}/{column}!".encode()

    def entered(self, table: str, column: str) -> bytes:
        """Rows whose new value isn't known."""
        return f"{self._prefix}{table}/{column}+".encode()

    def column(self, table: str, column: str) -> bytes:
        """A column that is changed in rows which are known."""
        return f"{self._prefix}{table}.{column}".encode()


_TABLE = re.compile(rb"d:\w+/[^/.]*")


def tables_of(tags: Collection[bytes]) -> set[bytes]:
    """Which tables *tags* are about, one name for each; tags of anything else as they are.

    Of a table whose name has a slash or a dot in it, others may have the same name here.
    """
    found = ((_TABLE.match(tag), tag) for tag in tags)
    return {tag if table is None else table[0] for table, tag in found}


_names: dict[str, Names] = {}


def names_of(connection: BaseDatabaseWrapper) -> Names:
    """The names for the database that *connection* leads to."""
    identity = identity_of(connection)
    found = _names.get(identity)
    if found is None:
        found = _names[identity] = Names(identity)
    return found


def identity_of(connection: BaseDatabaseWrapper) -> str:
    """What all connections to the same data have in common.

    That is the kind of database and its name: not where it is, since one process may go by a
    connection pool, another by a replica. Two databases of one name are taken for one, which costs
    hits only.
    """
    name = str(connection.settings_dict.get("NAME") or "")
    if connection.vendor == "sqlite":
        if ":memory:" in name or "mode=memory" in name:
            name = f"{name} of {os.getpid()}"
        else:
            name = str(Path(name).resolve())
    digest = hashlib.blake2b(f"{connection.vendor}:{name}".encode(), digest_size=6)
    return digest.hexdigest()
