"""What the rules on settings ask: which cache is what, and who uses it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..settings_files import Settings, Value, is_production

DJANGO = "django.core.cache.backends."
#: Each process has one of its own.
PER_PROCESS = frozenset({f"{DJANGO}locmem.LocMemCache"})
#: Nothing is kept.
KEEPS_NOTHING = frozenset({f"{DJANGO}dummy.DummyCache"})
REDIS = f"{DJANGO}redis.RedisCache"
MEMCACHE = f"{DJANGO}memcached.PyMemcacheCache"
DJANGO_REDIS = "django_redis.cache.RedisCache"
_BY_ADDRESS = {
    "dummy": f"{DJANGO}dummy.DummyCache",
    "dummycache": f"{DJANGO}dummy.DummyCache",
    "locmem": f"{DJANGO}locmem.LocMemCache",
    "locmemcache": f"{DJANGO}locmem.LocMemCache",
}


def of_file(file: File) -> Iterator[Settings]:
    """The settings that a server may be started with in which this file takes part."""
    if file.index.settings:
        own = {f"{file.index.name}.{owner}".rstrip(".") for owner in file.index.settings}
        for settings in file.project.settings:
            if own & settings.sources:
                yield settings


def backend(settings: Settings, alias: str) -> str:
    """The full name of a cache's class; empty, if it isn't known."""
    entry = settings.get("CACHES", alias)
    if entry is None:
        return ""
    named = entry.items.get("BACKEND") if entry.kind == "dict" else None
    return named.text if named is not None and named.kind == "text" else ""


def backend_by_default(settings: Settings, alias: str) -> str:
    """The full name of a cache's class where the environment names none; empty, if it must.

    `env.cache("CACHE_URL", default="locmemcache://")`, and
    `"BACKEND": os.environ.get("CACHE", "django.core.cache.backends.locmem.LocMemCache")`.
    """
    entry = settings.get("CACHES", alias)
    if entry is None:
        return ""
    if entry.kind == "call":
        return _BY_ADDRESS.get(_default_of(entry).partition("://")[0], "")
    named = entry.items.get("BACKEND") if entry.kind == "dict" else None
    return _default_of(named) if named is not None and named.kind == "call" else ""


def _default_of(call: Value) -> str:
    """The text that a call gives if nothing is set."""
    given = call.items.get("default") or (call.elements[1] if len(call.elements) > 1 else None)
    return given.text if given is not None and given.kind == "text" else ""


def aliases(settings: Settings) -> list[str]:
    """The names of all caches that are known."""
    caches = settings.get("CACHES")
    return list(caches.items) if caches is not None and caches.kind == "dict" else []


def serves(settings: Settings) -> bool:
    """Whether the settings say that they are for serving users."""
    debug = settings.get("DEBUG")
    return is_production(settings.name) or (debug is not None and debug.kind == "false")


def under_asgi(settings: Settings) -> bool:
    """Whether the settings name an ASGI application, or what only runs in one."""
    application = settings.get("ASGI_APPLICATION")
    if application is not None and application.kind == "text":
        return True
    return bool(installed(settings) & {"channels", "daphne"})


def installed(settings: Settings) -> set[str]:
    """The installed apps that are known."""
    apps = settings.get("INSTALLED_APPS")
    return apps.texts() if apps is not None else set()


def in_file(file: File, value: Value | None) -> bool:
    """Whether this file says so."""
    return value is not None and value.module == file.index.name


def at(value: Value) -> ast.AST:
    """The place of a value."""
    node = ast.Constant(None)
    node.lineno, node.end_lineno, node.col_offset = value.line, value.end_line, 0
    return node
