"""DATABASES as it is loaded: connections that outlive requests, and pools."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.db import connections

from .places import Places
from .seen import Seen

_POOL = 'Set CONN_MAX_AGE to 0, and use a pool: "OPTIONS": {"pool": True}, or pgbouncer.'


def look(places: Places, *, is_asgi: bool) -> Iterator[Seen]:
    """Each database."""
    for alias in connections:
        given: dict[str, Any] = connections[alias].settings_dict
        age, pool = given.get("CONN_MAX_AGE"), given.get("OPTIONS", {}).get("pool")
        place = places.setting("DATABASES", alias)
        if pool:
            yield from _pool(alias, given, pool, place)
        elif is_asgi and (age is None or age > 0):
            kept = "for ever" if age is None else f"for {age} s"
            yield Seen(
                "S8d",
                place,
                "DATABASES",
                "CONN_MAX_AGE",
                "warning",
                f"The database {alias!r} keeps connections by thread ({kept}), and under ASGI"
                " requests come to ever other threads: connections stay open unused.",
                _POOL,
            )


def _pool(alias: str, given: dict[str, Any], pool: Any, place: Any) -> Iterator[Seen]:
    why = ""
    if not given["ENGINE"].endswith((".postgresql", ".postgis", ".oracle")):
        why = f"{given['ENGINE']} knows no pool"
    elif (
        given["ENGINE"].endswith((".postgresql", ".postgis")) and find_spec("psycopg_pool") is None
    ):
        why = "the package psycopg_pool is missing: pip install 'psycopg[pool]'"
    elif given.get("CONN_MAX_AGE") != 0:
        why = "Django refuses a pool together with CONN_MAX_AGE"
    elif isinstance(pool, dict):
        least, most = pool.get("min_size", 4), pool.get("max_size")
        if most is not None and most < least:
            why = f"its max_size {most} is below its min_size {least}"
    if why:
        yield Seen(
            "S8e",
            place,
            "DATABASES",
            "pool",
            "error",
            f"The pool of the database {alias!r} can't work: {why}.",
            'With PostgreSQL: "CONN_MAX_AGE": 0, "OPTIONS": {"pool": {"max_size": 8}}.',
        )
