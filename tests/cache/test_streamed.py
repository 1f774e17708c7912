"""Results in this process's memory, checked against what was heard of a store on a network."""

import time
from collections.abc import Iterator

import pytest

import holdfast
from holdfast import named_stores
from holdfast.cache import STREAM_LAG, counts, loader
from holdfast.stores import open_store
from tests.cache.conftest import COMMIT_TIMEOUT, KEY, Face, until_it_stores
from tests.services.redis import RedisServer, running_redis

pytestmark = pytest.mark.needs("redis")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as server:
        holdfast.configure(
            {
                "STORES": {"cache": {"URL": server.url, "TIMEOUT": 1}},
                "KEY": KEY,
                "CACHE": {"COMMIT_TIMEOUT": COMMIT_TIMEOUT},
            }
        )
        until_it_stores()
        yield server
        holdfast.configure({})


def until_it_follows(face: Face, f, name: str) -> None:
    """Until hits ask nobody any more."""
    tags = named_stores.store("cache").tags

    def asks_nobody() -> bool:
        f()
        key = f.key()
        found = loader().quick(key, f.policy)
        return found is not holdfast.cache.MISSING

    face.wait_for(asks_nobody)
    assert tags is named_stores.store("cache").tags
    assert counts(name).tier_hits


def test_hits_ask_nobody_and_what_is_made_untrue_elsewhere_is_heard_of(
    face: Face, name: str, server: RedisServer
) -> None:
    calls = []

    @face.cached(name, tier="streamed", tags=[name])
    def f():
        calls.append(1)
        return len(calls)

    until_it_follows(face, f, name)
    elsewhere = open_store(server.url)
    elsewhere.tags.bump([f"u:{name}".encode()])
    untrue = time.monotonic()
    while f() == 1:
        assert time.monotonic() - untrue < STREAM_LAG + 1
    elsewhere.close()
    until_it_follows(face, f, name)
    assert len(calls) == 2


def test_it_is_not_believed_when_it_is_late(face: Face, name: str, server: RedisServer) -> None:
    calls = []

    @face.cached(name, tier="streamed")
    def f():
        calls.append(1)
        return len(calls)

    until_it_follows(face, f, name)
    server.hang()
    try:
        time.sleep(STREAM_LAG + 0.05)
        assert loader().quick(f.key(), f.policy) is holdfast.cache.MISSING
    finally:
        server.go_on()


def test_on_one_machine_it_is_as_ever(face: Face, name: str, tmp_path) -> None:
    holdfast.configure({"STORES": {"cache": f"lmdb://{tmp_path}/store"}})
    calls = []

    @face.cached(name, tier="streamed")
    def f():
        calls.append(1)
        return len(calls)

    assert [f(), f(), f()] == [1, 1, 1]
    f.invalidate()
    assert f() == 2
    holdfast.configure({})
