"""The guard: one load for all who ask, and no outage of the site."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import InvalidCacheBackendError

from holdfast.django.cache import EmbeddedCache, GuardedCache, NotCacheable
from holdfast.django.cache.guard import Guard, guard_of
from holdfast.stores import StoreUnavailable

ON = {"ONE_LOAD": True}


@pytest.fixture
def cache(make: Any) -> Any:
    return make(OPTIONS=ON)


class Slow:
    """A function that is told when to end, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        self.begun.set()
        assert self.go_on.wait(20)
        return self.calls


def in_threads(number: int, call: Callable[[], Any], meanwhile: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(number) as pool:
        calls = [pool.submit(call) for _ in range(number)]
        meanwhile()
        return [each.result() for each in calls]


# One load


def test_one_of_many_threads_loads_and_the_others_wait(make: Any) -> None:
    slow = Slow()

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        time.sleep(0.1)
        slow.go_on.set()

    values = in_threads(30, lambda: make(OPTIONS=ON).get_or_set("a", slow), meanwhile)
    assert values == [1] * 30
    assert slow.calls == 1
    assert make(OPTIONS=ON).get("a") == 1


def test_one_of_many_tasks_loads_and_the_others_wait(cache: Any) -> None:
    calls: list[int] = []

    async def load() -> int:
        calls.append(1)
        await asyncio.sleep(0.1)
        return len(calls)

    async def ask() -> list[Any]:
        return await asyncio.gather(*(cache.aget_or_set("a", load) for _ in range(30)))

    assert asyncio.run(ask()) == [1] * 30
    assert len(calls) == 1


def test_threads_and_tasks_wait_for_each_other(make: Any) -> None:
    slow = Slow()

    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(make(OPTIONS=ON).aget_or_set("a", slow) for _ in range(5)),
        )

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        threading.Timer(0.2, slow.go_on.set).start()
        assert asyncio.run(ask()) == [1] * 5

    values = in_threads(5, lambda: make(OPTIONS=ON).get_or_set("a", slow), meanwhile)
    assert values == [1] * 5
    assert slow.calls == 1


