"""A shared dict is a dict, seen by all."""

import copy
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from uuid import UUID

import pytest

from holdfast import shared
from tests.shared.conftest import LISTING
from tests.values.shapes import Plain, Point

listing = pytest.mark.parametrize("engine", LISTING, indirect=True)


def test_what_one_handle_wrote_another_reads(flags):
    flags["key0"] = Plain("some data")
    assert shared.dict(flags.name)["key0"].data == "some data"


def test_it_has_what_a_dict_has(flags):
    flags["a"] = 1
    assert flags["a"] == flags.get("a") == 1
    assert "a" in flags
    assert "b" not in flags
    assert flags.get("b") is None
    assert flags.get("b", 2) == 2
    del flags["a"]
    assert "a" not in flags


@listing
def test_it_is_listed_as_a_dict_is(flags):
    assert not flags
    flags.update({"a": 1, "b": [2]}, c=None)
    assert flags
    assert len(flags) == 3
    assert sorted(flags) == sorted(flags.keys()) == ["a", "b", "c"]
    assert dict(flags) == dict(flags.items()) == {"a": 1, "b": [2], "c": None}
    assert [2] in flags.values()
    assert ("a", 1) in flags.items()
    flags.clear()
    assert dict(flags) == {}


@pytest.mark.parametrize("key", ["gone", 7, b"x", UUID(int=1), ("a", (1, b"b"))], ids=repr)
def test_a_key_that_is_not_there_is_named_as_its_user_wrote_it(flags, key):
    for ask in (flags.__getitem__, flags.__delitem__, flags.pop, flags.expires_in):
        with pytest.raises(KeyError) as raised:
            ask(key)
        assert raised.value.args == (key,)
    with pytest.raises(KeyError, match="gone"):
        flags.change("gone", lambda value: value)


def test_different_keys_stay_different(flags):
    class Name(StrEnum):
        ONE = "one"

    keys = [1, "1", b"1", "i1", ("1",), (1,), (1, ("",)), ("1", ""), "", b"", (), ((),), -1]
    keys += [UUID(int=1), str(UUID(int=1)), "{a}", "a:b", "%", "\0", "é", "\ud800", 2**100]
    flags.set_many({key: repr(key) for key in keys})
    assert flags.get_many(keys) == {key: repr(key) for key in keys}
    flags["one"] = 1
    assert flags[Name.ONE] == 1


@listing
def test_keys_are_listed_as_they_were_given(flags):
    keys = {1, "1", b"1", (), ((), ("a", 1)), UUID(int=1), "é", "\ud800", "{a}:", 2**100}
    flags.set_many(dict.fromkeys(keys, 1))
    assert set(flags) == keys


@pytest.mark.parametrize(
    "key", [None, 1.0, [1], frozenset(), (1, None), object()], ids=lambda key: type(key).__name__
)
def test_other_keys_are_refused(flags, key):
    with pytest.raises(TypeError, match="must be a str, int, bytes, UUID or a tuple of these"):
        flags[key] = 1


@listing
def test_dicts_whose_names_are_alike_do_not_meet(store, name):
    names = [name, name + ":", name + ":s", name + "}", "{" + name, name + "%7D", name + "\0"]
    dicts = [shared.dict(one) for one in names]
    for one in dicts:
        one["key"] = one.name
    for one in dicts:
        assert dict(one) == {"key": one.name}
        one.clear()


def test_what_it_gives_is_a_copy(flags):
    flags["a"] = [1]
    flags["a"].append(2)
    assert flags["a"] == [1]
    flags.change("a", lambda value: [*value, 2])
    assert flags["a"] == [1, 2]


def test_what_cannot_be_stored_is_named_with_its_key(flags):
    with pytest.raises(shared.NotStorable) as raised:
        flags["key0"] = lambda: 1
    message = f"{flags.name}['key0'] can't be stored: it is or holds a function"
    assert str(raised.value).startswith(message)
    with pytest.raises(shared.NotStorable, match=r"\['key1'\]"):
        flags.set_many({"key0": 1, "key1": threading.Lock()})
    assert "key0" not in flags


