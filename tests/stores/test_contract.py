"""What every engine does, through both of its faces."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from holdfast.stores import StoreError, UnsupportedByStoreError, open_store
from holdfast.stores.protocol import Operation
from tests.stores.faces import Face, face

TOPIC = b"{t}"


@pytest.fixture(params=["sync", "async"])
def store(request: pytest.FixtureRequest, store_url: str) -> Iterator[Any]:
    opened = open_store(store_url)
    store = face(opened, request.param)
    yield store
    store.leave()
    opened.close()


@pytest.fixture
def lists(store: Any) -> Any:
    """The store, if it can list its keys."""
    try:
        store.scan(b"")
    except UnsupportedByStoreError:
        pytest.skip("this store can't list its keys")
    return store


def elsewhere(store: Face, work: Callable[[Face], Any]) -> "Future[Any]":
    """The result of *work*, done by another thread."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(work(store))
        except BaseException as error:
            result.set_exception(error)
        finally:
            store.leave()

    threading.Thread(target=run, daemon=True).start()
    return result


# Records


def test_what_is_set_is_got(store):
    store.set(b"{k}", b"value")
    assert store.get(b"{k}") == b"value"
    store.set(b"{k}", b"another")
    assert store.get(b"{k}") == b"another"


def test_what_was_never_set_is_none(store):
    assert store.get(b"{nothing}") is None
    assert store.gets(b"{nothing}") is None


@pytest.mark.parametrize(
    "value", [b"", b"\0", b"-", b"007", b"-0", b"1.5", b" 1", bytes(range(256)), b"x" * 300_000]
)
def test_a_value_comes_back_byte_for_byte(store, value):
    store.set(b"{k}", value)
    assert store.get(b"{k}") == value


@pytest.mark.parametrize(
    "key",
    [
        b"\0",
        b" ",
        b"a b\r\nc",
        bytes(range(256)),
        b"x" * 250,
        b"x" * 478,
        b"x" * 479,
        b"x" * 511,
        b"x" * 512,
        b"x" * 5000,
    ],
)
def test_a_key_may_be_any_bytes(store, key):
    store.set(key, b"value")
    assert store.get(key) == b"value"
    assert store.get(key + b"x") is None
    assert store.get_many([key]) == {key: b"value"}
    assert store.delete(key)
    assert store.get(key) is None


def test_long_keys_that_begin_alike_are_not_mixed_up(store):
    keys = [b"{k}" + b"x" * 600 + bytes([n]) for n in range(5)]
    store.set_many({key: key[-1:] for key in keys})
    assert store.get_many(keys) == {key: key[-1:] for key in keys}


def test_many_are_set_got_and_deleted_at_once(store):
    items = {b"{k}%d" % n: b"%d!" % n for n in range(1200)}
    store.set_many(items)
    assert store.get_many([*items, b"{k}none"]) == items
    assert store.delete_many([*list(items)[:700], b"{k}none"]) == 700
    assert store.get_many(list(items)) == dict(list(items.items())[700:])
    assert store.get_many([]) == {}
    store.set_many({})


def test_only_a_missing_record_is_added(store):
    assert store.add(b"{k}", b"first")
    assert not store.add(b"{k}", b"second")
    assert store.get(b"{k}") == b"first"


def test_deleting_says_whether_there_was_something(store):
    store.set(b"{k}", b"v")
    assert store.delete(b"{k}")
    assert not store.delete(b"{k}")


# Compare and set


def test_a_record_is_replaced_only_if_it_is_the_one_that_was_read(store):
    store.set(b"{k}", b"1!")
    value, token = store.gets(b"{k}")
    assert value == b"1!"
    assert store.replace(b"{k}", b"2!", token)
    assert not store.replace(b"{k}", b"3!", token)
    assert store.get(b"{k}") == b"2!"


def test_the_same_value_written_again_is_another_record(store):
    store.set(b"{k}", b"a")
    _, token = store.gets(b"{k}")
    store.set(b"{k}", b"b")
    store.set(b"{k}", b"a")
    assert not store.replace(b"{k}", b"c", token)
    store.delete(b"{k}")
    store.set(b"{k}", b"a")
    assert not store.replace(b"{k}", b"c", token)


def test_a_token_of_none_stands_for_no_record(store):
    assert store.replace(b"{k}", b"new", None)
    assert not store.replace(b"{k}", b"newer", None)
    assert store.get(b"{k}") == b"new"


