"""Settings that make no sense are refused at start, with what to write instead."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import InvalidCacheBackendError
from django.core.checks import run_checks
from django.test import override_settings

import holdfast
from holdfast.django.cache import EmbeddedCache, GuardedCache
from tests.django.project import Project

EMBEDDED = "holdfast.django.cache.EmbeddedCache"
GUARDED = "holdfast.django.cache.GuardedCache"
REDIS = "redis://127.0.0.1:1/1"
MEMCACHED = "memcached://127.0.0.1:1"

WRONG: list[tuple[str, Any, dict[str, Any], str]] = [
    (GUARDED, MEMCACHED, {"OPTIONS": {"MAX_ENTRIES": 1000}}, "Memcached evicts by itself"),
    (GUARDED, REDIS, {"OPTIONS": {"CLIENT_CLASS": "x.y"}}, "django-redis's. Leave it out"),
    (GUARDED, REDIS, {"OPTIONS": {"MAX_BYTES": 1000}}, "maxmemory"),
    (GUARDED, REDIS, {"OPTIONS": {"max_connections": 5}}, "Write 'MAX_CONNECTIONS'"),
    (GUARDED, REDIS, {"OPTIONS": {"MAX_ENTRYS": 5}}, "Did you mean 'MAX_ENTRIES'"),
    (GUARDED, REDIS, {"MAX_ENTRIES": 5}, "Write 'OPTIONS': {'MAX_ENTRIES': …}"),
    (GUARDED, REDIS, {"TIMOUT": 5}, "Did you mean 'TIMEOUT'"),
    (GUARDED, REDIS, {"OPTIONS": []}, "OPTIONS must be a dict"),
    (GUARDED, "127.0.0.1:11211", {}, "Write 'memcached://127.0.0.1:11211'"),
    (GUARDED, "foo://x", {"OPTIONS": {"MAX_ENTRIES": 5}}, 'No store is called "foo://"'),
    (GUARDED, "/srv/cache", {}, "'/srv/cache' doesn't say what is there. Write 'lmdb:///"),
    (GUARDED, "a:1;b:2", {}, "Write 'memcached://a:1,b:2'"),
    (GUARDED, "", {}, "there is no LOCATION"),
    (GUARDED, "rediss//x", {}, "must begin with"),
    (GUARDED, "redos://x", {}, 'Did you mean "redis://"'),
    (GUARDED, [REDIS, REDIS], {}, "Name Redis's primary alone"),
    (EMBEDDED, REDIS, {}, "'BACKEND': 'holdfast.django.cache.GuardedCache'"),
    (EMBEDDED, "cache", {}, "absolute path"),
    (EMBEDDED, "", {"OPTIONS": {"MAX_BYTES": "many"}}, "a whole number of bytes"),
    (EMBEDDED, "", {"OPTIONS": {"MAX_ENTRIES": 0}}, "above 0"),
    (EMBEDDED, "", {"OPTIONS": {"MAX_ENTRIES": True}}, "above 0"),
    (EMBEDDED, "", {"OPTIONS": {"PICKLE": "no"}}, "True or False"),
]


@pytest.mark.parametrize(("backend", "location", "params", "hint"), WRONG)
def test_wrong_settings_are_refused_with_what_to_write(
    backend: str, location: Any, params: dict[str, Any], hint: str
) -> None:
    cls = EmbeddedCache if backend == EMBEDDED else GuardedCache
    cache = cls(location, params)
    for call in (
        lambda: cache.get("k"),
        lambda: cache.set("k", "v"),
        lambda: cache.get_many(["k"]),
        lambda: asyncio.run(cache.aget("k")),
        lambda: asyncio.run(cache.aset("k", "v")),
        cache.clear,
    ):
        with pytest.raises(InvalidCacheBackendError) as raised:
            call()
        assert hint in str(raised.value)
    cache.close()
    # By `manage.py check`, and in a server's log.
    entry = {"BACKEND": backend, "LOCATION": location, **params}
    with override_settings(CACHES={"default": entry}):
        messages = [check for check in run_checks(tags=["holdfast"]) if check.id == "holdfast.E002"]
        problems = [p for p in holdfast.startup_problems() if p.code == "E002"]
    assert [hint in check.msg for check in messages] == [True]
    assert [hint in problem.message for problem in problems] == [True]


@pytest.mark.parametrize(
    "entry",
    [
        {"BACKEND": GUARDED, "LOCATION": MEMCACHED, "OPTIONS": {"MAX_ENTRIES": 5}},
        {"BACKEND": GUARDED, "LOCATION": REDIS, "OPTIONS": []},
        {"BACKEND": EMBEDDED, "LOCATION": "redos://x"},
    ],
)
def test_the_check_command_says_it_in_one_line(entry: dict[str, Any], tmp_path: Path) -> None:
    code, said = Project(tmp_path, settings=f"CACHES = {{'default': {entry}}}\n").check()
    assert code == 1
    lines = [line for line in said.splitlines() if "E002" in line]
    assert len(lines) == 1
    assert lines[0].startswith("?: (holdfast.E002) CACHES, ")


def test_sound_settings_are_not_complained_of(tmp_path: Path) -> None:
    caches = {
        "default": {"BACKEND": EMBEDDED},
        "own": {"BACKEND": EMBEDDED, "LOCATION": tmp_path, "OPTIONS": {"MAX_BYTES": 2**20}},
        "redis": {"BACKEND": GUARDED, "LOCATION": REDIS, "OPTIONS": {"MAX_CONNECTIONS": 5}},
        "memcached": {"BACKEND": GUARDED, "LOCATION": [MEMCACHED, "memcached://127.0.0.2"]},
        "django's": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "nobody's": {"BACKEND": "no.such.Backend"},
    }
    with override_settings(CACHES=caches):
        assert [
            check
            for check in run_checks(tags=["holdfast"])
            if str(check.id).startswith("holdfast.E")
        ] == []
        assert [p for p in holdfast.startup_problems() if p.code == "E002"] == []


def test_two_sizes_for_one_file_are_found(tmp_path: Path) -> None:
    caches = {
        "default": {"BACKEND": EMBEDDED, "LOCATION": tmp_path},
        "big": {"BACKEND": EMBEDDED, "LOCATION": tmp_path, "OPTIONS": {"MAX_BYTES": 2**30}},
    }
    with override_settings(CACHES=caches):
        found = [check for check in run_checks(tags=["holdfast"]) if check.id == "holdfast.E002"]
    assert ["different MAX_BYTES" in check.msg for check in found] == [True]


def test_servers_in_a_list_share_the_keys() -> None:
    cache = GuardedCache(["memcached://127.0.0.1:1", "memcached://127.0.0.2:1"], {})
    assert cache._store.url == "memcached://127.0.0.1:1,127.0.0.2:1"


def test_backends_are_cheap_to_make_anew(tmp_path: Path) -> None:
    # Under ASGI, Django makes one for each request.
    first, second = EmbeddedCache(tmp_path, {}), EmbeddedCache(tmp_path, {})
    assert first._store is second._store
    prefixed = EmbeddedCache(tmp_path, {"KEY_PREFIX": "x", "OPTIONS": {"PICKLE": False}})
    assert prefixed._store is first._store