def forked(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_one_of_several_processes_loads(make: Any, tmp_path: Any) -> None:
    cache = make(OPTIONS=ON)
    cache.set("ready", 1)

    def load() -> str:
        with (tmp_path / "loads").open("a") as file:
            file.write("x")
        time.sleep(0.3)
        return "made"

    def work() -> None:
        values = in_threads(5, lambda: cache.get_or_set("a", load), lambda: None)
        os._exit(0 if values == ["made"] * 5 else 2)

    children = [forked(work) for _ in range(4)]
    assert [ended(child) for child in children] == [0] * 4
    assert (tmp_path / "loads").read_text() == "x"


def test_who_waits_for_a_process_that_is_killed_loads_instead(make: Any, place: str) -> None:
    cache = make(OPTIONS=ON)
    cache.set("ready", 1)
    reading, writing = os.pipe()

    def work() -> None:
        cache.get_or_set("a", lambda: (os.write(writing, b"x"), time.sleep(60)))

    child = forked(work)
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.close(writing)
    threading.Timer(0.2, os.kill, (child, signal.SIGKILL)).start()
    began = time.monotonic()
    assert cache.get_or_set("a", lambda: "made") == "made"
    assert time.monotonic() - began < (3 if place == "embedded" else 6)
    assert ended(child) == -signal.SIGKILL
    assert cache.get("a") == "made"


def test_if_the_function_fails_the_next_one_tries(cache: Any) -> None:
    calls: list[int] = []
    begun = threading.Event()

    def load() -> int:
        calls.append(1)
        begun.set()
        time.sleep(0.1)
        if len(calls) == 1:
            raise LookupError("not now")
        return len(calls)

    def ask() -> Any:
        try:
            return cache.get_or_set("a", load)
        except LookupError:
            return "failed"

    values = in_threads(10, ask, begun.wait)
    assert sorted(map(str, values)) == ["2"] * 9 + ["failed"]


def test_who_has_waited_long_enough_loads_for_himself(make: Any) -> None:
    cache = make(OPTIONS={**ON, "WAIT": 0.1})
    slow = Slow()

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        assert cache.get_or_set("a", lambda: "own") == "own"
        assert asyncio.run(cache.aget_or_set("a", lambda: "own")) == "own"
        slow.go_on.set()

    assert in_threads(1, lambda: cache.get_or_set("a", slow), meanwhile) == [1]
    assert cache.get("a") == 1


@pytest.mark.parametrize("way", ["delete", "delete_many", "clear"])
def test_what_was_loaded_before_a_delete_is_not_there_after_it(cache: Any, way: str) -> None:
    slow = Slow()
    delete = {
        "delete": lambda: cache.delete("a"),
        "delete_many": lambda: cache.delete_many(["a", "b"]),
        "clear": cache.clear,
    }[way]

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        delete()
        slow.go_on.set()

    assert in_threads(1, lambda: cache.get_or_set("a", slow), meanwhile) == [1]
    assert cache.get("a") is None
    assert cache.get_or_set("a", lambda: "new") == "new"
    assert cache.get("a") == "new"


@pytest.mark.parametrize("way", ["set", "add", "set_many", "aset", "aadd"])
def test_what_is_set_while_it_is_loaded_is_what_counts(cache: Any, way: str) -> None:
    slow = Slow()

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        if way == "set_many":
            assert cache.set_many({"a": "set"}) == []
        elif way == "add":
            assert cache.add("a", "set") is True
            assert cache.add("a", "again") is False
        elif way == "aadd":
            assert asyncio.run(cache.aadd("a", "set")) is True
            assert asyncio.run(cache.aadd("a", "again")) is False
        elif way == "aset":
            asyncio.run(cache.aset("a", "set"))
        else:
            cache.set("a", "set")
        slow.go_on.set()

    assert in_threads(1, lambda: cache.get_or_set("a", slow), meanwhile) == ["set"]
    assert cache.get("a") == "set"


def test_while_it_is_loaded_there_is_no_value(cache: Any, caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()

    def meanwhile() -> None:
        assert slow.begun.wait(10)
        assert cache.get("a", "none") == "none"
        assert asyncio.run(cache.aget("a", "none")) == "none"
        assert cache.get_many(["a"]) == {}
        assert not cache.has_key("a")
        with pytest.raises(ValueError, match="not found"):
            cache.incr("a")
        slow.go_on.set()

    # Looking doesn't take the place away either.
    assert in_threads(1, lambda: cache.get_or_set("a", slow), meanwhile) == [1]
    assert cache.get("a") == 1
    assert caplog.records == []


def test_values_of_all_kinds_and_times_are_returned(cache: Any) -> None:
    assert cache.get_or_set("plain", 7) == 7
    assert cache.get_or_set("none", lambda: None) is None
    assert cache.get("none", "missing") is None
    assert cache.get_or_set("over", lambda: 8, timeout=0) == 8
    assert cache.get("over") is None
    assert cache.get_or_set("short", lambda: 9, timeout=1) == 9
    with pytest.raises(NotCacheable, match="'call'"):
        cache.get_or_set("call", threading.Lock)
    assert cache.get("call") is None
    assert cache.get_or_set("version", lambda: 1, version=2) == 1
    assert cache.get("version", version=2) == 1
    assert cache.get("version") is None


def test_a_function_that_asks_for_its_own_value_is_told_so(cache: Any) -> None:
    with pytest.raises(RuntimeError, match="called itself"):
        cache.get_or_set("a", lambda: cache.get_or_set("a", lambda: 1))


@pytest.mark.parametrize(
    "place", ["embedded", pytest.param("redis", marks=pytest.mark.needs("redis"))], indirect=True
)
def test_a_load_counts_as_the_entry_that_it_will_be(make: Any) -> None:
    cache = make(OPTIONS={**ON, "MAX_ENTRIES": 20})
    for number in range(60):
        cache.get_or_set(f"a{number}", lambda: 1)
        assert len(cache._store.scan(b"cache:").keys) <= 20


# Times


def test_time_outs_are_spread_but_not_those_that_count(make: Any) -> None:
    cache = make(OPTIONS={"SPREAD": 0.2})
    left: list[float] = []
    for number in range(20):
        cache.set(f"a{number}", 1, 1000)
        cache.get_or_set(f"b{number}", lambda: 1, 1000)
        left += [cache._store.expires_in(cache._place(f"{k}{number}", None)) for k in "ab"]
    cache.set_many({"m": 1}, 1000)
    left.append(cache._store.expires_in(cache._place("m", None)))
    assert all(790 < seconds <= 1000 for seconds in left)
    assert len({round(seconds) for seconds in left}) > 5
    # A lock, a limit, what somebody counts on.
    cache.add("lock", 1, 1000)
    cache.set("soon", 1, 5)
    cache.set("touched", 1, 5)
    cache.touch("touched", 1000)
    cache.set("ever", 1, None)
    expires_in = {
        key: cache._store.expires_in(cache._place(key, None))
        for key in ("lock", "soon", "touched", "ever")
    }
    assert expires_in["lock"] > 990
    assert 3 < expires_in["soon"] <= 5
    assert expires_in["touched"] > 990
    assert expires_in["ever"] is None


# Outages


@pytest.fixture
def redis() -> Iterator[Any]:
    from tests.services.redis import running_redis

    with running_redis() as server:
        yield server


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.needs("redis")
def test_an_outage_of_the_store_is_none_of_the_site(
    redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cache = GuardedCache(redis.url, {"OPTIONS": {"STORE_TIMEOUT": 0.5}})
    guard = guard_of(cache._store)
    cache.set_many({"kept": 1, "old": 1, "gone": 1, "many": 1, "touched": 1, "async": 1})
    with caplog.at_level(logging.WARNING, "holdfast"):
        redis.hang()
        assert cache.get("kept", "none") == "none"
        began = time.monotonic()
        for _ in range(200):
            assert cache.get("kept", "none") == "none"
            assert cache.get_many(["kept"]) == {}
            assert not cache.has_key("kept")
            cache.set("old", 2)
            assert cache.delete("gone") is False
            assert cache.set_many({"many": 2}) == ["many"]
            cache.delete_many(["gone"])
            assert cache.touch("touched") is False
            assert cache.get_or_set("made", lambda: "here") == "here"
            assert cache.get_or_set("plain", "here") == "here"
            for call in (cache.incr, cache.decr, lambda key: cache.add(key, 1)):
                with pytest.raises(StoreUnavailable, match="can't be reached"):
                    call("kept")
        # Of 200 rounds, none has waited.
        assert time.monotonic() - began < 2
        asyncio.run(every_async_call(cache))
        assert guard.missed >= 600
        assert guard.dropped >= 1000
        redis.go_on()
        until(lambda: not guard.open)
        # What wasn't written is not there in its old form either.
        found = cache.get_many(["kept", "old", "gone", "many", "touched", "async", "made"])
        assert found == {"kept": 1}
        cache.set("old", 3)
        assert cache.get("old") == 3
        assert cache.get_or_set("made", lambda: "again") == "again"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "goes on without its store" in said[0]
    assert "can be reached again" in said[1]
    cache._store.close()


async def every_async_call(cache: Any) -> None:
    for _ in range(50):
        assert await cache.aget("kept", "none") == "none"
        assert await cache.aget_many(["kept"]) == {}
        await cache.aset("async", 2)
        assert await cache.aset_many({"async": 2}) == ["async"]
        assert await cache.adelete("async") is False
        await cache.adelete_many(["async"])
        assert await cache.atouch("async") is False
        assert await cache.aget_or_set("made", lambda: "here") == "here"
        assert await cache.aget_or_set("plain", "here") == "here"
        for call in (cache.aincr, cache.adecr, lambda key: cache.aadd(key, 1)):
            with pytest.raises(StoreUnavailable, match="can't be reached"):
                await call("kept")


@pytest.mark.needs("redis")
def test_without_the_store_one_load_serves_who_comes_before_it_begins(redis: Any) -> None:
    cache = GuardedCache(redis.url, {"OPTIONS": {"STORE_TIMEOUT": 0.3}})
    redis.stop()
    assert cache.get("a") is None
    came: list[int] = []
    calls: list[int] = []

    def load() -> int:
        calls.append(1)
        until(lambda: len(came) == 20)
        time.sleep(0.5)  # the last one has come, but for a step or two
        return len(calls)

    def ask() -> Any:
        came.append(1)
        return cache.get_or_set("a", load)

    values = in_threads(20, ask, lambda: None)
    # Who came after the first one had begun, needs one that is newer: all of them the same.
    assert len(calls) <= 3
    assert set(values) <= {1, 2, 3}
    redis.start()
    until(lambda: not guard_of(cache._store).open)
    cache._store.close()


@pytest.mark.needs("redis")
def test_a_cleared_cache_is_empty_when_the_store_is_back(redis: Any) -> None:
    cache = GuardedCache(redis.url, {"OPTIONS": {"STORE_TIMEOUT": 0.3}})
    cache.set("a", 1)
    cache._store.set(b"somebody's", b"else")
    redis.hang()
    cache.clear()
    redis.go_on()
    until(lambda: not guard_of(cache._store).open)
    assert cache.get("a") is None
    assert cache._store.get(b"somebody's") == b"else"
    cache._store.close()


@pytest.mark.needs("redis")
def test_more_than_can_be_remembered_is_cleared(
    redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.django.cache.guard.MOST_OWED", 5)
    cache = GuardedCache(redis.url, {"OPTIONS": {"STORE_TIMEOUT": 0.3}})
    cache.set_many({f"a{number}": 1 for number in range(10)})
    redis.hang()
    for number in range(10):
        cache.set(f"a{number}", 2)
    redis.go_on()
    until(lambda: not guard_of(cache._store).open)
    assert cache.get_many([f"a{number}" for number in range(10)]) == {}
    cache._store.close()


@pytest.mark.needs("redis")
def test_a_child_finds_out_for_itself(redis: Any) -> None:
    cache = GuardedCache(redis.url, {"OPTIONS": {"STORE_TIMEOUT": 0.3}})
    redis.stop()
    assert cache.get("a") is None
    redis.start()

    def work() -> None:
        cache.set("a", 1)
        os._exit(0 if cache.get("a") == 1 else 2)

    assert ended(forked(work)) == 0
    until(lambda: not guard_of(cache._store).open)
    cache._store.close()


def test_what_is_noted_while_the_circuit_closes_is_not_forgotten(tmp_path: Any) -> None:
    cache = EmbeddedCache(tmp_path, {"OPTIONS": {"OUTAGE": "miss"}})
    cache.set("a", 1)
    guard = Guard(cache._store)
    assert not guard.open
    guard.owe([cache._place("a", None)])
    until(lambda: cache.get("a") is None)
    until(lambda: not guard.open)


def test_an_embedded_cache_is_guarded_if_wanted(tmp_path: Any) -> None:
    plain = EmbeddedCache(tmp_path, {})
    assert not plain._guarding.one_load
    assert not plain._spares
    assert plain._guarding.spread == 0
    assert EmbeddedCache(tmp_path, {"OPTIONS": {"SPREAD": 0.5}})._guarding.spread == 0.5


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"ONE_LOAD": 1}, "True or False"),
        ({"WAIT": 0}, "seconds above 0"),
        ({"SPREAD": 1}, "from 0 to below 1"),
        ({"SPREAD": True}, "from 0 to below 1"),
        ({"OUTAGE": "ignore"}, "'miss' or 'raise'"),
        ({"OUTAGES": "miss"}, "Did you mean 'OUTAGE'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], text: str) -> None:
    cache = GuardedCache("redis://127.0.0.1:1/1", {"OPTIONS": options})
    for call in (cache.get, lambda key: cache.get_or_set(key, lambda: 1), cache.delete):
        with pytest.raises(InvalidCacheBackendError, match=text):
            call("a")
