"""S8b: an option of a cache that its backend doesn't know."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..file import File
from ..findings import Finding
from . import _settings as settings_of
from ._caches import entries, options

CODE = "S8b"
TITLE = "An option or a cache's name that nothing knows"
REASON = """Django checks neither the keys of an entry in CACHES nor its OPTIONS. Its own backends
ignore what they don't know, so that a limit or a time-out is never in force; those that hand the
OPTIONS to a client fail with a TypeError at the first use. An option of one package's backend means
nothing to another's."""
WRONG = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://cache:6379/1",
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient"},
    }
}
"""
RIGHT = """
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://cache:6379/1",
        "OPTIONS": {"socket_timeout": 2},
    }
}
"""
_KEYS = frozenset(
    {
        "BACKEND", "LOCATION", "TIMEOUT", "OPTIONS", "KEY_PREFIX", "VERSION", "KEY_FUNCTION",
        "REVERSE_KEY_FUNCTION",
    }
)  # fmt: skip
_IGNORED = {
    "MAX_ENTRIES": "OPTIONS", "CULL_FREQUENCY": "OPTIONS", "SOCKET_TIMEOUT": "OPTIONS",
    "CLIENT_CLASS": "OPTIONS", "PASSWORD": "OPTIONS", "SERIALIZER": "OPTIONS", "timeout": "TIMEOUT",
    "TIME_OUT": "TIMEOUT", "TIMEOUTS": "TIMEOUT", "PREFIX": "KEY_PREFIX", "OPTION": "OPTIONS",
    "location": "LOCATION", "backend": "BACKEND", "options": "OPTIONS", "key_prefix": "KEY_PREFIX",
}  # fmt: skip
_OWN = frozenset({"MAX_ENTRIES", "CULL_FREQUENCY"})
_ENTRIES_ONLY = ("locmem.LocMemCache", "db.DatabaseCache", "filebased.FileBasedCache")
#: What the clients of redis-py and pymemcache are made with is written in lower case.
_PASSED_ON = (settings_of.REDIS, settings_of.MEMCACHE)
_REDIS_ONLY = frozenset({"socket_timeout", "socket_connect_timeout", "max_connections", "db"})
_MEMCACHE_ONLY = frozenset({"no_delay", "ignore_exc", "use_pooling", "max_pool_size", "timeout"})


def check(file: File) -> Iterator[Finding]:
    """Entries of CACHES, and the caches that other settings name."""
    for entry, name in entries(file):
        for key, why in _unknown(entry, name):
            yield file.finding(
                CODE,
                key,
                f"{name.rpartition('.')[2]} {why}.",
                "Look the option up in the backend's own documentation, or leave it out.",
                symbol="CACHES",
                attribute=str(key.value),
            )
    yield from _names(file)


def _unknown(entry: ast.Dict, name: str) -> Iterator[tuple[ast.Constant, str]]:
    known = name.startswith(settings_of.DJANGO) or name == settings_of.DJANGO_REDIS
    if known:
        for key in entry.keys:
            if isinstance(key, ast.Constant) and key.value in _IGNORED:
                right = _IGNORED[key.value]
                where = f"inside {right}" if right == "OPTIONS" else f"as {right}"
                if key.value in {"OPTION", "options"}:
                    where = "as OPTIONS"
                yield key, f"doesn't look at {key.value!r} here: it belongs {where}"
    for key, _ in options(entry):
        why = _option(str(key.value), name)
        if why:
            yield key, why


def _option(key: str, name: str) -> str:
    """Why the backend can do nothing with an option; empty, if it can, or nobody knows."""
    if key in _KEYS and name.startswith(settings_of.DJANGO):
        return f"doesn't look for {key} inside OPTIONS: it belongs beside BACKEND"
    if name in _PASSED_ON:
        if key.isupper() or key[:1].isupper():
            client = "redis-py" if name == settings_of.REDIS else "pymemcache"
            if key in _OWN and name == settings_of.REDIS:
                return f"hands {key} to {client}, which fails: the server decides what it evicts"
            return f"hands {key} to {client}, which doesn't know it and fails at the first use"
        if key in (_MEMCACHE_ONLY if name == settings_of.REDIS else _REDIS_ONLY):
            other = "pymemcache" if name == settings_of.REDIS else "redis-py"
            return f"hands {key} to its client, which doesn't know it: it is an option of {other}"
        return ""
    if name.startswith(settings_of.DJANGO) and name.endswith(_ENTRIES_ONLY) and key not in _OWN:
        return f"ignores {key}: it knows {' and '.join(sorted(_OWN))} only"
    if name == settings_of.DJANGO_REDIS:
        if key in _OWN:
            return f"ignores {key}: the server decides what it evicts"
        if key in _REDIS_ONLY:
            return f"ignores {key}: it belongs into CONNECTION_POOL_KWARGS, or is {key.upper()}"
    return ""


def _names(file: File) -> Iterator[Finding]:
    for settings in settings_of.of_file(file):
        caches = settings.get("CACHES")
        if caches is None or caches.kind != "dict" or not settings.complete:
            continue
        if "default" not in caches.items and caches.items and settings_of.in_file(file, caches):
            yield file.finding(
                CODE,
                settings_of.at(caches),
                "CACHES has no entry 'default', which Django needs: it doesn't start.",
                "Call one of them 'default'.",
                symbol="CACHES",
                attribute="CACHES",
                severity="error",
            )
        for setting in ("SESSION_CACHE_ALIAS", "CACHE_MIDDLEWARE_ALIAS", "RATELIMIT_USE_CACHE"):
            value = settings.get(setting)
            if value is None or value.kind != "text" or not settings_of.in_file(file, value):
                continue
            if value.text not in caches.items:
                yield file.finding(
                    CODE,
                    settings_of.at(value),
                    f"{setting} names {value.text!r}, which CACHES doesn't have: the first use"
                    " fails.",
                    f"Name one of {', '.join(sorted(caches.items))}, or add it to CACHES.",
                    symbol=setting,
                    attribute=setting,
                    severity="error",
                )
