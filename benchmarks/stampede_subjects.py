"""The caches that 200 callers storm at the same time, each behind one call.

Each is set up as its documentation says against stampedes, where it says something.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .store_services import Places

LOADER_SECONDS = 0.1

Load = Callable[[], None]
Call = Callable[[str], Any]
AsyncCall = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True)
class Subject:
    """A cache that can be stormed.

    Attributes:
        name: what tables call it.
        open: makes its call of a function that takes 0.1 s, given the seconds that a result is
            fresh, and what to call at each load.
        is_async: whether it is called by tasks of an event loop, or else by threads.
        server, package: that it needs.
    """

    name: str
    open: Callable[[Places, float, Load], Any]
    is_async: bool = False
    server: str | None = "redis"
    package: str = "holdfast"

    @property
    def ours(self) -> bool:
        """Whether the row is set off."""
        return self.name.startswith("holdfast")

    def missing(self, places: Places) -> str | None:
        """Why it can't be measured here."""
        if self.server is not None and self.server not in places.sockets:
            return self.server
        return None if importlib.util.find_spec(self.package) else self.package


ON_LMDB, ON_REDIS = "holdfast.cached, LMDB", "holdfast.cached, Redis"
ASYNC_ON_LMDB, ASYNC_ON_REDIS = f"{ON_LMDB}, async", f"{ON_REDIS}, async"

_VALUE = {"text": "x" * 1000}


def configure(places: Places) -> None:
    """Set Django up for those that need it, and our stores."""
    import django
    from django.conf import settings

    redis = places.sockets.get("redis")
    cacheops = ["cacheops"] if redis and importlib.util.find_spec("cacheops") else []
    settings.configure(
        SECRET_KEY="for the benchmarks only",  # noqa: S106
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", *cacheops],
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"unix://{redis}?db=5",
            },
            "django-redis": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"unix://{redis}?db=6",
            },
        },
        CACHEOPS_REDIS=f"unix://{redis}?db=7",
        CACHEOPS={"*.*": {"timeout": 60}},
        HOLDFAST={
            "CACHE": {"COMMIT_TIMEOUT": 1},
            "STORES": {
                "default": f"lmdb://{places.folder / 'stampede'}",
                "on lmdb": f"lmdb://{places.folder / 'stampede-cache'}",
                "on redis": f"unix://{redis}?db=8",
                "stopped redis": f"unix://{places.folder / 'stopped.socket'}",
            },
        },
    )
    django.setup()
    import holdfast

    holdfast.configure(settings.HOLDFAST)


def _sync(load: Load) -> Callable[..., Any]:
    def loader(*_: object, **__: object) -> dict[str, str]:
        load()
        time.sleep(LOADER_SECONDS)
        return _VALUE

    return loader


def _async(load: Load) -> Callable[..., Awaitable[Any]]:
    async def loader(*_: object, **__: object) -> dict[str, str]:
        import asyncio

        load()
        await asyncio.sleep(LOADER_SECONDS)
        return _VALUE

    return loader


def _wait_for_stamps(store: str) -> None:
    """A server that was just started stores nothing until all commits before are over."""
    from holdfast import named_stores

    tags = named_stores.store(store).tags
    while tags.stamp() is None:
        time.sleep(0.05)


def _ours(store: str, *, is_async: bool) -> Callable[[Places, float, Load], Any]:
    def open_ours(places: Places, ttl: float, load: Load) -> Any:
        import holdfast

        _wait_for_stamps(store)
        if is_async:
            loading = _async(load)

            async def report_async(key: str) -> Any:
                return await loading()

            name = f"stampede async {ttl}"
            return holdfast.cached(ttl, stale=10, store=store, name=name)(report_async)
        loader = _sync(load)

        def report(key: str) -> Any:
            return loader()

        return holdfast.cached(ttl, stale=10, store=store, name=f"stampede {ttl}")(report)

    return open_ours


def _django(places: Places, ttl: float, load: Load) -> Call:
    from django.core.cache import cache

    loader = _sync(load)
    return lambda key: cache.get_or_set(key, loader, ttl)


