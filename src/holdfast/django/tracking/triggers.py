"""Triggers in PostgreSQL that tell of changes made outside of Django.

Each table of a model gets one, for each statement. What it does is written in the same transaction
as the change: a row of the outbox, which `holdfast cache replay` takes from there, or, with
versions in the database, new numbers for the table's tags. Transactions that Django's tracking
sees say so (`holdfast.tracked`), and are left alone, for the tracking tells rows apart.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .catalogue import catalogue_of, table_name
from .changing import any_row_tags
from .database_versions import digests
from .names import names_of
from .settings import is_versioned_in_database

#: The parameter of PostgreSQL by which a transaction says that it is seen.
PARAMETER = "holdfast.tracked"
#: The channel on which a row of the outbox is announced.
CHANNEL = "holdfast"
TRIGGER = "holdfast_changed"

_OUTBOX = """
    INSERT INTO {schema}holdfast_outbox (tags) VALUES (TG_ARGV[0]);
    PERFORM pg_catalog.pg_notify('holdfast', '');
"""
_VERSIONS = """
    INSERT INTO {schema}holdfast_sequence (id, number) VALUES (1, 1)
        ON CONFLICT (id) DO UPDATE SET number = holdfast_sequence.number + 1;
    INSERT INTO {schema}holdfast_version (tag, number)
        SELECT tag, (SELECT number FROM {schema}holdfast_sequence WHERE id = 1)
        FROM unnest(string_to_array(TG_ARGV[0], ' ')) AS tag ORDER BY tag
        ON CONFLICT (tag) DO UPDATE SET number = excluded.number;
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}holdfast_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('holdfast.tracked', true) = 'on' THEN
        RETURN NULL;
    END IF;
    {body}
    RETURN NULL;
END
$$
"""


class NoTriggers(Exception):  # noqa: N818 - what the database is, no fault of anybody
    """The database can't have them."""


def install(alias: str = "default") -> list[str]:
    """Put a trigger on each table of a model; on those that have one, a new one.

    Returns the tables. To be repeated after migrations that make tables.

    Raises:
        NoTriggers: the database isn't PostgreSQL.
    """
    connection = _postgresql(alias)
    done = []
    with connection.cursor() as cursor:
        schema = _schema(cursor)
        body = _VERSIONS if is_versioned_in_database() else _OUTBOX
        cursor.execute(_FUNCTION.format(schema=schema, body=body.format(schema=schema)))
        existing = set(connection.introspection.table_names(cursor))
        for table, name in _tables():
            if table not in existing:
                continue
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {quoted}")
            cursor.execute(
                f"CREATE TRIGGER {TRIGGER} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {quoted}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {schema}holdfast_changed("
                f"'{_argument(connection, name)}')"
            )
            done.append(table)
    return done


def remove(alias: str = "default") -> list[str]:
    """Take them away again. Returns the tables that had one.

    Raises:
        NoTriggers: the database isn't PostgreSQL.
    """
    connection = _postgresql(alias)
    with connection.cursor() as cursor:
        found = installed(cursor)
        for table in found:
            cursor.execute(f"DROP TRIGGER {TRIGGER} ON {connection.ops.quote_name(table)}")
        cursor.execute(f"DROP FUNCTION IF EXISTS {_schema(cursor)}holdfast_changed()")
    return found


def installed(cursor: Any) -> list[str]:
    """The tables that have one."""
    cursor.execute(
        "SELECT c.relname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c"
        " ON c.oid = t.tgrelid WHERE t.tgname = %s AND pg_catalog.pg_table_is_visible(c.oid)"
        " ORDER BY 1",
        [TRIGGER],
    )
    return [name for (name,) in cursor.fetchall()]


def wait(alias: str, seconds: float) -> bool:
    """Wait until a trigger tells of a change, at most so long; False, where it can't be heard."""
    connection: Any = connections[alias]
    connection.ensure_connection()
    driver = connection.connection
    if connection.vendor != "postgresql" or not hasattr(driver, "notifies"):
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    for _ in driver.notifies(timeout=seconds, stop_after=1):
        pass
    return True


def say_tracked(connection: BaseDatabaseWrapper) -> None:
    """Have the triggers leave the open transaction alone, until it ends."""
    cursor: Any = connection.create_cursor()
    try:
        with connection.wrap_database_errors:
            cursor.execute("SELECT pg_catalog.set_config(%s, 'on', true)", [PARAMETER])
    finally:
        cursor.close()


def _postgresql(alias: str) -> BaseDatabaseWrapper:
    connection = connections[alias]
    if connection.vendor != "postgresql":
        raise NoTriggers(
            f"Triggers are for PostgreSQL, and DATABASES[{alias!r}] is {connection.display_name}."
            " Where changes are made outside of Django, call holdfast.django.invalidate."
        )
    return connection


def _schema(cursor: Any) -> str:
    """Where Holdfast's own tables are: whoever writes may have another search path."""
    cursor.execute("SELECT pg_catalog.quote_ident(current_schema())")
    (name,) = cursor.fetchone()
    return f"{name}."


def _tables() -> list[tuple[str, str]]:
    """Tables of models, as the database calls them and as tags do."""
    found = {
        model._meta.db_table: table_name(model)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return sorted(item for item in found.items() if not item[1].startswith("holdfast_"))


def _argument(connection: BaseDatabaseWrapper, name: str) -> str:
    """The tags of any row in the table, as the trigger's function takes them: no quotes in it."""
    tags = any_row_tags(catalogue_of(connection).table(name), names_of(connection))
    if is_versioned_in_database():
        return " ".join(digests(tags))
    return " ".join(b64encode(tag).decode() for tag in sorted(tags))
