"""The stores that are measured, each behind the same five calls."""

from __future__ import annotations

import functools
import importlib.util
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .store_services import Places

#: The number that is counted up.
NUMBER = "n"


@dataclass(frozen=True)
class Calls:
    """What a store can do; None where it can't.

    Attributes:
        get: the value of a key.
        set: keep a value under a key.
        get_many: the values of several keys.
        count: set the number, if given; or else return it.
        increment: add one to the number.
    """

    get: Callable[[str], Any]
    set: Callable[[str, Any], Any]
    get_many: Callable[[Sequence[str]], Any] | None = None
    count: Callable[[int | None], int] | None = None
    increment: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Store:
    """A store that can be measured.

    Attributes:
        name: what tables call it.
        open: makes its calls, in the process that will call.
        server: that it needs.
        packages: that it needs.
        shared: whether all processes see what one of them set.
        raw: whether it takes bytes only.
    """

    name: str
    open: Callable[[Places], Calls]
    server: str | None = None
    packages: tuple[str, ...] = field(default=())
    shared: bool = True
    raw: bool = False

    @property
    def ours(self) -> bool:
        """Whether the row is set off."""
        return self.name.startswith("holdfast")

    def missing(self, places: Places) -> str | None:
        """Why it can't be measured here."""
        if self.server is not None and self.server not in places.sockets:
            return self.server
        return next((name for name in self.packages if not importlib.util.find_spec(name)), None)


FLOOR = "a dict of pickles, loaded"
EMBEDDED = "holdfast EmbeddedCache"
ON_REDIS = "holdfast GuardedCache, Redis"
ON_MEMCACHED = "holdfast GuardedCache, Memcached"
DICT = "holdfast.shared.dict and counter"
ENGINE = "holdfast's LMDB engine, bytes"
DJANGO_REDIS = "Django RedisCache"
REDIS_PY = "redis-py and pickle"
REDIS_PY_BYTES = "redis-py, bytes"
DISKCACHE = "diskcache.Cache"
DISKCACHE_DJANGO = "diskcache.DjangoCache"


