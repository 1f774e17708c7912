"""Whoever waits for the embedded store lets everybody else of its process go on."""

import asyncio
import fcntl
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.stores import StoreFull, StoreTimeout, open_store
from holdfast.stores.lmdb.environment import lmdb
from tests.fresh_process import output_of
from tests.stores.processes import Process, open_files


@contextmanager
def somebody_writes(store):
    """The turn to write is another's."""
    store.set(b"k", b"v")
    descriptor = os.open(store._environment.turn.path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Pulse:
    """Counts how long an event loop stands still at most."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.beats = 0

    async def beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            self.beats += 1
            last = now


def beside_a_pulse(work):
    """Run *work()* beside a pulse, and return both."""

    async def both():
        pulse = Pulse()
        task = asyncio.create_task(pulse.beat())
        result = await work()
        task.cancel()
        return result, pulse

    return asyncio.run(both())


@pytest.fixture
def store(tmp_path):
    return open_store(f"lmdb://{tmp_path}/s")


def test_a_write_that_cannot_have_its_turn_ends_in_time(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", timeout=0.3)
    with somebody_writes(store):
        begun = time.monotonic()
        with pytest.raises(StoreTimeout, match="Others were writing"):
            store.set(b"k", b"w")
        assert 0.25 < time.monotonic() - begun < 1
        assert store.get(b"k") == b"v"
    store.set(b"k", b"w")


@pytest.mark.parametrize("face", ["sync", "async"])
def test_a_lock_whose_release_cannot_have_its_turn_is_free_all_the_same(tmp_path, face):
    store = open_store(f"lmdb://{tmp_path}/s", timeout=0.3)
    assert store.acquire(b"lock", b"a", 3600)

    async def release():
        await store.asynchronous.release(b"lock", b"a")

    with somebody_writes(store), pytest.raises(StoreTimeout):
        asyncio.run(release()) if face == "async" else store.release(b"lock", b"a")
    assert open_store(store.url).acquire(b"lock", b"b", 3600, timeout=0)


def test_a_lock_that_took_two_commits_is_had_at_once_after_its_release(store, monkeypatch):
    """The first fails as it does where the map is full."""
    transactions = store._transactions
    care, failed = transactions._care, []

    def full_once(txn):
        if not failed:
            failed.append(1)
            raise lmdb().MapFullError("MDB_MAP_FULL")
        care(txn)

    store.set(b"k", b"v")
    monkeypatch.setattr(transactions, "_care", full_once)
    monkeypatch.setattr(transactions, "_care_at", 0.0)
    assert store.acquire(b"lock", b"a", 3600)
    assert failed
    assert len(open_locks(store)) == 1
    store.release(b"lock", b"a")
    assert open_locks(store) == []


def open_locks(store):
    files = [os.path.realpath(file) for file in Path("/proc/self/fd").iterdir()]
    return [file for file in files if file.startswith(f"{store._environment.waits}/lock-")]


@pytest.mark.parametrize("how", ["full", "cancelled"])
def test_whoever_waits_hears_of_a_long_write_that_ended_early(tmp_path, how):
    store = open_store(f"lmdb://{tmp_path}/s", size=4_000_000)
    listener = open_store(store.url, size=4_000_000)
    store.set(b"k", b"v", topic=b"t")
    since = store.position(b"t")
    begun = threading.Event()

    def wait():
        begun.set()
        assert listener.wait_for_change(b"t", since, 60)
        return time.monotonic()

    async def cancelled():
        task = asyncio.create_task(store.asynchronous.set_many(items, topic=b"t"))
        while store.position(b"t") == since:  # noqa: ASYNC110 - before it is done
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    items = {b"%d" % number: b"v" * 5000 for number in range(2000)}
    with ThreadPoolExecutor() as pool:
        woken = pool.submit(wait)
        begun.wait()
        time.sleep(0.2)
        if how == "full":
            with pytest.raises(StoreFull):
                store.set_many(items, topic=b"t")
        else:
            asyncio.run(cancelled())
        ended = time.monotonic()
        assert woken.result() - ended < 5


def test_a_write_by_another_does_not_freeze_an_event_loop(store):
    async def work():
        with somebody_writes(store):
            task = asyncio.create_task(store.asynchronous.set(b"k", b"w"))
            await asyncio.sleep(0.5)
            assert not task.done()
        await task

    _, pulse = beside_a_pulse(work)
    print(f"the loop stood still for {pulse.longest * 1000:.1f} ms at most")
    assert store.get(b"k") == b"w"
    assert pulse.beats > 100
    assert pulse.longest < 0.1


def test_long_work_lets_the_event_loop_go_on(store):
    items = {b"%d" % n: b"x" * 500 for n in range(20_000)}

    async def work():
        await store.asynchronous.set_many(items)
        return await store.asynchronous.clear(b"1")

    cleared, pulse = beside_a_pulse(work)
    print(f"the loop stood still for {pulse.longest * 1000:.1f} ms at most")
    assert cleared == 11_111
    assert pulse.beats > 5
    assert pulse.longest < 0.2


def test_tasks_that_wait_for_a_lock_are_woken_one_after_the_other(store):
    order = []

    async def enter(n):
        owner = b"%d" % n
        assert await store.asynchronous.acquire(b"l", owner, 60, timeout=10)
        order.append(n)
        await asyncio.sleep(0.005)
        assert await store.asynchronous.release(b"l", owner)

    async def work():
        await asyncio.gather(*(enter(n) for n in range(20)))

    store.set(b"k", b"v")
    before = open_files()
    begun = time.monotonic()
    _, pulse = beside_a_pulse(work)
    assert sorted(order) == list(range(20))
    assert time.monotonic() - begun < 2
    assert pulse.longest < 0.1
    assert open_files() <= before + 1


def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing_behind(store):
    async def work():
        for method, args in (
            ("acquire", (b"l", b"me", 60)),
            ("wait_for_change", (b"t", 0, 60)),
        ):
            task = asyncio.create_task(getattr(store.asynchronous, method)(*args))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    assert store.acquire(b"l", b"other", 60)
    before = open_files()
    asyncio.run(work())
    assert open_files() == before


def test_a_task_gets_the_lock_of_a_killed_process_at_once(store):
    with Process("say(store.acquire(b'l', b'other', 3600)); input()", store.url) as holder:
        holder.line()

        async def work():
            killed_at = holder.kill_later(0.2)
            assert await store.asynchronous.acquire(b"l", b"me", 10, timeout=10)
            return time.perf_counter() - killed_at()

        waited, pulse = beside_a_pulse(work)
    print(f"after {waited * 1000:.1f} ms")
    assert waited < 0.2
    assert pulse.longest < 0.1


def test_uvloop_hears_the_bell_too(store):
    uvloop = pytest.importorskip("uvloop")

    async def work():
        store.acquire(b"l", b"other", 60)
        task = asyncio.create_task(store.asynchronous.acquire(b"l", b"me", 60, timeout=10))
        await asyncio.sleep(0.1)
        assert not task.done()
        begun = time.monotonic()
        store.release(b"l", b"other")
        assert await task
        return time.monotonic() - begun

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(work()) < 0.2


def test_a_release_by_another_process_wakes(store):
    assert store.acquire(b"l", b"me", 60)
    with Process("input(); say(store.release(b'l', b'me'))", store.url) as other:
        result = []
        waiting = threading.Thread(
            target=lambda: result.append(store.acquire(b"l", b"you", 60, timeout=20))
        )
        waiting.start()
        time.sleep(0.2)
        begun = time.monotonic()
        other.go_on()
        assert other.line() == "True"
        waiting.join(5)
        assert result
        assert time.monotonic() - begun < 2


def test_changes_by_another_process_wake_all_who_wait(store):
    woken = []
    store.set(b"k", b"v", topic=b"t")
    since = store.position(b"t")
    waiting = [
        threading.Thread(target=lambda: woken.append(store.wait_for_change(b"t", since, 20)))
        for _ in range(5)
    ]
    with Process("input(); store.set(b'k', b'w', topic=b't'); say('set')", store.url) as other:
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        assert not woken
        other.go_on()
        assert other.line() == "set"
        begun = time.monotonic()
        for thread in waiting:
            thread.join(5)
        assert time.monotonic() - begun < 1
    assert woken == [True] * 5


GEVENT = """
import sys
if sys.argv[2] == "patched":
    from gevent import monkey
    monkey.patch_all()
import fcntl, os, time
import gevent
from holdfast.stores import open_store

store = open_store(sys.argv[1])
store.set(b"k", b"v")
longest, beats = 0.0, 0

def pulse():
    global longest, beats
    last = time.perf_counter()
    while True:
        gevent.sleep(0.001)
        now = time.perf_counter()
        longest, beats, last = max(longest, now - last), beats + 1, now

gevent.spawn(pulse)
turn = os.open(store._environment.turn.path, os.O_RDWR)
fcntl.flock(turn, fcntl.LOCK_EX)
write = gevent.spawn(store.set, b"k", b"w")
gevent.sleep(0.4)
assert not write.ready()
os.close(turn)
write.get(timeout=2)
assert store.get(b"k") == b"w"

store.acquire(b"l", b"me", 60)
lock = gevent.spawn(store.acquire, b"l", b"you", 60, timeout=10)
change = gevent.spawn(store.wait_for_change, b"t", 0, 10)
gevent.sleep(0.4)
assert not lock.ready() and not change.ready()
begun = time.perf_counter()
store.release(b"l", b"me")
store.set(b"k", b"x", topic=b"t")
assert lock.get(timeout=2) and change.get(timeout=2)
assert time.perf_counter() - begun < 0.2
assert beats > 100, beats
assert longest < 0.1, longest
print("went on")
"""


@pytest.mark.parametrize("kind", ["patched", "unpatched"])
def test_greenlets_go_on_while_one_of_them_waits(store, kind):
    pytest.importorskip("gevent")
    assert output_of(GEVENT, store.url, kind) == "went on"
