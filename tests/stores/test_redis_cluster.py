"""What every engine does, on a cluster of three masters; and what only a cluster brings.

The contract runs through one face here, to save time; the other is seen to reach all nodes.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import UnsupportedByStoreError, open_store
from tests.services.redis import RedisServer, running_cluster
from tests.stores.faces import face
from tests.stores.test_contract import *  # noqa: F403 - the contract, once more
from tests.stores.test_contract_locks import *  # noqa: F403
from tests.stores.test_contract_many import *  # noqa: F403
from tests.stores.test_contract_topics import *  # noqa: F403

pytestmark = pytest.mark.needs("redis")

_numbers = iter(range(10_000))


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, list[RedisServer]]]:
    with running_cluster() as started:
        yield started


@pytest.fixture
def store_url(cluster: tuple[str, list[RedisServer]]) -> str:
    return f"{cluster[0]}?prefix=t{next(_numbers)}:"


@pytest.fixture
def engine() -> str:
    return "redis"


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    opened = open_store(store_url, timeout=10)
    store = face(opened, "async")
    yield store
    store.leave()
    opened.close()


@pytest.fixture
def sync_store(store_url: str) -> Iterator[Any]:
    opened = open_store(store_url, timeout=10)
    yield opened
    opened.close()


def test_a_key_and_its_topic_without_a_common_tag_are_refused(sync_store):
    with pytest.raises(UnsupportedByStoreError, match="hash tag"):
        sync_store.set(b"key", b"value", topic=b"topic")


def test_keys_are_spread_over_all_nodes_and_found_there(cluster, sync_store):
    items = {b"k%d" % number: b"v%d" % number for number in range(300)}
    sync_store.set_many(items)
    sync_store.set_many({b"other": b""}, 60)
    assert all("keys=" in server.ask("INFO", "keyspace") for server in cluster[1])

    assert sync_store.get_many([*items, b"nothing"]) == items
    met, after = set(), None
    while True:
        page = sync_store.scan(b"k", after=after, limit=50)
        met.update(page.keys)
        after = page.after
        if after is None:
            break
    assert met == set(items)
    assert sync_store.delete_many([b"k1", b"k2", b"nothing"]) == 2
    assert sync_store.clear(b"k") == 298
    assert sync_store.get(b"other") == b""


def test_locks_and_numbers_work_on_any_node(sync_store):
    for number in range(20):
        key = b"n%d" % number
        assert sync_store.increment(key, 2, initial=1) == 3
        assert sync_store.acquire(key, b"me", 5, timeout=0)
        assert sync_store.acquire(key, b"you", 5, timeout=0) is None
        assert sync_store.release(key, b"me")