def _django_redis(places: Places, ttl: float, load: Load) -> Call:
    from django.core.cache import caches

    cache: Any = caches["django-redis"]
    loader = _sync(load)

    def call(key: str) -> Any:
        value = cache.get(key)
        if value is None:
            with cache.lock(f"lock:{key}", timeout=10):
                value = cache.get(key)
                if value is None:
                    value = loader()
                    cache.set(key, value, ttl)
        return value

    return call


def _cacheops(places: Places, ttl: float, load: Load) -> Call:
    from cacheops import cached_as
    from django.contrib.contenttypes.models import ContentType

    loader = _sync(load)

    @cached_as(ContentType, timeout=int(ttl), lock=True)
    def report(key: str) -> Any:
        return loader()

    call: Call = report
    return call


def _dogpile(places: Places, ttl: float, load: Load) -> Call:
    from dogpile.cache import make_region

    region = make_region().configure(
        "dogpile.cache.redis",
        arguments={
            "url": f"unix://{places.sockets['redis']}?db=9",
            "distributed_lock": True,
            "lock_timeout": 10,
            "thread_local_lock": False,
        },
    )
    loader = _sync(load)
    return lambda key: region.get_or_create(key, loader, expiration_time=ttl)


def _diskcache(places: Places, ttl: float, load: Load) -> Call:
    import diskcache

    loader = _sync(load)

    @diskcache.memoize_stampede(
        diskcache.Cache(str(places.folder / "stampede-diskcache")), expire=ttl
    )
    def report(key: str) -> Any:
        return loader()

    call: Call = report
    return call


def _cashews(places: Places, ttl: float, load: Load, *, early: bool = False) -> AsyncCall:
    from cashews import Cache
    from redis.asyncio import UnixDomainSocketConnection

    class OnSocket(UnixDomainSocketConnection):
        def __init__(self, *, socket_keepalive: object = None, **options: Any) -> None:
            super().__init__(**options)

    cache = Cache()
    cache.setup(
        "redis://",
        connection_class=OnSocket,
        path=places.sockets["redis"],
        db=10 + early,
        client_side=False,
        secret="for the benchmarks only",  # noqa: S106
        digestmod="md5",
    )
    loading = _async(load)

    async def report(key: str) -> Any:
        return await loading()

    if early:
        kept: AsyncCall = cache.early(ttl=ttl, early_ttl=ttl / 2, key="early:{key}")(report)
    else:
        kept = cache(ttl=ttl, lock=True, key="locked:{key}")(report)
    return kept


def _cashews_early(places: Places, ttl: float, load: Load) -> AsyncCall:
    return _cashews(places, ttl, load, early=True)


def _aiocache(places: Places, ttl: float, load: Load) -> AsyncCall:
    import redis.asyncio
    from aiocache import RedisCache, cached_stampede

    class OnSocket(RedisCache):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.client = redis.asyncio.Redis(
                unix_socket_path=places.sockets["redis"], db=12, decode_responses=False
            )

    loading = _async(load)

    @cached_stampede(lease=2, ttl=ttl, cache=OnSocket, key_builder=lambda _, key: f"report:{key}")
    async def report(key: str) -> Any:
        return await loading()

    call: AsyncCall = report
    return call


SUBJECTS = (
    Subject(ON_LMDB, _ours("on lmdb", is_async=False), server=None, package="lmdb"),
    Subject(ON_REDIS, _ours("on redis", is_async=False)),
    Subject(ASYNC_ON_LMDB, _ours("on lmdb", is_async=True), True, None, "lmdb"),
    Subject(ASYNC_ON_REDIS, _ours("on redis", is_async=True), is_async=True),
    Subject("Django get_or_set, Redis", _django),
    Subject("django-redis, lock", _django_redis, package="django_redis"),
    Subject("cacheops, lock", _cacheops, package="cacheops"),
    Subject("dogpile.cache, Redis lock", _dogpile, package="dogpile.cache"),
    Subject("diskcache.memoize_stampede", _diskcache, server=None, package="diskcache"),
    Subject("cashews, lock", _cashews, is_async=True, package="cashews"),
    Subject("cashews, early", _cashews_early, is_async=True, package="cashews"),
    Subject("aiocache.cached_stampede", _aiocache, is_async=True, package="aiocache"),
)
