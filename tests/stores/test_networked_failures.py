"""A server that is stopped, refuses, hangs or comes back, as a user of either engine meets it."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from holdfast.stores import StoreTimeout, StoreUnavailable, open_store
from tests.services.memcached import running_memcached
from tests.services.redis import free_port, running_redis
from tests.stores.faces import face

TIMEOUT = 0.4
#: On a busy machine.
SLACK = 0.6


@pytest.fixture(
    params=[
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ]
)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    running = {"redis": running_redis, "memcached": running_memcached}[request.param]
    with running() as server:
        yield server


@pytest.fixture(params=["sync", "async"])
def store(server: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened = open_store(server.url, timeout=TIMEOUT)
    store = face(opened, request.param)
    yield store
    if request.param == "async":
        store.leave()
    opened.close()


@contextlib.contextmanager
def fails_in_time(kind: type[Exception], within: float = TIMEOUT + SLACK) -> Iterator[None]:
    begun = time.monotonic()
    with pytest.raises(kind) as raised:
        yield
    assert time.monotonic() - begun < within
    assert "\n" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


CALLS = {
    "get": lambda store: store.get(b"k"),
    "get_many": lambda store: store.get_many([b"k", b"l"]),
    "set": lambda store: store.set(b"k", b"v"),
    "set with a topic": lambda store: store.set(b"k", b"v", topic=b"k"),
    "replace": lambda store: store.replace(b"k", b"v", None),
    "increment": lambda store: store.increment(b"n", initial=0),
    "changes": lambda store: store.changes(b"t", 0),
    "wait_for_change": lambda store: store.wait_for_change(b"t", 0, 10),
    "acquire": lambda store: store.acquire(b"l", b"me", 5, timeout=10),
    "release": lambda store: store.release(b"l", b"me"),
    "stats": lambda store: store.stats(),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_ends_in_time_when_the_server_hangs(server, store, name):
    store.set(b"k", b"v")
    server.hang()
    try:
        with fails_in_time(StoreTimeout):
            CALLS[name](store)
    finally:
        server.go_on()


def test_answers_that_came_too_late_are_nobodys(server, store):
    store.set(b"k", b"v")
    store.set(b"other", b"w")
    server.hang()
    for _ in range(2):
        with fails_in_time(StoreTimeout):
            store.get(b"k")
    server.go_on()
    for _ in range(5):
        assert store.get(b"other") == b"w"
        assert store.get(b"nothing") is None


def test_a_stopped_server_fails_at_once_and_is_found_when_it_returns(server, store):
    store.set(b"k", b"v")
    server.stop()
    for _ in range(2):
        with fails_in_time(StoreUnavailable):
            store.get(b"k")
    server.start()
    store.set(b"k", b"w")
    assert store.get(b"k") == b"w"


def test_a_server_that_was_restarted_meanwhile_costs_no_error(server):
    store = open_store(server.url, timeout=TIMEOUT)
    store.set(b"k", b"v")
    server.stop()
    server.start()
    assert store.get(b"k") is None
    store.close()


def test_nor_does_it_in_a_running_event_loop(server):
    async def visit() -> None:
        store = open_store(server.url, timeout=TIMEOUT).asynchronous
        await store.set(b"k", b"v")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        assert await store.get(b"k") is None

    asyncio.run(visit())


def test_a_server_that_accepts_and_never_answers_is_given_up(server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scheme = server.url.partition(":")[0]
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        for kind in ("sync", "async"):
            opened = open_store(url, timeout=TIMEOUT)
            store = face(opened, kind)
            with fails_in_time(StoreTimeout):
                store.get(b"k")
            if kind == "async":
                store.leave()
            opened.close()


def test_nobody_there_is_said_at_once(server):
    scheme = server.url.partition(":")[0]
    opened = open_store(f"{scheme}://127.0.0.1:{free_port()}", timeout=TIMEOUT)
    with fails_in_time(StoreUnavailable):
        opened.get(b"k")
    opened.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_traffic_goes_on_when_the_server_returns(server, kind):
    opened = open_store(server.url, timeout=TIMEOUT)
    store = face(opened, kind)
    over = threading.Event()
    wrong: list[object] = []
    failed = [0] * 4
    last_good = [0.0] * 4

    def work(worker: int) -> None:
        number = 0
        # What was given up may be done all the same, and later, when the server goes on.
        possible = {None}
        while not over.is_set():
            number += 1
            begun = time.monotonic()
            try:
                store.set(b"k%d" % worker, b"v%d" % number)
                value = store.get(b"k%d" % worker)
                if value != b"v%d" % number and value not in possible:
                    wrong.append((worker, number, value))
                last_good[worker] = time.monotonic()
            except StoreUnavailable:
                failed[worker] += 1
                possible.add(b"v%d" % number)
                time.sleep(0.01)
            except BaseException as error:
                wrong.append(error)
            if time.monotonic() - begun > 2 * (TIMEOUT + SLACK):
                wrong.append("a call took too long")
        if kind == "async":
            store.leave()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    server.stop()
    time.sleep(0.3)
    server.start()
    returned = time.monotonic()
    time.sleep(0.3)
    server.hang()
    time.sleep(TIMEOUT + 0.1)
    server.go_on()
    again = time.monotonic()
    time.sleep(0.5)
    over.set()
    for thread in threads:
        thread.join()
    opened.close()
    assert wrong == []
    assert all(failed)
    assert returned < again < min(last_good)


def test_calls_beyond_the_limit_of_connections_wait_their_turn(server):
    async def visit() -> None:
        store = open_store(server.url, timeout=TIMEOUT, max_connections=2).asynchronous
        await asyncio.gather(*(store.increment(b"n", initial=0) for _ in range(100)))
        assert await store.get(b"n") == b"100"
        server.hang()
        try:
            results = await asyncio.gather(
                *(store.get(b"n") for _ in range(4)), return_exceptions=True
            )
        finally:
            server.go_on()
        assert all(isinstance(result, StoreTimeout) for result in results)
        assert any("max_connections" in str(result) for result in results)
        assert await store.get(b"n") == b"100"

    asyncio.run(visit())


@pytest.mark.needs("redis")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_password_is_in_no_message(kind):
    with running_redis(requirepass="open-sesame") as server:
        messages = []
        for password in ("open-sesame", "sesame-open"):
            url = f"redis://:{password}@127.0.0.1:{server.port}/0"
            opened = open_store(url, timeout=TIMEOUT)
            store = face(opened, kind)
            messages += [opened.url, repr(opened), repr(opened.asynchronous)]
            if password == "open-sesame":
                store.set(b"k", b"v")
                server.hang()
            with pytest.raises(StoreUnavailable) as raised:
                store.get(b"k")
            server.go_on()
            messages.append(str(raised.value))
            if kind == "async":
                store.leave()
            opened.close()
        assert "sesame" not in "".join(messages)
        assert "refused" in messages[-1]


def test_a_url_that_makes_no_sense_shows_no_password():
    with pytest.raises(Exception, match="the forms are") as raised:
        open_store("redis+sentinel://:open-sesame@host")
    assert "sesame" not in str(raised.value)


@pytest.mark.needs("redis")
def test_a_connection_that_is_closed_while_it_is_looked_at_is_made_anew(monkeypatch):
    kind = redis.connection.DefaultParser
    looked, times = kind.can_read, []

    def closed_meanwhile(self, *args, **kwargs):
        if not times:
            times.append(1)
            self._sock = None  # the first of what closing it does
        return looked(self, *args, **kwargs)

    with running_redis() as server, contextlib.closing(open_store(server.url)) as store:
        store.set(b"key", b"value")
        monkeypatch.setattr(kind, "can_read", closed_meanwhile)
        assert store.get(b"key") == b"value"
        assert times
