"""The store can't be reached: calls go on, none waits for it, and it is back as soon as it is."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import holdfast
from holdfast.cache import counts, loader
from holdfast.stores import StoreUnavailable
from tests.cache.conftest import COMMIT_TIMEOUT, KEY, Face, elsewhere, together, until_it_stores
from tests.services.redis import RedisServer, running_redis

pytestmark = pytest.mark.needs("redis")

TIMEOUT = 0.5


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as server:
        holdfast.configure(
            {
                "STORES": {"cache": {"URL": server.url, "TIMEOUT": TIMEOUT}},
                "KEY": KEY,
                "CACHE": {"COMMIT_TIMEOUT": COMMIT_TIMEOUT},
            }
        )
        until_it_stores()
        yield server
        holdfast.configure({})


class Loads:
    def __init__(self) -> None:
        self.calls = 0

    def load(self, value: Any) -> Any:
        self.calls += 1
        return [value, self.calls]


def is_out() -> bool:
    return loader()._fetching.circuit.open


def test_calls_go_on_without_the_store_and_come_back_to_it(
    face: Face, name: str, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    loads = Loads()
    f = face.cached(name)(loads.load)
    assert f(1) == f(1) == [1, 1]
    server.stop()
    with caplog.at_level(logging.WARNING, logger="holdfast"):
        assert [f(1)[1] for _ in range(5)] == [2, 3, 4, 5, 6]
    assert [r.message for r in caplog.records if "go on without the store" in r.message]
    assert counts(name).outages >= 5
    server.start()
    came_back = time.monotonic()
    face.wait_for(lambda: not is_out())
    assert time.monotonic() - came_back < 1
    until_it_stores()
    calls = loads.calls
    assert f(1) == f(1) == [1, calls + 1]


def test_a_store_that_hangs_holds_up_the_first_calls_only(
    face: Face, name: str, server: RedisServer
) -> None:
    loads = Loads()
    f = face.cached(name)(loads.load)
    f(1)
    server.hang()
    try:
        together(4, lambda: f(1))
        assert is_out()
        began = time.monotonic()
        for _ in range(20):
            f(1)
        assert time.monotonic() - began < TIMEOUT
    finally:
        server.go_on()
    # It comes back with what it had, and that is true still: nobody has made it untrue.
    face.wait_for(lambda: not is_out())
    calls = loads.calls
    f(1)
    assert loads.calls == calls


def test_without_the_store_one_of_each_process_loads(name: str, server: RedisServer) -> None:
    calls = []

    @holdfast.cached(300, name=name)
    def f():
        calls.append(1)
        time.sleep(0.1)
        return len(calls)

    f()
    server.stop()
    assert len(together(8, f)) == 8
    # One of the eight, and one for those who came after it had begun.
    assert len(calls) <= 3


def test_old_results_are_served_without_the_store_if_that_is_permitted(
    face: Face, name: str, server: RedisServer
) -> None:
    loads = Loads()
    f = face.cached(name, fail_safe=0.5)(loads.load)
    assert f(1) == f(1) == [1, 1]
    server.stop()
    assert [f(1) for _ in range(5)] == [[1, 1]] * 5
    assert counts(name).fail_safe == 5
    assert f(2) == [2, 2]
    time.sleep(0.5)
    assert f(1) == [1, 3]


def test_an_invalidation_without_the_store_is_an_error(face: Face, name: str, server) -> None:
    f = face.cached(name)(lambda value: value)
    f(1)
    server.stop()
    with pytest.raises(StoreUnavailable):
        f.invalidate(1)
    with pytest.raises(StoreUnavailable):
        holdfast.invalidate("user:7")
    assert f(1) == 1


def test_who_waits_for_another_process_goes_on_when_the_store_goes(
    face: Face, name: str, server: RedisServer
) -> None:
    f = face.cached(name)(lambda value: value)
    from holdfast import named_stores

    # As another process would that loads.
    place = b"lease:" + f.key(1)
    assert named_stores.store("cache").acquire(place, b"another process", 30)
    waiter = elsewhere(lambda: f(1))
    time.sleep(0.2)
    server.stop()
    assert waiter.result() == 1


def test_a_loop_that_ends_leaves_it_to_the_next_one_to_look(name: str, server: RedisServer) -> None:
    @holdfast.cached(300, name=name)
    async def f():
        return 1

    asyncio.run(f())
    server.stop()
    assert asyncio.run(f()) == 1
    server.start()

    async def until_back() -> None:
        async with asyncio.timeout(10):
            while is_out():
                assert await f() == 1
                await asyncio.sleep(0.05)

    asyncio.run(until_back())


def test_no_call_fails_when_the_store_goes_and_comes_under_load(
    name: str, server: RedisServer
) -> None:
    @holdfast.cached(300, name=name, tags=lambda number: [f"number:{number}"])
    def f(number):
        return number

    stop = threading.Event()
    calls = [0, 0, 0, 0]

    def ask(mine: int) -> None:
        while not stop.is_set():
            assert f(calls[mine] % 10) == calls[mine] % 10
            calls[mine] += 1
            time.sleep(0.0005)

    askers = [elsewhere(lambda mine=mine: ask(mine)) for mine in range(4)]
    for _ in range(2):
        time.sleep(0.2)
        server.stop()
        time.sleep(0.3)
        server.start()
    time.sleep(0.3)
    stop.set()
    for asker in askers:
        asker.result()
    assert min(calls) > 50
