"""What Memcached can't do, or only so, and what becomes of it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from holdfast.stores import Store, StoreError, UnsupportedByStoreError, open_store
from holdfast.stores.memcached.address import Server, read_address
from holdfast.stores.memcached.topics import PATIENCE
from holdfast.stores.memcached.wire import read_header, remove, swap
from holdfast.stores.protocol import Operation
from tests.services.memcached import running_memcached

pytestmark = pytest.mark.needs("memcached")

LARGEST = 2**63 - 1


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with running_memcached() as server:
        yield server


@pytest.fixture
def store(server: Any) -> Iterator[Store]:
    store = open_store(server.url)
    server.ask("flush_all")
    yield store
    store.close()


def test_a_value_beyond_the_servers_limit_is_an_error_that_names_key_and_limit(store):
    with pytest.raises(StoreError, match=r"b'big' is larger than Memcached takes \(1 MB"):
        store.set(b"big", b"x" * 1_100_000)
    # The connection is sound after it.
    store.set(b"big", b"y" * 1_000_000)
    assert store.get(b"big") == b"y" * 1_000_000


def test_keys_cannot_be_listed(store):
    with pytest.raises(UnsupportedByStoreError, match="can't list its keys"):
        store.scan(b"")
    with pytest.raises(UnsupportedByStoreError, match=r"clearable=\[b'x'\]"):
        store.clear(b"x")


@pytest.mark.parametrize("key", [b"a" * 300, b"with space", b"\0\r\n", "\u00fcber".encode(), b""])
def test_a_key_that_memcached_would_not_take_works_as_any_other(store, key):
    assert store.add(key, b"v")
    assert store.get_many([key, b"x"]) == {key: b"v"}
    assert store.delete(key)
    assert store.increment(key, 5, initial=1) == 6
    assert store.increment(key, -7) == -1
    assert store.get(key) == b"-1"
    assert store.touch(key, 100)
    assert 99 < (store.expires_in(key) or 0) <= 100


def test_numbers_are_exact_at_the_ends_of_their_range(store):
    store.set(b"n", b"%d" % (LARGEST - 1))
    assert store.increment(b"n") == LARGEST
    with pytest.raises(OverflowError):
        store.increment(b"n")
    assert store.get(b"n") == b"%d" % LARGEST
    assert store.increment(b"n", -LARGEST) == 0
    assert store.increment(b"n", -LARGEST) == -LARGEST
    assert store.increment(b"n", -1) == -LARGEST - 1
    with pytest.raises(OverflowError):
        store.increment(b"n", -1)
    assert store.increment(b"n", LARGEST) == -1


def test_counting_over_the_edge_of_what_the_server_counts_stays_exact(store):
    edge = 2**61
    store.set(b"n", b"%d" % (edge - 5))
    for number in range(1, 20):
        assert store.increment(b"n") == edge - 5 + number
    for number in range(18, -1, -1):
        assert store.increment(b"n", -1) == edge - 5 + number


def test_a_small_number_after_a_large_one_is_read_right(store):
    # Memcached leaves spaces where a number became shorter.
    store.set(b"n", b"%d" % (2**60))
    store.increment(b"n", 2**32)
    store.set(b"m", b"0")
    assert store.increment(b"m", -1) == -1
    assert store.get(b"m") == b"-1"


def test_a_ttl_of_more_than_thirty_days(store):
    for days in (29, 31, 300):
        store.set(b"k", b"v", days * 86400)
        assert store.get(b"k") == b"v"
        assert store.expires_in(b"k") == pytest.approx(days * 86400, abs=3)
    store.set(b"k", b"v", 1e12)
    assert store.get(b"k") == b"v"


def test_a_ttl_is_kept_by_compare_and_set(store):
    store.set(b"k", b"v", 100)
    found = store.gets(b"k")
    assert found is not None
    assert store.replace(b"k", b"w", found[1])
    assert store.expires_in(b"k") == pytest.approx(100, abs=1)
    assert store.increment(b"n", initial=0, ttl=5) == 0 + 1
    assert store.increment(b"n") == 2
    assert store.expires_in(b"n") == pytest.approx(5, abs=1)


def test_tokens_have_all_their_64_bits():
    token = 2**40 + 7
    assert read_header(b"VA 2 f0 c%d t-1\r\n" % token).token == token
    assert swap(b"k", b"v", token).startswith(b"ms k 1 ")
    assert b" C%d\r\n" % token in swap(b"k", b"v", token)
    assert remove(b"k", token) == b"md k C%d\r\n" % token


# Clearing


def test_a_cleared_space_is_empty_for_every_process_at_once(server):
    ours, theirs = (open_store(server.url, clearable=[b"c:", b"c:in:"]) for _ in range(2))
    for number in range(3):
        assert ours.increment(b"c:n", initial=0) == 1
        assert theirs.add(b"c:k", b"v")
        ours.set(b"other", b"stays")
        ours.set(b"c:in:k", b"%d" % number)
        assert theirs.get_many([b"c:k", b"c:n", b"c:in:k"]).keys() == {b"c:k", b"c:n", b"c:in:k"}
        assert ours.clear(b"c:") == 0
        assert theirs.get_many([b"c:k", b"c:n", b"other"]) == {b"other": b"stays"}
        assert theirs.get(b"c:in:k") == b"%d" % number
    ours.close()
    theirs.close()


# Topics


def test_an_evicted_change_shows_as_a_gap(server, store):
    store.set(b"a", b"1", topic=b"t")
    since = store.position(b"t")
    for key in (b"b", b"c", b"d"):
        store.set(key, b"1", topic=b"t")
    assert [change.key for change in store.changes(b"t", since).changes] == [b"b", b"c", b"d"]
    lost = store.changes(b"t", since).changes[1].position
    name = store.topics.names.entry(b"t", lost)  # type: ignore[attr-defined]
    assert server.ask(f"delete {name.decode()}").startswith("DELETED")
    gap = store.changes(b"t", since)
    assert not gap.complete
    assert store.changes(b"t", gap.newest).complete
    assert store.changes(b"t", lost).complete


def test_a_change_of_a_writer_that_was_killed_is_not_passed_over_in_silence(store):
    store.set(b"a", b"1", topic=b"t")
    since = store.position(b"t")
    # As far as a writer comes that is killed before it notes what it did.
    store._driver.run(store.topics.reserve(b"t", 1))  # type: ignore[attr-defined]
    store.set(b"b", b"1", topic=b"t")
    begun = time.monotonic()
    assert not store.changes(b"t", since).complete
    assert time.monotonic() - begun < 1
    newest = store.position(b"t")
    store.set(b"c", b"1", topic=b"t")
    assert [change.key for change in store.changes(b"t", newest).changes] == [b"c"]


def test_a_reader_that_meets_a_topics_very_beginning_misses_nothing(store):
    driver, topics = store._driver, store.topics  # type: ignore[attr-defined]
    writer = topics.reserve(b"t", 1)
    # The counter is made, and where it began is not written yet.
    made = driver._do(next(writer))
    with ThreadPoolExecutor() as pool:
        found = pool.submit(store.changes, b"t", 0)
        time.sleep(0.05)
        counted = driver._do(writer.send(made))
        with pytest.raises(StopIteration) as ended:
            writer.send(counted)
        driver.run(topics.note(b"t", ended.value.value, [(Operation.SET, b"a")]))
    assert found.result().complete
    assert [change.key for change in found.result().changes] == [b"a"]


def test_a_topic_whose_first_writer_was_killed_is_waited_for_once(store):
    store._driver._do(next(store.topics.reserve(b"t", 1)))  # type: ignore[attr-defined]
    gap = store.changes(b"t", 0)
    assert not gap.complete
    store.set(b"a", b"1", topic=b"t")
    begun = time.monotonic()
    assert [change.key for change in store.changes(b"t", gap.newest).changes] == [b"a"]
    assert time.monotonic() - begun < PATIENCE


def test_what_changed_nothing_is_passed_over_in_slices(store):
    store.set(b"a", b"1", topic=b"t")
    since = store.position(b"t")
    store.delete_many([b"%d" % number for number in range(5)], topic=b"t")
    store.set(b"b", b"1", topic=b"t")
    for _ in range(2):
        found = store.changes(b"t", since, limit=3)
        assert found.complete
        if found.changes:
            break
        since = found.newest
    assert [change.key for change in found.changes] == [b"b"]


def test_a_writer_that_readers_gave_up_notes_its_change_again(store):
    store.set(b"a", b"1", topic=b"t")
    run, topics = store._driver.run, store.topics  # type: ignore[attr-defined]
    positions = run(topics.reserve(b"t", 1))
    known = store.position(b"t")
    run(topics.note(b"t", positions, [(Operation.SET, b"late")]))
    since = store.changes(b"t", known)
    assert since.complete
    assert [change.key for change in since.changes] == [b"late"]


def test_a_flush_shows(server, store):
    store.set(b"a", b"1", topic=b"t")
    since = store.position(b"t")
    server.ask("flush_all")
    assert not store.changes(b"t", since).complete
    store.set(b"a", b"1", topic=b"t")
    assert not store.changes(b"t", since).complete
    assert store.position(b"t") > since


def test_fences_grow_although_the_server_forgot(server, store):
    first = store.acquire(b"l", b"a", 5)
    server.ask("flush_all")
    second = store.acquire(b"l", b"b", 5)
    assert first is not None
    assert second is not None
    assert first < second


# Several servers, sockets, addresses


def test_keys_are_spread_over_several_servers():
    with running_memcached() as one, running_memcached() as two:
        store = open_store(f"memcached://127.0.0.1:{one.port},127.0.0.1:{two.port}", timeout=0.5)
        items = {b"k%d" % number: b"v%d" % number for number in range(200)}
        store.set_many(items)
        assert store.get_many(items) == items
        held = [int(s.ask("stats").partition("curr_items ")[2].split()[0]) for s in (one, two)]
        assert sum(held) == 200
        assert min(held) > 40
        # What is on the other server is there all the same.
        two.stop()
        reached = 0
        for key in items:
            try:
                reached += store.get(key) is not None
            except StoreError:
                pass
        assert reached == held[0]
        store.close()


def test_a_unix_socket():
    with running_memcached(unix=True) as server:
        store = open_store(server.url)
        store.set(b"k", b"v")
        assert store.get(b"k") == b"v"
        assert store.stats()["curr_items"] == 1
        store.close()


def test_addresses():
    address = read_address("memcached://a,b:11212,[::1]?prefix=shop:")
    assert address.servers == (
        Server(host="a"),
        Server(host="b", port=11212),
        Server(host="::1"),
    )
    assert address.prefix == b"shop:"
    assert read_address("memcached:///run/m.sock").servers == (Server(path="/run/m.sock"),)


@pytest.mark.parametrize(
    "url",
    [
        "memcached://",
        "memcached://a/1",
        "memcached://u:p@a",
        "memcached://a?x=1",
        "memcached://a?prefix=a b",
        "memcached://a:port",
        "memcache://a",
    ],
)
def test_nonsense_is_refused_with_the_right_forms(url):
    with pytest.raises(StoreError, match="the forms are memcached://"):
        read_address(url)