def test_what_was_written_by_an_unknown_key_is_missing(flags, store):
    import holdfast

    flags["key0"] = Plain(1)
    holdfast.configure({"STORES": {"default": store}, "KEY": "quite another key"})
    assert "key0" not in flags
    assert flags.get("key0") is None
    with pytest.raises(KeyError):
        flags["key0"]
    assert flags.setdefault("key0", 5) == 5
    assert flags["key0"] == 5


# Atomic


def test_change_replaces_the_value_by_what_the_function_makes_of_it(flags):
    assert flags.change("visits", lambda n: n + 1, default=0) == 1
    assert flags.change("visits", lambda n: n + 1, default=0) == 2
    assert flags["visits"] == 2


def test_no_change_is_lost_between_threads(flags):
    def work() -> None:
        for _ in range(50):
            flags.change("visits", lambda n: n + 1, default=0)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work) for _ in range(8)]:
            future.result()
    assert flags["visits"] == 400


def test_change_is_called_again_with_the_new_value(flags):
    flags["a"] = 1
    seen = []

    def function(value):
        seen.append(value)
        if len(seen) == 1:
            flags["a"] = 10
        return value + 1

    assert flags.change("a", function) == 11
    assert seen == [1, 10]


def test_a_default_that_the_function_changes_is_fresh_each_time(flags):
    def function(value):
        value.append(1)
        if len(value) == 1 and "tried" not in flags:
            flags["tried"] = True
            flags["a"] = ["other"]
            del flags["a"]
            flags["a"] = []
            del flags["a"]
        return value

    default = []
    assert flags.change("a", function, default=default) == [1]
    assert default == []


def test_change_gives_up_when_its_time_is_over(flags):
    flags["a"] = 0

    def function(value):
        flags["a"] = value + 1
        return -1

    begun = time.monotonic()
    with pytest.raises(shared.ChangeTimeout, match=r"\['a'\] was changed by others in each of"):
        flags.change("a", function, timeout=0.1)
    assert 0.1 <= time.monotonic() - begun < 2
    assert flags["a"] > 0


def test_what_the_function_raises_is_raised_and_nothing_is_changed(flags):
    flags["a"] = 1
    with pytest.raises(ZeroDivisionError):
        flags.change("a", lambda value: value / 0)
    assert flags["a"] == 1


def test_compare_and_set(flags):
    assert not flags.compare_and_set("a", 1, 2)
    assert flags.compare_and_set("a", shared.MISSING, 1)
    assert not flags.compare_and_set("a", shared.MISSING, 2)
    assert not flags.compare_and_set("a", 7, 2)
    assert flags.compare_and_set("a", 1, {"b": 2})
    assert flags.compare_and_set("a", {"b": 2}, shared.MISSING)
    assert "a" not in flags
    assert flags.compare_and_set("a", shared.MISSING, shared.MISSING)


def test_setdefault_is_decided_once(flags):
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: flags.setdefault("a", number), range(8)))
    assert set(got) == {flags["a"]}


def test_pop_gives_a_value_to_one_only(flags):
    flags["a"] = 1
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: flags.pop("a", None), range(8)))
    assert sorted(got, key=str) == [1, *[None] * 7]


@listing
def test_popitem_gives_each_item_to_one_only(flags):
    flags.set_many({number: str(number) for number in range(40)})
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: flags.popitem(), range(40)))
    assert sorted(got) == [(number, str(number)) for number in range(40)]
    with pytest.raises(KeyError, match="the shared dict is empty"):
        flags.popitem()


# Time to live


