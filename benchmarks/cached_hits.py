"""What a hit takes: in a process of its own, which sets Django up for it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from .rounds import Effort, Measured, Subject, measure
from .store_processes import value
from .store_services import Places

TIER, STORED = "holdfast.cached, LMDB, in-process tier", "holdfast.cached, LMDB, tier=False"
TIER_REDIS = "holdfast.cached, Redis, in-process tier"
STREAMED = 'holdfast.cached, Redis, tier="streamed"'
DJANGO_REDIS, DJANGO_LOCMEM = "Django RedisCache.get", "Django LocMemCache.get"
DJANGO_REDIS_APP = "django-redis, get"


#: What is kept. Whoever gets it may change it, so all but the text is made anew for each call.
RECORDS = "records in a dict"
KINDS: dict[str, Any] = {
    "a text": "".join(f"<li>Article {number}: <b>new</b></li>" for number in range(31))[:1000],
    "a flat dict": {f"field-{number}": f"value {number:02}" * 2 for number in range(29)},
    RECORDS: value(1000),
}


def hits(places: Places, effort: Effort) -> dict[str, Measured]:
    """Seconds for a hit of 1 KB, by what is kept, and by subject.

    Wall time, for a server's share is a part of it.
    """
    # Not forked: this process may have threads, and settings of its own.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_measure, places, effort).result()


def _key(kind: str) -> str:
    return f"user:7:{kind.replace(' ', '-')}"


def _measure(places: Places, effort: Effort) -> dict[str, Measured]:
    _configure(places)
    found = {}
    for kind, kept in KINDS.items():
        calls = _calls(places, kept, _key(kind))
        subjects = [Subject(name, _sampled(call, kind)) for name, call in calls.items()]
        nothing = Subject("nothing", _sampled(lambda _: None, kind))
        found[kind] = measure(subjects, effort, overhead=nothing)
    return found


def _configure(places: Places) -> None:
    import django
    from django.conf import settings

    redis = places.sockets.get("redis")
    local = "django.core.cache.backends"
    settings.configure(
        SECRET_KEY="for the benchmarks only",  # noqa: S106
        USE_TZ=True,
        INSTALLED_APPS=["holdfast.django"],
        CACHES={
            "default": {"BACKEND": f"{local}.locmem.LocMemCache"},
            "redis": {"BACKEND": f"{local}.redis.RedisCache", "LOCATION": f"unix://{redis}?db=5"},
            "django-redis": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"unix://{redis}?db=6",
            },
        },
        HOLDFAST={
            "CACHE": {"COMMIT_TIMEOUT": 1},
            "STORES": {
                "cache": f"lmdb://{places.folder / 'hits'}",
                "redis": f"unix://{redis}?db=8",
            },
        },
    )
    django.setup()


def _calls(places: Places, given: Any, key: str) -> dict[str, Callable[[str], Any]]:
    from django.core.cache import caches

    calls = {TIER: _ours(given, key), STORED: _ours(given, key, tier=False)}
    kept = {DJANGO_LOCMEM: "default"}
    if "redis" in places.sockets:
        _wait_for_stamps("redis")
        calls[TIER_REDIS] = _ours(given, key, store="redis")
        calls[STREAMED] = _ours(given, key, store="redis", tier="streamed")
        kept |= {DJANGO_REDIS: "redis", DJANGO_REDIS_APP: "django-redis"}
    for name, alias in kept.items():
        caches[alias].set(key, given, 600)
        calls[name] = caches[alias].get
    return calls


_numbers = itertools.count()


def _ours(given: Any, key: str, **options: Any) -> Callable[[str], Any]:
    import holdfast

    tags = ["user:7", "articles", "site"]

    @holdfast.cached(600, tags=tags, name=f"hits {next(_numbers)}", **options)
    def found(key: str) -> Any:
        return given

    assert found(key) == given
    assert found.peek(key) == given, "it was not stored"
    call: Callable[[str], Any] = found
    return call


def _wait_for_stamps(store: str) -> None:
    """A server that was just started stores nothing until all commits before are over."""
    from holdfast import named_stores

    tags = named_stores.store(store).tags
    while tags.stamp() is None:
        time.sleep(0.05)


def _sampled(call: Callable[[str], Any], kind: str) -> Callable[[int], float]:
    clock, key = time.perf_counter, _key(kind)

    def sample(count: int) -> float:
        start = clock()
        for _ in itertools.repeat(None, count):
            call(key)
        return clock() - start

    return sample
