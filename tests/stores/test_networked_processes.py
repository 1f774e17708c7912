"""Forks, greenlets, event loops that come and go, and killed processes, on either engine."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import open_store
from tests.fresh_process import output_of
from tests.services.memcached import running_memcached
from tests.services.redis import running_redis


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("redis", marks=pytest.mark.needs("redis")),
        pytest.param("memcached", marks=pytest.mark.needs("memcached")),
    ],
)
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    running = {"redis": running_redis, "memcached": running_memcached}[request.param]
    with running() as server:
        yield server


def connections(server: Any) -> int:
    """How many there are, the one that asks included."""
    if "redis" in server.url:
        return server.ask("CLIENT", "LIST").count(" addr=")
    return int(server.ask("stats").partition("STAT curr_connections ")[2].split()[0])


def connections_at_rest(server: Any) -> int:
    """How many there are when those of an earlier test's processes have been closed."""
    counts = [-1]
    while counts[-20:] != [counts[-1]] * 20:
        counts.append(connections(server))
        time.sleep(0.01)
    return counts[-1]


def settles_at(server: Any, number: int) -> bool:
    deadline = time.monotonic() + 5
    while connections(server) != number:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_forked_child_has_connections_of_its_own(server):
    assert (
        output_of(
            """
        import os, sys
        from holdfast.stores import open_store

        store = open_store(sys.argv[1])
        store.set(b"parent", b"x" * 100_000)
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                good = all(
                    store.set(b"c%d" % number, b"%d." % turn) is None
                    and store.get(b"c%d" % number) == b"%d." % turn
                    and len(store.get(b"parent")) == 100_000
                    for turn in range(100)
                )
                os._exit(0 if good else 1)
            children.append(child)
        good = all(len(store.get(b"parent")) == 100_000 for _ in range(300))
        print(good, [os.waitpid(child, 0)[1] for child in children])
        """,
            server.url,
        )
        == "True [0, 0, 0, 0]"
    )


def test_a_forked_child_opens_connections_in_its_own_loop(server):
    assert (
        output_of(
            """
        import asyncio, os, sys
        from holdfast.stores import open_store

        store = open_store(sys.argv[1]).asynchronous

        async def use(number):
            await store.set(b"a%d" % number, b"value")
            return await store.get(b"a%d" % number)

        print(asyncio.run(use(0)))
        child = os.fork()
        if child == 0:
            os._exit(0 if asyncio.run(use(1)) == b"value" else 1)
        print(asyncio.run(use(2)), os.waitpid(child, 0)[1])
        """,
            server.url,
        )
        == "b'value'\nb'value' 0"
    )


def test_a_forked_child_does_not_hold_its_parents_locks(server):
    # The child lives on, and uses the store, after the parent was killed.
    program = """
        import os, signal, sys, time
        from holdfast.stores import open_store

        store = open_store(sys.argv[1])
        assert store.acquire(b"parents", b"parent", 60, timeout=0)
        child = os.fork()
        if child == 0:
            assert store.acquire(b"childs", b"child", 60, timeout=0)
            print(os.getpid(), flush=True)
            time.sleep(30)
        os.waitpid(child, 0)
        """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), server.url], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        parent.kill()
        parent.wait()
        store = open_store(server.url)
        assert store.acquire(b"parents", b"heir", 5, timeout=3)
        assert store.acquire(b"childs", b"heir", 5, timeout=1.5) is None
        assert store.release(b"parents", b"heir")
        store.close()
    finally:
        os.kill(child, signal.SIGKILL)
        parent.communicate()


def test_the_lock_of_a_killed_process_is_had_within_the_heartbeat(server):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                """
                import sys, time
                from holdfast.stores import open_store

                store = open_store(sys.argv[1])
                print(store.acquire(b"killed", b"holder", 60), flush=True)
                time.sleep(60)
                """
            ),
            server.url,
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        fence = int(holder.stdout.readline())
        store = open_store(server.url)
        # Longer than a lease: it is held by renewing.
        assert store.acquire(b"killed", b"waiter", 5, timeout=2.5) is None
        holder.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        assert store.acquire(b"killed", b"waiter", 5, timeout=10) > fence
        assert time.monotonic() - killed < 1.0 + 0.3
        assert store.release(b"killed", b"waiter")
        store.close()
    finally:
        holder.kill()
        holder.communicate()