def test_values_live_as_long_as_it_was_said(store, name):
    short = shared.dict(name, ttl=0.3)
    short["a"] = 1
    short.set("b", 2, ttl=None)
    short.set("c", 3, ttl=60)
    short.setdefault("d", 4)
    short.change("e", lambda n: n + 1, default=4)
    short.set_many({"f": 6})
    assert 0 < short.expires_in("a") <= 0.3
    assert short.expires_in("b") is None
    assert 50 < short.expires_in("c") <= 60
    time.sleep(0.5)
    left = short.get_many("abcdef")
    # Memcached counts in seconds.
    assert left.keys() <= {"b", "c"} or store.startswith("memcached")
    assert {"b", "c"} <= left.keys()


def test_a_change_keeps_the_time_that_a_value_has(flags):
    flags.set("a", 1, ttl=60)
    flags.change("a", lambda n: n + 1)
    assert 50 < flags.expires_in("a") <= 60
    flags.change("a", lambda n: n + 1, ttl=None)
    assert flags.expires_in("a") is None
    assert flags.touch("a", ttl=30)
    assert 20 < flags.expires_in("a") <= 30
    assert not flags.touch("b", ttl=30)


@pytest.mark.parametrize("ttl", [0, -1, float("nan")])
def test_a_time_to_live_is_above_0(flags, ttl):
    with pytest.raises(ValueError, match="must be more than 0 seconds"):
        flags.set("a", 1, ttl=ttl)
    with pytest.raises(ValueError, match="must be more than 0 seconds"):
        shared.dict("flags", ttl=ttl)


@pytest.mark.parametrize("ttl", ["60", True])
def test_a_time_to_live_is_a_number(flags, ttl):
    with pytest.raises(TypeError, match="is a number of seconds"):
        flags.set("a", 1, ttl=ttl)


# Many at once


def test_many_are_read_written_and_deleted_at_once(flags):
    numbers = {number: number * 2 for number in range(500)}
    flags.set_many(numbers)
    assert flags.get_many([*range(500), "gone"]) == numbers
    assert flags.delete_many([1, 2, "gone"]) == 2
    assert 1 not in flags
    assert flags.get_many([]) == {}
    flags.set_many({})
    assert flags.delete_many([]) == 0
    flags.set_many(dict.fromkeys(range(1000)))
    with pytest.raises(TypeError):
        flags.delete_many([*range(900), 1.5])
    assert len(flags.get_many(range(1000))) == 1000


@listing
def test_more_than_a_page_is_listed_whole(flags):
    numbers = {number: Point(number) for number in range(2500)}
    flags.set_many(numbers)
    assert len(flags) == 2500
    assert dict(flags.items()) == numbers
    assert sorted(point.x for point in flags.values()) == sorted(numbers)


@pytest.mark.parametrize("engine", ["memcached"], indirect=True)
def test_memcached_says_that_it_cannot_list(flags):
    for listed in (len, list, bool, dict):
        with pytest.raises(shared.UnsupportedByStoreError):
            listed(flags)


# As a Python object


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_a_handle_is_compared_by_identity_and_reads_nothing(flags):
    other = shared.dict(flags.name)
    assert flags == flags  # noqa: PLR0124
    assert flags != other
    assert len({flags, other}) == 2
    assert repr(shared.dict("flags")) == "<holdfast.shared.dict 'flags'>"
    assert repr(shared.dict("a", store="b")) == "<holdfast.shared.dict 'a' on 'b'>"


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],  # noqa: S301
)
def test_a_copied_handle_is_the_same_state(flags, again):
    flags["a"] = 1
    assert again(flags)["a"] == 1
    own = again(shared.dict("other", ttl=5, logged=False))
    assert own._arguments() == {"name": "other", "store": "default", "ttl": 5, "logged": False}


@pytest.mark.parametrize("name", ["", None, 7, b"flags"])
def test_a_name_is_a_text(name):
    with pytest.raises(TypeError, match="named by a text such as 'flags'"):
        shared.dict(name)
