"""What is stored lives for its TTL, also where Memcached's clock skips a second.

Memcached looks at the clock once in a second, by a timer that runs a little late each time. When
it has come to just before the full second, the next look finds two more of them gone.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from holdfast.stores import open_store
from tests.services.memcached import MemcachedServer, running_memcached

pytestmark = pytest.mark.needs("memcached")

#: Where in a second the timer is brought to, by holding the server until then, and after it.
BEFORE, AFTER = 0.95, 0.01
#: Something is stored so long before the skip.
SHORTLY = 0.1


@pytest.fixture
def server() -> Iterator[MemcachedServer]:
    with running_memcached() as one:
        yield one


def test_a_value_lives_for_its_ttl(server):
    with closing(open_store(server.url)) as store:
        skip_after(server, lambda: store.set(b"key", b"value", 1))
        assert store.get(b"key") == b"value"


def test_a_value_that_is_written_anew_lives_on(server):
    with closing(open_store(server.url)) as store:

        def write() -> None:
            store.set(b"key", b"1", 1)
            store.increment(b"key", 1)

        skip_after(server, write)
        assert store.get(b"key") == b"2"


def test_a_lock_is_held(server):
    with closing(open_store(server.url)) as store:
        skip_after(server, lambda: store.acquire(b"{lock}", b"me", 30, timeout=0))
        assert store.acquire(b"{lock}", b"you", 30, timeout=0) is None


def skip_after(server: MemcachedServer, act: Callable[[], object]) -> None:
    """Have the clock skip a second right after *act*; again, if another process was in the way."""
    for _ in range(10):
        wait_for_a_look(server)
        # Over its next look, to just before a full second.
        hold(server, 1 + until(BEFORE))
        wait_for_a_look(server)
        before = uptime(server)
        time.sleep(1 - SHORTLY)
        begun = time.monotonic()
        act()
        hold(server, until(AFTER))
        if uptime(server) == before + 2 and time.monotonic() - begun < 4 * SHORTLY:
            return
    pytest.skip("the machine was too busy to tell when a second is over")


def until(fraction: float) -> float:
    """Seconds from now to that part of a second."""
    return (fraction - time.monotonic()) % 1


def hold(server: MemcachedServer, seconds: float) -> None:
    server.hang()
    time.sleep(seconds)
    server.go_on()


def wait_for_a_look(server: MemcachedServer) -> None:
    before = uptime(server)
    while uptime(server) == before:
        time.sleep(0.002)


def uptime(server: MemcachedServer) -> int:
    """As the server counts it."""
    return int(server.ask("stats").partition("STAT uptime ")[2].split()[0])