def test_a_record_is_deleted_only_if_it_is_the_one_that_was_read(store):
    store.set(b"{k}", b"a")
    _, token = store.gets(b"{k}")
    store.set(b"{k}", b"b")
    assert not store.replace(b"{k}", None, token)
    _, token = store.gets(b"{k}")
    assert store.replace(b"{k}", None, token)
    assert store.get(b"{k}") is None


def test_replacing_keeps_the_ttl_unless_another_is_given(store):
    store.set(b"{k}", b"a", 100)
    _, token = store.gets(b"{k}")
    assert store.replace(b"{k}", b"b", token)
    assert 90 < store.expires_in(b"{k}") <= 101
    _, token = store.gets(b"{k}")
    assert store.replace(b"{k}", b"b", token, 1000)
    assert 900 < store.expires_in(b"{k}") <= 1001
    _, token = store.gets(b"{k}")
    assert store.replace(b"{k}", b"b", token, None)
    assert store.expires_in(b"{k}") is None


# Expiry


def test_a_record_is_gone_after_its_ttl(store):
    store.set(b"{k}", b"v", 1)
    store.set(b"{kept}", b"v", 60)
    assert store.get(b"{k}") == b"v"
    time.sleep(2.05)
    assert store.get(b"{k}") is None
    assert store.gets(b"{k}") is None
    assert store.get_many([b"{k}", b"{kept}"]) == {b"{kept}": b"v"}
    with pytest.raises(KeyError):
        store.expires_in(b"{k}")
    assert not store.delete(b"{k}")
    assert not store.touch(b"{k}", 5)
    assert store.add(b"{k}", b"again")


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_ttl_that_is_over_means_gone_at_once(store, ttl):
    store.set(b"{k}", b"v")
    store.set(b"{k}", b"w", ttl)
    assert store.get(b"{k}") is None


def test_touching_gives_a_new_ttl(store):
    store.set(b"{k}", b"v", 1)
    assert store.touch(b"{k}", 100)
    assert 90 < store.expires_in(b"{k}") <= 101
    assert store.touch(b"{k}", None)
    assert store.expires_in(b"{k}") is None
    assert store.get(b"{k}") == b"v"
    assert store.touch(b"{k}", 0)
    assert store.get(b"{k}") is None


def test_setting_again_replaces_the_ttl(store):
    store.set(b"{k}", b"v", 1)
    store.set(b"{k}", b"v")
    assert store.expires_in(b"{k}") is None
    store.set(b"{k}", b"v", 50)
    assert 40 < store.expires_in(b"{k}") <= 51


def test_a_ttl_of_centuries_is_as_good_as_any(store):
    store.set(b"{k}", b"v", 1e11)
    assert store.get(b"{k}") == b"v"


# Numbers


def test_counting_starts_where_it_is_told(store):
    with pytest.raises(KeyError):
        store.increment(b"{n}")
    assert store.increment(b"{n}", 1, initial=0) == 1
    assert store.increment(b"{n}", 5, initial=0) == 6
    assert store.increment(b"{n}", -10) == -4
    assert store.get(b"{n}") == b"-4"


def test_a_number_may_be_set(store):
    store.set(b"{n}", b"41")
    assert store.increment(b"{n}") == 42
    assert store.get_many([b"{n}"]) == {b"{n}": b"42"}


def test_a_number_keeps_its_ttl(store):
    store.increment(b"{n}", 1, initial=0, ttl=100)
    store.increment(b"{n}", 1, initial=0, ttl=1000)
    assert 90 < store.expires_in(b"{n}") <= 101


@pytest.mark.parametrize("value", [b"x", b"", b"007", b"-0", b"1.5", b"9" * 20])
def test_only_numbers_count(store, value):
    store.set(b"{n}", value)
    with pytest.raises(TypeError):
        store.increment(b"{n}")
    assert store.get(b"{n}") == value


def test_a_sum_that_does_not_fit_changes_nothing(store):
    for limit, delta in ((2**63 - 1, 1), (-(2**63), -1)):
        store.set(b"{n}", b"%d" % limit)
        with pytest.raises(OverflowError):
            store.increment(b"{n}", delta)
        assert store.get(b"{n}") == b"%d" % limit


def test_increments_of_several_threads_are_all_counted(store):
    def count(store: Face) -> None:
        for _ in range(100):
            store.increment(b"{n}", 1, initial=0)

    for done in [elsewhere(store, count) for _ in range(4)]:
        done.result(60)
    assert store.get(b"{n}") == b"400"


# Many records


