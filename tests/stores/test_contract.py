"""What every engine does with a record, through both of its faces."""

import time

import pytest

from holdfast.stores import StoreError, open_store
from tests.stores.faces import Face, elsewhere

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


@pytest.mark.parametrize("ttl", [1e11, float("inf")])
def test_a_ttl_of_centuries_is_as_good_as_any(store, ttl):
    store.set(b"{k}", b"v", ttl)
    assert store.touch(b"{k}", ttl)
    assert store.increment(b"{n}", initial=0, ttl=ttl) == 1
    assert store.get_many([b"{k}", b"{n}"]) == {b"{k}": b"v", b"{n}": b"1"}


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
    # Memcached keeps what it counts with itself a little longer.
    assert 90 < store.expires_in(b"{n}") <= 102


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
