"""Where a run took place: figures mean nothing without it."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    *("django", "asgiref", "django-crum", "django-guid", "flask", "werkzeug"),
    *("starlette", "starlette-context", "gunicorn", "gevent", "uvicorn", "uvicorn-worker"),
    *("uvloop", "httptools", "daphne", "hypercorn", "granian", "waitress"),
    *("lmdb", "msgspec", "redis", "hiredis", "django-redis", "meta-memcache-socket"),
    *("pymemcache", "diskcache", "UltraDict"),
)


def python() -> str:
    """Such as `CPython 3.13`."""
    return f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"


def description(seed: int) -> list[str]:
    """Lines that say what the figures were measured on."""
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    where = (
        f"{platform.python_implementation()} {platform.python_version()},"
        f" {platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} cores,"
        f" load {load}; {datetime.now(UTC):%Y-%m}; order shuffled with --seed {seed}"
    )
    return [
        where,
        ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
    ]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