def all_keys(store: Any, prefix: bytes, limit: int) -> list[bytes]:
    found, after = [], None
    while True:
        page = store.scan(prefix, after=after, limit=limit)
        found += page.keys
        if page.after is None:
            return found
        after = page.after


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_scanning_meets_each_key_with_the_prefix(lists, limit):
    expected = {b"{a}%d" % n for n in range(25)} | {b"{a}" + b"x" * 600 + b"%d" % n for n in (1, 2)}
    lists.set_many(dict.fromkeys(expected, b"v"))
    lists.set_many({b"{b}1": b"v", b"{": b"v"})
    assert set(all_keys(lists, b"{a}", limit)) == expected
    assert set(all_keys(lists, b"{a}" + b"x" * 590, limit)) == {k for k in expected if len(k) > 99}
    assert set(all_keys(lists, b"", limit)) == expected | {b"{b}1", b"{"}


def test_scanning_meets_what_is_there_all_the_while(lists):
    lists.set_many({b"{a}%03d" % n: b"v" for n in range(200)})
    found, after = set(), None
    for round_ in range(1000):
        page = lists.scan(b"{a}", after=after, limit=10)
        found |= set(page.keys)
        lists.set(b"{a}%03d-new" % (round_ * 7 % 200), b"v")
        lists.delete(b"{a}%03d" % (round_ * 2 % 200 | 1))
        if page.after is None:
            break
        after = page.after
    assert found >= {b"{a}%03d" % n for n in range(0, 200, 2)}


def test_clearing_deletes_what_begins_with_the_prefix(lists):
    lists.set_many({b"{a}%d" % n: b"v" for n in range(1300)})
    lists.set_many({b"{b}%d" % n: b"v" for n in range(3)})
    assert lists.clear(b"{a}") == 1300
    assert lists.get(b"{a}1") is None
    assert lists.get(b"{b}1") == b"v"
    assert lists.clear(b"{a}") == 0
    lists.clear(b"")
    assert all_keys(lists, b"", 10) == []
    lists.set(b"{a}1", b"anew", 50)
    assert lists.get(b"{a}1") == b"anew"


# The log of changes


def test_each_write_with_a_topic_is_noted(lists):
    store = lists
    start = store.position(TOPIC)
    assert start == 0
    store.set(b"{t}a", b"1!", topic=TOPIC)
    store.set_many({b"{t}b": b"1!", b"{t}c": b"1!"}, topic=TOPIC)
    assert store.add(b"{t}d", b"1!", topic=TOPIC)
    assert not store.add(b"{t}d", b"1!", topic=TOPIC)
    _, token = store.gets(b"{t}a")
    assert store.replace(b"{t}a", b"2!", token, topic=TOPIC)
    assert not store.replace(b"{t}a", b"3!", token, topic=TOPIC)
    store.delete(b"{t}b", topic=TOPIC)
    store.delete(b"{t}none", topic=TOPIC)
    store.delete_many([b"{t}c", b"{t}none"], topic=TOPIC)
    _, token = store.gets(b"{t}a")
    assert store.replace(b"{t}a", None, token, topic=TOPIC)
    store.set(b"{t}unnoted", b"1!")
    store.clear(b"{t}", topic=TOPIC)
    found = store.changes(TOPIC, start)
    assert found.complete
    s, d, c = Operation.SET, Operation.DELETE, Operation.CLEAR
    assert [(change.operation, change.key) for change in found.changes] == [
        (s, b"{t}a"),
        (s, b"{t}b"),
        (s, b"{t}c"),
        (s, b"{t}d"),
        (s, b"{t}a"),
        (d, b"{t}b"),
        (d, b"{t}c"),
        (d, b"{t}a"),
        (c, b""),
    ]
    assert found.newest == found.changes[-1].position == store.position(TOPIC)


def test_changes_go_on_from_any_position(store):
    for n in range(10):
        store.set(b"{t}%d" % n, b"v", topic=TOPIC)
    everything = store.changes(TOPIC, 0)
    assert everything.complete
    positions = [change.position for change in everything.changes]
    assert positions == sorted(set(positions))
    first = store.changes(TOPIC, 0, limit=4)
    assert first.changes == everything.changes[:4]
    rest = store.changes(TOPIC, positions[3])
    assert rest.complete
    assert rest.changes == everything.changes[4:]
    nothing = store.changes(TOPIC, everything.newest)
    assert (nothing.changes, nothing.complete) == ([], True)


def test_topics_do_not_mix(store):
    store.set(b"{t}a", b"v", topic=b"{t}1")
    store.set(b"{t}b", b"v", topic=b"{t}2")
    assert [change.key for change in store.changes(b"{t}1", 0).changes] == [b"{t}a"]
    assert [change.key for change in store.changes(b"{t}2", 0).changes] == [b"{t}b"]
    assert store.changes(b"{t}3", 0).changes == []