def configure_django(places: Places) -> None:
    """Name all caches of Django's framework that can be measured here."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    redis, memcached = places.sockets.get("redis"), places.sockets.get("memcached")
    # Culling is not what is measured, and all keep the same entries.
    unlimited = {"OPTIONS": {"MAX_ENTRIES": 10**6}}
    local = "django.core.cache.backends"
    caches: dict[str, dict[str, Any]] = {
        "default": {"BACKEND": f"{local}.dummy.DummyCache"},
        "locmem": {"BACKEND": f"{local}.locmem.LocMemCache", **unlimited},
        "file": {
            "BACKEND": f"{local}.filebased.FileBasedCache",
            "LOCATION": places.folder / "django-files",
            **unlimited,
        },
        "database": {"BACKEND": f"{local}.db.DatabaseCache", "LOCATION": "cache", **unlimited},
        "redis": {"BACKEND": f"{local}.redis.RedisCache", "LOCATION": f"unix://{redis}?db=1"},
        "django-redis": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": f"unix://{redis}?db=2",
        },
        "pymemcache": {
            "BACKEND": f"{local}.memcached.PyMemcacheCache",
            "LOCATION": f"unix:{memcached}",
        },
        "diskcache": {
            "BACKEND": "diskcache.DjangoCache",
            "LOCATION": str(places.folder / "diskcache-django"),
        },
        "embedded": {
            "BACKEND": "holdfast.django.cache.EmbeddedCache",
            "LOCATION": str(places.folder / "embedded"),
        },
        "on redis": {
            "BACKEND": "holdfast.django.cache.GuardedCache",
            "LOCATION": f"unix://{redis}?db=3",
        },
        "on memcached": {
            "BACKEND": "holdfast.django.cache.GuardedCache",
            "LOCATION": f"memcached://{memcached}",
        },
    }
    settings.configure(
        SECRET_KEY="for the benchmarks only",  # noqa: S106
        USE_TZ=True,
        INSTALLED_APPS=["holdfast.django"],
        CACHES=caches,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": places.folder / "django.sqlite3",
                # As quick as SQLite gets: without these it is several times slower.
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
                },
            }
        },
        HOLDFAST={
            "CARRY": [],
            "STORES": {"default": f"lmdb://{places.folder / 'state'}"},
        },
    )
    django.setup()
    call_command("createcachetable", verbosity=0)


def _django(alias: str, places: Places) -> Calls:
    from django.core.cache import caches

    cache = caches[alias]

    def count(number: int | None) -> int:
        if number is not None:
            cache.set(NUMBER, number, None)
        found: int = cache.get(NUMBER)
        return found

    return Calls(cache.get, cache.set, cache.get_many, count, functools.partial(cache.incr, NUMBER))


def _floor(places: Places) -> Calls:
    pickles: dict[str, bytes] = {}
    loads, dumps = pickle.loads, pickle.dumps

    def get(key: str) -> Any:
        return loads(pickles[key])

    def keep(key: str, value: Any) -> None:
        pickles[key] = dumps(value, 5)

    def get_many(keys: Sequence[str]) -> Any:
        return {key: loads(pickles[key]) for key in keys}

    return Calls(get, keep, get_many)


def _dict(places: Places) -> Calls:
    import holdfast

    shared = holdfast.shared.dict("benchmark")
    counter = holdfast.shared.counter("benchmark")

    def count(number: int | None) -> int:
        if number is not None:
            counter.set(number)
        return counter.value

    return Calls(shared.__getitem__, shared.__setitem__, shared.get_many, count, counter.add)


def _engine(places: Places) -> Calls:
    from holdfast.stores import open_store

    store = open_store(f"lmdb://{places.folder / 'engine'}")

    def count(number: int | None) -> int:
        if number is not None:
            store.set(b"n", b"%d" % number)
        return int(store.get(b"n") or 0)

    return Calls(
        lambda key: store.get(key.encode()),
        lambda key, value: store.set(key.encode(), value),
        lambda keys: store.get_many([key.encode() for key in keys]),
        count,
        lambda: store.increment(b"n", 1),
    )


def _redis_py(places: Places, *, pickled: bool) -> Calls:
    import redis

    client = redis.Redis.from_url(f"unix://{places.sockets['redis']}?db={4 + pickled}")
    get, keep, mget = client.get, client.set, client.mget
    dumps: Callable[[Any], bytes] = pickle.dumps if pickled else lambda value: value
    loads: Callable[[Any], Any] = pickle.loads if pickled else lambda data: data

    def count(number: int | None) -> int:
        if number is not None:
            client.set(NUMBER, number)
        return int(client.get(NUMBER) or 0)

    if not pickled:
        return Calls(get, keep, mget, count, functools.partial(client.incr, NUMBER))
    return Calls(
        lambda key: loads(get(key)),
        # For as long as Django's caches do by default.
        lambda key, value: keep(key, dumps(value), ex=300),
        lambda keys: {
            key: loads(data) for key, data in zip(keys, mget(keys), strict=True) if data is not None
        },
        count,
        functools.partial(client.incr, NUMBER),
    )


def _diskcache(places: Places) -> Calls:
    import diskcache

    cache = diskcache.Cache(str(places.folder / "diskcache"))

    def count(number: int | None) -> int:
        if number is not None:
            cache.set(NUMBER, number)
        return int(cache.get(NUMBER))

    def get_many(keys: Sequence[str]) -> Any:
        return {key: cache.get(key) for key in keys}

    return Calls(cache.get, cache.set, get_many, count, functools.partial(cache.incr, NUMBER))


def _stash(places: Places) -> Calls:
    from gunicorn.dirty.stash import StashClient

    client = StashClient(places.sockets["stash"])
    table = "benchmark"

    def count(number: int | None) -> int:
        if number is not None:
            client.put(table, NUMBER, number)
        found: int = client.get(table, NUMBER)
        return found

    # It has neither of these in one step.
    def get_many(keys: Sequence[str]) -> Any:
        return {key: client.get(table, key) for key in keys}

    def increment() -> None:
        client.put(table, NUMBER, client.get(table, NUMBER) + 1)

    return Calls(
        functools.partial(client.get, table),
        functools.partial(client.put, table),
        get_many,
        count,
        increment,
    )


def _ultradict(places: Places) -> Calls:
    from UltraDict import UltraDict

    shared = UltraDict(
        name=places.folder.name,
        shared_lock=True,
        buffer_size=2**20,
        full_dump_size=2**26,
        auto_unlink=False,
    )

    def count(number: int | None) -> int:
        if number is not None:
            shared[NUMBER] = number
        return int(shared[NUMBER])

    def get_many(keys: Sequence[str]) -> Any:
        return {key: shared[key] for key in keys}

    def increment() -> None:
        with shared.lock:
            shared[NUMBER] += 1

    return Calls(shared.__getitem__, shared.__setitem__, get_many, count, increment)


def _of_django(alias: str) -> Callable[[Places], Calls]:
    return functools.partial(_django, alias)


STORES = (
    Store(FLOOR, _floor, shared=False),
    Store(EMBEDDED, _of_django("embedded"), packages=("lmdb", "msgspec")),
    Store(ON_REDIS, _of_django("on redis"), "redis", ("redis", "msgspec")),
    Store(
        ON_MEMCACHED,
        _of_django("on memcached"),
        "memcached",
        ("meta_memcache_socket", "uhashring", "msgspec"),
    ),
    Store(DICT, _dict, packages=("lmdb", "msgspec")),
    Store(ENGINE, _engine, packages=("lmdb",), raw=True),
    Store("Django LocMemCache", _of_django("locmem"), shared=False),
    Store("Django FileBasedCache", _of_django("file")),
    Store("Django DatabaseCache, SQLite", _of_django("database")),
    Store(DJANGO_REDIS, _of_django("redis"), "redis", ("redis",)),
    Store("django-redis", _of_django("django-redis"), "redis", ("django_redis",)),
    Store(REDIS_PY, functools.partial(_redis_py, pickled=True), "redis", ("redis",)),
    Store(
        REDIS_PY_BYTES, functools.partial(_redis_py, pickled=False), "redis", ("redis",), raw=True
    ),
    Store("Django PyMemcacheCache", _of_django("pymemcache"), "memcached", ("pymemcache",)),
    Store(DISKCACHE, _diskcache, packages=("diskcache",)),
    Store(DISKCACHE_DJANGO, _of_django("diskcache"), packages=("diskcache",)),
    Store("gunicorn's stash", _stash, "stash", ("gunicorn",)),
    Store("UltraDict", _ultradict, packages=("UltraDict", "atomics")),
)
