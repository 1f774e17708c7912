"""Reads DATABASE_URL, so that the example runs on SQLite or PostgreSQL unchanged."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def database_from_url(url: str) -> dict[str, Any]:
    """Turn `postgresql://user:password@host:port/name` or `sqlite:////path` into Django's settings.

    A query is passed to the driver: `postgresql://news@/news?host=/run/postgresql`. As in most
    tools, `sqlite:///news.sqlite3` is relative and `sqlite:////tmp/news.sqlite3` is absolute.

    Raises ValueError for any other kind of database.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return sqlite(Path(unquote(parts.path[1:])))
    if parts.scheme in {"postgresql", "postgres"}:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path[1:]),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise ValueError(
        f"DATABASE_URL starts with {parts.scheme!r}. Write postgresql://user:password@host:port/name"
        " or sqlite:///path/to/file."
    )


def sqlite(path: Path) -> dict[str, Any]:
    """SQLite as several workers need it: readers don't wait for the writer, writers queue."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
