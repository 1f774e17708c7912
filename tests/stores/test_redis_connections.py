"""Connections to Redis are lent out and taken back: whole, and no more of them than are allowed."""

import signal
import threading
from collections.abc import Iterator

import pytest

from holdfast.stores import Store, open_store
from tests.services.redis import RedisServer, running_redis

pytestmark = pytest.mark.needs("redis")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as running:
        yield running


def opened(server: RedisServer, **options: float) -> Store:
    store = open_store(server.url, **{"timeout": 10, **options})
    for key in (b"a", b"b"):
        store.set(key, b"of " + key)
    return store


class Interrupted(BaseException):
    """What comes in between: a time-out of gevent, a signal."""


def test_who_is_interrupted_leaves_no_reply_for_the_next(server):
    store = opened(server)

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for call in (lambda: store.get(b"a"), lambda: store.get_many([b"a"])):
            server.hang()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Interrupted):
                call()
            server.go_on()
            assert store.get(b"b") == b"of b"
            assert store.get_many([b"b"]) == {b"b": b"of b"}
    finally:
        signal.signal(signal.SIGALRM, before)
        store.close()


def test_nor_does_who_is_interrupted_before_reading(server, monkeypatch):
    store = opened(server)

    def interrupt(*_: object, **__: object) -> None:
        raise Interrupted

    server.hang()
    with monkeypatch.context() as patched:
        patched.setattr("redis.connection.AbstractConnection.read_response", interrupt)
        with pytest.raises(Interrupted):
            store.get(b"a")
    # Nothing shows yet that there is one to come.
    later = threading.Timer(0.3, server.go_on)
    later.start()
    assert store.get(b"b") == b"of b"
    later.join()
    store.close()


def test_a_connection_that_the_server_closed_is_not_used_again(server):
    store = opened(server)
    for _ in range(3):
        server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert store.get(b"a") == b"of a"
    store.close()


def test_threads_take_turns_with_as_many_connections_as_are_allowed(server):
    store = opened(server, max_connections=2)
    together = threading.Barrier(8)
    wrong: list[object] = []

    def work(key: bytes) -> None:
        together.wait(10)
        for _ in range(200):
            try:
                found = store.get(key), store.get_many([key]), store.touch(key, None)
            except Exception as error:
                wrong.append(error)
                return
            if found != (b"of " + key, {key: b"of " + key}, True):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(key,)) for key in (b"a", b"b") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    # The one that asks is counted, too.
    assert server.ask("CLIENT", "LIST").count("id=") <= 3
    store.close()
