"""Tags in a cluster of three masters: the same, though results lie apart from their tags."""

import time
from collections.abc import Iterator

import pytest

from holdfast.stores import open_store
from tests.services.redis import RedisServer, running_cluster
from tests.stores.test_tags import *  # noqa: F403 - the contract, once more

pytestmark = pytest.mark.needs("redis")

_numbers = iter(range(10_000))


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, list[RedisServer]]]:
    with running_cluster() as started:
        yield started


@pytest.fixture(params=["redis"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store_url(cluster: tuple[str, list[RedisServer]]) -> str:
    return f"{cluster[0]}?prefix=t{next(_numbers)}:"


def test_results_lie_on_all_nodes(tags, cluster):
    for n in range(30):
        assert tags.put(b"k%d" % n, b"v", None, tags.stamp(), [b"a"])
    assert len(tags.get_many([b"k%d" % n for n in range(30)])) == 30
    held = [server.ask("DBSIZE") for server in cluster[1]]
    assert all(size.strip() != ":0" for size in held)


def test_results_on_other_nodes_are_not_valid_when_the_tags_are_lost(cluster):
    from redis.crc import key_slot

    prefix = b"lost:"
    opened = open_store(f"{cluster[0]}?prefix=lost:", commit_timeout=0.02)
    try:
        while opened.tags.stamp() is None:
            time.sleep(0.01)
        keys = [b"k%d" % n for n in range(30)]
        for key in keys:
            assert opened.tags.put(key, b"v", None, opened.tags.stamp(), [b"a"])
        # A third of the slots each, in order.
        home = key_slot(b"%stags" % prefix) * 3 // 16384
        cluster[1][home].ask("FLUSHALL")
        left = opened.tags.get_many(keys)
        assert left
        assert not any(entry.valid for entry in left.values())
    finally:
        opened.close()
