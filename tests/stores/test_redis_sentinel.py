"""What every engine does, through a sentinel; and what happens when the master dies."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import StoreUnavailable, open_store
from tests.services.redis import running_sentinel, wait_until
from tests.stores.faces import face
from tests.stores.test_contract import *  # noqa: F403 - the contract, once more
from tests.stores.test_contract_locks import *  # noqa: F403
from tests.stores.test_contract_many import *  # noqa: F403
from tests.stores.test_contract_topics import *  # noqa: F403

pytestmark = pytest.mark.needs("redis")

_numbers = iter(range(10_000))


@pytest.fixture(scope="module")
def sentinel_url() -> Iterator[str]:
    with running_sentinel() as (url, _, _):
        yield url


@pytest.fixture
def store_url(sentinel_url: str) -> str:
    return f"{sentinel_url}&prefix=t{next(_numbers)}:"


@pytest.fixture
def engine() -> str:
    return "redis"


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    opened = open_store(store_url, timeout=10)
    yield face(opened, "sync")
    opened.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_replica_that_is_promoted_is_found(kind):
    with running_sentinel() as (url, master, replica):
        opened = open_store(url)
        store = face(opened, kind)
        store.set(b"k", b"before")
        wait_until(lambda: replica.ask("DBSIZE").startswith(":1"), "the replica")
        master.stop()
        with pytest.raises(StoreUnavailable):
            store.get(b"k")

        def is_back() -> bool:
            begun = time.monotonic()
            try:
                store.set(b"k", b"after")
            except StoreUnavailable:
                assert time.monotonic() - begun < 2.5
                return False
            return True

        wait_until(is_back, "the promotion")
        assert store.get(b"k") == b"after"
        assert "role:master" in replica.ask("INFO", "replication")
        store.leave() if kind == "async" else None
        opened.close()


def test_nobody_there_is_said_in_one_line():
    store = open_store("redis+sentinel://127.0.0.1:1/shop")
    with pytest.raises(StoreUnavailable, match="no sentinel names a master for 'shop'") as raised:
        store.get(b"k")
    assert "\n" not in str(raised.value)
    store.close()