def test_waiting_ends_with_the_next_change(store):
    store.set(b"{t}a", b"v", topic=TOPIC)
    since = store.position(TOPIC)
    assert store.wait_for_change(TOPIC, since - 1, 5)
    begun = time.monotonic()
    assert not store.wait_for_change(TOPIC, since, 0.2)
    assert 0.15 < time.monotonic() - begun < 2
    woken = elsewhere(store, lambda store: store.wait_for_change(TOPIC, since, 10))
    time.sleep(0.2)
    assert not woken.done()
    begun = time.monotonic()
    store.set(b"{t}a", b"w", topic=TOPIC)
    assert woken.result(5)
    assert time.monotonic() - begun < 0.5


# Locks


def test_a_lock_is_one_owners_at_a_time(store):
    fence = store.acquire(b"{l}", b"me", 10, timeout=0)
    assert isinstance(fence, int)
    assert store.acquire(b"{l}", b"you", 10, timeout=0) is None
    assert store.acquire(b"{l}", b"you", 10, timeout=0.1) is None
    assert not store.release(b"{l}", b"you")
    assert not store.renew(b"{l}", b"you", 10)
    assert store.release(b"{l}", b"me")
    assert not store.release(b"{l}", b"me")
    assert store.acquire(b"{l}", b"you", 10, timeout=0) > fence
    assert store.release(b"{l}", b"you")


def test_locks_do_not_mix(store):
    assert store.acquire(b"{l}1", b"me", 10, timeout=0)
    assert store.acquire(b"{l}2", b"me", 10, timeout=0)
    assert store.release(b"{l}1", b"me")
    assert store.acquire(b"{l}2", b"you", 10, timeout=0) is None
    assert store.release(b"{l}2", b"me")


def test_fences_only_grow(lists):
    fences = []
    for _ in range(3):
        fences.append(lists.acquire(b"{l}", b"me", 10, timeout=0))
        assert lists.release(b"{l}", b"me")
        lists.clear(b"")
    assert fences == sorted(set(fences))


def test_a_lock_is_free_after_its_ttl(store):
    first = store.acquire(b"{l}", b"me", 1.5, timeout=0)
    begun = time.monotonic()
    second = store.acquire(b"{l}", b"you", 10, timeout=5)
    assert second > first
    assert 1 < time.monotonic() - begun < 3.5
    assert not store.release(b"{l}", b"me")
    assert not store.renew(b"{l}", b"me", 10)
    assert store.release(b"{l}", b"you")


def test_a_renewed_lock_is_held_for_longer(store):
    store.acquire(b"{l}", b"me", 1.5, timeout=0)
    assert store.renew(b"{l}", b"me", 30)
    assert store.acquire(b"{l}", b"you", 10, timeout=2.5) is None
    assert store.release(b"{l}", b"me")


def test_a_waiter_gets_the_lock_when_it_is_released(store):
    store.acquire(b"{l}", b"me", 30, timeout=0)
    waiting = elsewhere(store, lambda store: store.acquire(b"{l}", b"you", 30, timeout=10))
    time.sleep(0.2)
    assert not waiting.done()
    begun = time.monotonic()
    assert store.release(b"{l}", b"me")
    assert waiting.result(5)
    assert time.monotonic() - begun < 0.5
    assert store.release(b"{l}", b"you")


def test_nobody_is_inside_together(store):
    inside, most = [], []

    def enter(store: Face) -> None:
        me = str(threading.get_ident()).encode()
        for _ in range(15):
            assert store.acquire(b"{l}", me, 30, timeout=30) is not None
            inside.append(me)
            most.append(len(inside))
            time.sleep(0.001)
            inside.remove(me)
            assert store.release(b"{l}", me)

    for done in [elsewhere(store, enter) for _ in range(4)]:
        done.result(60)
    assert max(most) == 1
    assert len(most) == 60


# The store itself


def test_a_closed_store_opens_again(store, engine):
    store.set(b"{k}", b"v")
    store.close()
    assert store.get(b"{k}") == b"v"
    store.set(b"{k}", b"w")
    assert store.get(b"{k}") == b"w"


def test_figures_are_for_people(store):
    store.set(b"{k}", b"v")
    assert store.stats()


def test_an_unknown_option_is_refused(store_url, engine):
    with pytest.raises((StoreError, TypeError)):
        open_store(store_url, nonsense=1)