def increment(url: str, times: int) -> None:
    store = open_store(url)
    for _ in range(times):
        store.increment(b"exact", 1, initial=0)
    store.close()


def test_no_increment_of_four_processes_is_lost(server):
    url = f"{server.url}?prefix=n{os.getpid()}:"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=increment, args=(url, 5000)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    store = open_store(url)
    assert store.get(b"exact") == b"20000"
    store.close()


def test_loops_that_come_and_go_leave_nothing_behind(server):
    before = connections_at_rest(server)
    assert (
        output_of(
            """
        import asyncio, gc, os, sys
        from asgiref.sync import async_to_sync
        from holdfast.stores import open_store

        store = open_store(sys.argv[1]).asynchronous

        def sockets():
            links = []
            for name in os.listdir("/proc/self/fd"):
                try:
                    links.append(os.readlink(f"/proc/self/fd/{name}"))
                except OSError:
                    pass
            return sum(link.startswith("socket:") for link in links)

        async def use():
            await asyncio.gather(*(store.set(b"%d" % number, b"v") for number in range(10)))
            return await store.get(b"1")

        before = sockets()
        for _ in range(20):
            assert asyncio.run(use()) == b"v"
            assert async_to_sync(use)() == b"v"
            assert async_to_sync(store.get)(b"1") == b"v"
        gc.collect()
        print(sockets() - before)
        """,
            server.url,
        )
        == "0"
    )
    assert settles_at(server, before)


GEVENT = """
    from gevent import monkey
    monkey.patch_all()
    import sys, time
    import gevent
    from holdfast.stores import StoreTimeout, open_store

    longest = 0.0
    def watch():
        global longest
        while True:
            begun = time.monotonic()
            gevent.sleep(0.005)
            longest = max(longest, time.monotonic() - begun)
    gevent.spawn(watch)
"""


def test_under_gevent_a_hung_server_keeps_nobody_else_waiting(server):
    url = server.url
    program = (
        GEVENT
        + """
    store = open_store(sys.argv[1], timeout=0.5)
    store.set(b"k", b"v")
    print("ready", flush=True)
    sys.stdin.readline()
    def call(number):
        try:
            store.get(b"k")
        except StoreTimeout:
            return 1
    begun = time.monotonic()
    calls = [gevent.spawn(call, number) for number in range(50)]
    calls.append(gevent.spawn(lambda: store.acquire(b"l", b"o", 5)))
    gevent.joinall(calls)
    took = time.monotonic() - begun
    print(sum(call.value or 0 for call in calls), took < 1.5, longest < 0.3, flush=True)
    """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        server.hang()
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "50 True True\n"
    finally:
        server.go_on()
        process.kill()
        process.communicate()


def test_under_gevent_greenlets_share_few_connections_and_wake_each_other(server):
    assert (
        output_of(
            GEVENT
            + """
    store = open_store(sys.argv[1], max_connections=5)
    store.delete(b"green")
    def count():
        for _ in range(10):
            store.increment(b"green", 1, initial=0)
    gevent.joinall([gevent.spawn(count) for _ in range(100)], raise_error=True)
    inside = most = 0
    def enter(number):
        global inside, most
        owner = b"%d" % number
        assert store.acquire(b"gate", owner, 5)
        inside += 1
        most = max(most, inside)
        gevent.sleep(0.002)
        inside -= 1
        assert store.release(b"gate", owner)
    gevent.joinall([gevent.spawn(enter, number) for number in range(15)], raise_error=True)
    print(store.get(b"green"), most, longest < 0.3)
    """,
            server.url,
        )
        == "b'1000' 1 True"
    )


def test_a_hung_server_keeps_no_event_loop_waiting(server):
    async def visit() -> tuple[float, int]:
        store = open_store(server.url, timeout=0.5).asynchronous
        await store.set(b"k", b"v")
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            while True:
                begun = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - begun)

        watching = asyncio.create_task(watch())
        server.hang()
        try:
            results = await asyncio.gather(
                *(store.get(b"k") for _ in range(50)), return_exceptions=True
            )
        finally:
            server.go_on()
        watching.cancel()
        return longest, sum(isinstance(result, Exception) for result in results)

    longest, failed = asyncio.run(visit())
    assert failed == 50
    assert longest < 0.3
