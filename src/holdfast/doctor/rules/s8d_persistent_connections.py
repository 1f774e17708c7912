"""S8d: persistent database connections where they can't be kept."""

from __future__ import annotations

from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from ..settings_files import Value
from . import _settings as settings_of

CODE = "S8d"
TITLE = "Persistent database connections where they can't be kept"
REASON = """`CONN_MAX_AGE` keeps a connection with the thread that opened it, for the next request
of that thread. Under ASGI requests come to ever other threads: connections are left open that
nobody uses again, until the database has no more to give. Together with Django's own connection
pool it is an error."""
WRONG = """
ASGI_APPLICATION = "mysite.asgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "mysite",
        "CONN_MAX_AGE": 600,
    }
}
"""
RIGHT = """
ASGI_APPLICATION = "mysite.asgi.application"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "mysite",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": {"max_size": 8}},
    }
}
"""


def check(file: File) -> Iterator[Finding]:
    """Databases whose connections outlive requests."""
    seen: set[int] = set()
    for settings in settings_of.of_file(file):
        databases = settings.get("DATABASES")
        asgi = settings_of.under_asgi(settings)
        for alias, entry in (databases.items if databases is not None else {}).items():
            age = entry.items.get("CONN_MAX_AGE") or entry.items.get("conn_max_age")
            if age is None or not _kept(age):
                continue
            pool = settings.get("DATABASES", alias, "OPTIONS", "pool")
            pooled = pool is not None and pool.kind not in {"false", "none", "unknown"}
            if not settings_of.in_file(file, age) or not (asgi or pooled) or age.line in seen:
                continue
            seen.add(age.line)
            if pooled:
                message = (
                    f"the database {alias!r} has a pool and CONN_MAX_AGE: Django refuses both"
                    " together, at the first query."
                )
            else:
                message = (
                    f"the database {alias!r} keeps connections by thread (CONN_MAX_AGE), and under"
                    " ASGI requests come to ever other threads: connections stay open unused."
                )
            yield file.finding(
                CODE,
                settings_of.at(age),
                message,
                'Set CONN_MAX_AGE to 0, and use a pool: "OPTIONS": {"pool": True}, or pgbouncer.',
                symbol="DATABASES",
                attribute="CONN_MAX_AGE",
                severity="error" if pooled else "warning",
                confidence="high" if pooled or age.kind in {"number", "none"} else "medium",
            )


def _kept(age: Value) -> bool:
    """Whether connections outlive the request, if nobody says otherwise in the environment."""
    if age.kind == "call":
        default = age.items.get("default") or (age.elements[1] if len(age.elements) > 1 else None)
        if default is None and age.text == "int" and age.elements:
            return _kept(age.elements[0])
        return default is not None and _kept(default)
    if age.kind == "text":
        return age.text.isdigit() and int(age.text) > 0
    return age.kind == "none" or (age.number is not None and age.number > 0)
