"""A write to Memcached that fails leaves the old value, and no gap for who follows the changes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import StoreError, StoreUnavailable, open_store
from tests.services.memcached import running_memcached
from tests.stores.faces import face

pytestmark = pytest.mark.needs("memcached")

MB = 1024 * 1024
LARGE = b"x" * (2 * MB)


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with running_memcached() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def store(server: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened = open_store(server.url, timeout=10, clearable=[b"c:"])
    server.ask("flush_all")
    store = face(opened, request.param)
    yield store
    store.leave()
    opened.close()


def told(store: Any, since: int) -> set[bytes]:
    """The keys that a follower is told of, without a gap: no position stayed empty."""
    found = store.changes(b"t", since)
    assert found.complete
    return {change.key for change in found.changes}


@pytest.mark.parametrize("key", [b"k", b"c:k", b"a key that is hashed"])
def test_a_value_that_is_too_large_leaves_the_old_one(store, key):
    store.set(key, b"old", topic=b"t")
    since = store.position(b"t")
    _, token = store.gets(key)
    for write in (
        lambda: store.set(key, LARGE),
        lambda: store.set_many({b"other": b"new", key: LARGE}),
        lambda: store.set(key, LARGE, topic=b"t"),
        lambda: store.replace(key, LARGE, token, topic=b"t"),
    ):
        with pytest.raises(StoreError, match="is larger than Memcached takes"):
            write()
        assert store.get(key) == b"old"
    assert store.get(b"other") is None
    assert told(store, since) <= {key}


def test_what_just_fits_is_stored_and_one_byte_more_than_the_server_takes_is_refused(server):
    store: Any = open_store(server.url)
    fits = MB - 100
    while True:
        value = b"x" * (fits + 1)
        try:
            store.set(b"k", value)
        except StoreError:
            break
        fits += 1
    # The server itself would take a few bytes more at most, and the old value is there still.
    assert fits > MB - 100
    assert store.get(b"k") == b"x" * fits
    store.close()


def test_a_server_that_was_told_to_take_more_is_given_more():
    with running_memcached(options=("-I", "4m")) as server:
        store = open_store(server.url)
        store.set(b"k", LARGE)
        assert store.get(b"k") == LARGE
        with pytest.raises(StoreError, match="is larger than Memcached takes"):
            store.set(b"k", LARGE * 2)
        assert store.get(b"k") == LARGE
        store.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_write_to_a_server_that_is_away_is_no_gap_on_another(server, kind):
    with running_memcached() as other:
        opened: Any = open_store(f"{server.url},127.0.0.1:{other.port}", timeout=10)
        store, there = face(opened, kind), opened.topics.names.server
        topic = next(b"%d" % number for number in range(40) if there(b"%d" % number) == 0)
        away = next(b"%d" % number for number in range(40) if there(b"%d" % number) == 1)
        store.set(topic, b"v", topic=topic)
        since = store.position(topic)
        other.stop()
        for write in (
            lambda: store.set(away, b"v", topic=topic),
            lambda: store.add(away, b"v", topic=topic),
            lambda: store.delete(away, topic=topic),
        ):
            with pytest.raises(StoreUnavailable):
                write()
        store.set(topic, b"w", topic=topic)
        found = store.changes(topic, since)
        assert found.complete
        assert found.changes[-1].key == topic
        store.leave()
        opened.close()


@pytest.mark.parametrize("step", ["write", "note"])
def test_a_write_that_is_cancelled_is_no_gap(server, monkeypatch, step):
    opened: Any = open_store(server.url, timeout=10)
    server.ask("flush_all")
    opened.set(b"k", b"v", topic=b"t")
    since = opened.position(b"t")
    store = opened.asynchronous
    real = store._driver._do
    steps = iter(["count", "write", "note"])

    async def cancelled_there() -> None:
        async def do(pools: Any, request: Any) -> Any:
            if next(steps, "") == step:
                working.cancel()
                await asyncio.sleep(0)
            return await real(pools, request)

        monkeypatch.setattr(store._driver, "_do", do)
        working = asyncio.ensure_future(store.set(b"k", b"w", topic=b"t"))
        with pytest.raises(asyncio.CancelledError):
            await working

    asyncio.run(cancelled_there())
    opened.set(b"l", b"v", topic=b"t")
    assert told(opened, since) == {b"k", b"l"}
    opened.close()
