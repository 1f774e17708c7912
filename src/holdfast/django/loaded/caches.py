"""CACHES as it is loaded: options that a backend can't use, and caches of one process for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache

from .places import Places
from .seen import Place, Seen

_SHARED = (
    "Use a cache that all workers see: holdfast.django.cache.EmbeddedCache on one machine, or"
    " Redis or Memcached."
)
_KNOWN = frozenset({"max_entries", "cull_frequency"})


def look(places: Places) -> Iterator[Seen]:
    """Each cache, and who uses it."""
    for alias in settings.CACHES:
        yield from _unusable(alias, places)
    told = set()
    for alias, what, setting in _users():
        if alias in settings.CACHES and (alias, setting) not in told:
            told.add((alias, setting))
            yield from _of_one_process(alias, what, places)


def _unusable(alias: str, places: Places) -> Iterator[Seen]:
    entry = settings.CACHES[alias]
    place = places.setting("CACHES", alias)
    try:
        cache: Any = caches[alias]
        _make_client(cache)
    except Exception as error:  # noqa: BLE001 - whatever the backend raises is what users will see
        yield _seen(
            "S8b",
            place,
            alias,
            f"The cache {alias!r} can't be used: {type(error).__name__}: {error}.",
            "Look the option up in the backend's own documentation, or leave it out.",
        )
        return
    if isinstance(cache, LocMemCache | FileBasedCache | DatabaseCache | DummyCache):
        for option in entry.get("OPTIONS", {}):
            if option.lower() not in _KNOWN:
                yield _seen(
                    "S8b",
                    places.setting("CACHES", option),
                    alias,
                    f"{type(cache).__name__} ignores the option {option} of the cache {alias!r}.",
                    "Look the option up in the backend's own documentation, or leave it out.",
                )


def _make_client(cache: Any) -> None:
    """Have the client and a connection made, which are given the options. Nothing connects."""
    client: Any = getattr(cache, "_cache", None)
    if hasattr(client, "get_client"):
        client = client.get_client()
    pool: Any = getattr(client, "connection_pool", None)
    if hasattr(pool, "make_connection"):
        pool.make_connection()


def _users() -> Iterator[tuple[str, str, str]]:
    """The alias, what for, and the setting that says so."""
    if settings.SESSION_ENGINE.endswith((".cache", ".cached_db")):
        yield settings.SESSION_CACHE_ALIAS, "sessions are kept in it", "SESSION_CACHE_ALIAS"
    installed = set(settings.INSTALLED_APPS)
    if "rest_framework" in installed:
        for class_ in _throttles():
            cache = getattr(class_, "cache", None)
            alias = getattr(cache, "_alias", "default")
            yield alias, f"{class_.__name__} counts in it", "REST_FRAMEWORK"
    if "axes" in installed and "CacheHandler" in str(getattr(settings, "AXES_HANDLER", "")):
        yield getattr(settings, "AXES_CACHE", "default"), "failed logins are counted in it", "AXES"
    if installed & {"django_ratelimit", "ratelimit"}:
        alias = getattr(settings, "RATELIMIT_USE_CACHE", "default")
        yield alias, "rate limits count in it", "RATELIMIT_USE_CACHE"


def _throttles() -> list[type]:
    from rest_framework.settings import api_settings

    classes: Any = api_settings.DEFAULT_THROTTLE_CLASSES  # as they were imported
    return [one for one in classes if getattr(one, "cache_format", None) is not None]


def _of_one_process(alias: str, what: str, places: Places) -> Iterator[Seen]:
    try:
        cache = caches[alias]
    except Exception:  # noqa: BLE001 - told above
        return
    if isinstance(cache, DummyCache):
        kept = "keeps nothing (DummyCache)"
    elif isinstance(cache, LocMemCache):
        kept = "is one in each process (LocMemCache)"
    else:
        return
    yield _seen(
        "S8a",
        places.setting("CACHES", alias),
        alias,
        f"The cache {alias!r} {kept}, and {what}: workers don't see what the others have written.",
        _SHARED,
    )


def _seen(code: str, place: Place, alias: str, message: str, mend: str) -> Seen:
    severity = "warning" if "ignores" in message else "error"
    return Seen(code, place, "CACHES", f"CACHES[{alias!r}]", severity, message, mend)
