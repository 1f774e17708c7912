"""A topic's log in Redis tells when something is missing from it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.stores import Store, StoreError, StoreFull, open_store
from holdfast.stores.protocol import Operation
from holdfast.stores.redis.requests import Run
from holdfast.stores.redis.scripts import CLEARED
from tests.services.redis import running_redis

pytestmark = pytest.mark.needs("redis")


@pytest.fixture
def server() -> Iterator[Any]:
    with running_redis() as server:
        yield server


@pytest.fixture
def store(server: Any) -> Iterator[Store]:
    store = open_store(server.url)
    yield store
    store.close()


def write(store: Store, *values: bytes) -> list[int]:
    """The position of each."""
    positions = []
    for value in values:
        store.set(b"k", value, topic=b"t")
        positions.append(store.position(b"t"))
    return positions


def test_what_was_trimmed_shows(server):
    store = open_store(server.url, log_length=100)
    first, *_, last = write(store, *[b"%d" % number for number in range(400)])
    assert len(store.changes(b"t", last - 1_000_000_000, limit=1000).changes) == 0
    assert not store.changes(b"t", 0).complete
    lost = store.changes(b"t", first)
    assert (lost.complete, lost.changes, lost.newest) == (False, [], last)
    assert store.changes(b"t", last).complete
    # "About" 100: the server trims whole nodes of the stream.
    assert int(server.ask("XLEN", "hf:t:t")[1:]) < 250
    store.close()


def test_a_flush_shows(server, store):
    seen = write(store, b"1", b"2")[-1]
    server.ask("FLUSHALL")
    assert not store.changes(b"t", seen).complete
    again = write(store, b"3", b"4", b"5", b"6")
    assert again[0] > seen
    assert not store.changes(b"t", seen).complete
    assert len(store.changes(b"t", 0).changes) == 4


def test_a_server_that_comes_back_with_older_data_shows(server, store):
    known = write(store, b"1", b"2")[-1]
    server.ask("SAVE")
    lost = write(store, b"3", b"4")[-1]
    server.stop()
    server.start()
    assert store.get(b"k") == b"2"
    # Who had seen what is lost now is told, at once and however much is written since.
    assert not store.changes(b"t", lost).complete
    write(store, *[b"%d" % number for number in range(10)])
    assert not store.changes(b"t", lost).complete
    # Who had not misses nothing.
    since = store.changes(b"t", known)
    assert since.complete
    assert len(since.changes) == 10


def test_fences_grow_although_the_server_forgot(server, store):
    first = store.acquire(b"l", b"a", 5)
    server.ask("FLUSHALL")
    second = store.acquire(b"l", b"b", 5)
    server.stop()
    server.start()
    third = store.acquire(b"l", b"c", 5)
    assert first is not None
    assert second is not None
    assert third is not None
    assert first < second < third


def test_a_waiter_is_woken_by_the_release_and_not_by_a_look_at_the_clock(server, store):
    assert store.acquire(b"l", b"a", 60)
    before = int(
        server.ask("INFO", "commandstats").partition("cmdstat_evalsha:calls=")[2].split(",")[0]
    )
    assert store.acquire(b"l", b"b", 60, timeout=0.9) is None
    after = int(
        server.ask("INFO", "commandstats").partition("cmdstat_evalsha:calls=")[2].split(",")[0]
    )
    # Some tries, two at the end of leases; three renewals; and nothing like one each few ms.
    assert after - before < 12


def test_a_script_that_the_server_forgot_is_sent_again(server, store):
    assert store.increment(b"n", initial=0) == 1
    server.ask("SCRIPT", "FLUSH")
    assert store.increment(b"n", initial=0) == 2
    assert store.acquire(b"l", b"me", 30, timeout=0)
    server.ask("SCRIPT", "FLUSH")
    time.sleep(1.2)
    # The heartbeat found its script gone as well.
    assert store.acquire(b"l", b"you", 30, timeout=0) is None


def test_a_full_server_says_what_to_do(server, store):
    server.ask("CONFIG", "SET", "maxmemory", "3mb")

    def fill() -> None:
        for number in range(100):
            store.set(b"k%d" % number, b"x" * 100_000)

    with pytest.raises(StoreFull, match="maxmemory"):
        fill()
    assert store.get(b"k0") is not None


def test_what_others_keep_under_our_name_is_an_error_not_a_value(server, store):
    server.ask("LPUSH", "hf:r:list", "x")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        store.get(b"list")


def test_a_prefix_keeps_projects_apart(server):
    ours, theirs = (open_store(f"{server.url}?prefix={name}:") for name in ("a", "b"))
    ours.set(b"k", b"ours")
    assert theirs.get(b"k") is None
    assert theirs.clear(b"") == 0
    assert ours.get(b"k") == b"ours"
    ours.close()
    theirs.close()


def clear_while(store: Any, work: Callable[[], None]) -> None:
    """Clear, with *work* done when everything has been deleted, and before that is noted."""
    operation = store.many.clear(b"", b"t")
    request = next(operation)
    while not (isinstance(request, Run) and request.script is CLEARED):
        request = operation.send(store._driver._do(store._driver.client, request))
    work()
    store._driver._do(store._driver.client, request)


def followed(store: Store, since: int) -> set[bytes]:
    """The keys that a copy has, which was empty at that position."""
    copy: set[bytes] = set()
    found = store.changes(b"t", since)
    assert found.complete
    for change in found.changes:
        if change.operation is Operation.CLEAR:
            copy.clear()
        elif store.get(change.key) is not None:
            copy.add(change.key)
        else:
            copy.discard(change.key)
    return copy


@pytest.mark.parametrize("before", [0, 2])
def test_what_was_written_while_others_cleared_is_told_after_it(store, before):
    write(store, *[b"old"] * before)
    since = store.position(b"t")

    def work() -> None:
        store.set(b"spared", b"v", topic=b"t")
        store.set(b"gone", b"v", topic=b"t")
        store.delete(b"gone", topic=b"t")

    clear_while(store, work)
    assert store.scan(b"").keys == [b"spared"]
    assert followed(store, since) == {b"spared"}


def test_what_was_trimmed_while_others_cleared_is_a_gap(server):
    store = open_store(server.url, log_length=100)
    write(store, b"old")
    seen: list[int] = []

    def work() -> None:
        store.set_many({b"%d" % number: b"" for number in range(400)}, topic=b"t")
        seen.append(store.position(b"t"))

    clear_while(store, work)
    gap = store.changes(b"t", seen[0])
    assert not gap.complete
    assert gap.newest == store.position(b"t")
    assert not store.changes(b"t", 0).complete
    store.set(b"new", b"", topic=b"t")
    assert followed(store, gap.newest) == {b"new"}
    store.close()


@pytest.mark.parametrize("prefix", [b"*", b"?", b"[a]", b"\\", b"a*"])
def test_special_characters_in_a_prefix_stand_for_themselves(store, prefix):
    store.set_many({prefix + b"in": b"", b"a-in": b"", b"out": b""})
    assert store.scan(prefix).keys == [prefix + b"in"]
    assert store.clear(prefix) == 1
