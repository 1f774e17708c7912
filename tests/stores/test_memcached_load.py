"""Memcached under many calls at once, or large ones."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from holdfast.stores import StoreTimeout, open_store
from tests.services.memcached import running_memcached

pytestmark = pytest.mark.needs("memcached")


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with running_memcached() as server:
        yield server


def test_calls_that_name_their_keys_in_another_order_do_not_starve_each_other(server, monkeypatch):
    with running_memcached() as other:
        url = f"{server.url},127.0.0.1:{other.port}"
        store: Any = open_store(url, timeout=20, max_connections=1)
        there = store.records.spaces.names.server
        on = {there(b"%d" % number): b"%d" % number for number in range(40)}
        one, two = on[0], on[1]
        store.set_many({one: b"1", two: b"2"})
        # Both have their first connection before either asks for its second; if both can.
        first = threading.Barrier(2)
        took = threading.local()
        pool = type(store._driver._pools[0])
        real = pool.take

        def take(pool: Any) -> Any:
            connection = real(pool)
            if not hasattr(took, "one"):
                took.one = True
                with contextlib.suppress(threading.BrokenBarrierError):
                    first.wait(0.5)
            return connection

        monkeypatch.setattr(pool, "take", take)
        with ThreadPoolExecutor(2) as threads:
            for found in threads.map(store.get_many, [[one, two], [two, one]]):
                assert found == {one: b"1", two: b"2"}
        store.close()


def test_a_call_in_a_space_may_take_longer_than_one_answer(server, monkeypatch):
    store: Any = open_store(server.url, clearable=[b"c:"])
    store.set(b"c:k", b"v")
    monkeypatch.setattr(store.records.spaces, "_patience", -1)
    assert store.get(b"c:k") == b"v"
    store.set_many({b"c:k": b"w"})
    assert store.get(b"c:k") == b"w"
    store.close()


def test_a_space_that_others_keep_clearing_is_given_up(server, monkeypatch):
    ours, theirs = (open_store(server.url, clearable=[b"c:"]) for _ in range(2))
    ours.get(b"c:k")
    theirs.clear(b"c:")
    monkeypatch.setattr(ours.records.spaces, "_patience", -1)  # type: ignore[attr-defined]
    with pytest.raises(StoreTimeout, match="cleared by others again and again"):
        ours.get(b"c:k")
    ours.close()
    theirs.close()
