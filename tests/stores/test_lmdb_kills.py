"""Processes that use the embedded store may be killed at any point."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from holdfast.stores import open_store
from tests.stores.processes import Process

#: HOLDFAST_KILLS=1000 for the long version.
KILLS = int(os.environ.get("HOLDFAST_KILLS", "100"))


def test_a_storm_of_kills_loses_tears_and_blocks_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.storm", "--kills", str(KILLS)],
        capture_output=True,
        text=True,
        timeout=100 + KILLS,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    print(done.stdout)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert not report["wrong"], report
    assert report["kills"] > KILLS
    assert report["counted"] > 0
    # Beside three writers that go on: far less than that if the machine is idle.
    assert report["slowest_write_ms"] < 1000, report


def test_the_next_writer_goes_on_at_once_when_one_is_killed_inside_a_write(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"before")
    waits = []
    for _ in range(10):
        with Process(
            """
            import time

            def work(txn):
                txn.put(b"k", b"half", db=store._environment.records)
                say("inside")
                time.sleep(60)

            store._write(work)
            """,
            store.url,
        ) as inside:
            assert inside.line() == "inside"
            inside.kill()
            begun = time.perf_counter()
            store.set(b"other", b"v")
            waits.append(time.perf_counter() - begun)
        assert store.get(b"k") == b"before"
    print(f"next writer after at most {max(waits) * 1000:.1f} ms")
    assert sorted(waits)[-2] < 0.05


def test_a_lock_is_free_at_once_when_its_holder_is_killed(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.get(b"k")
    waits = []
    for _ in range(10):
        with Process(
            """
            say(store.acquire(b"l", b"other", 3600))
            input()
            """,
            store.url,
        ) as holder:
            fence = int(holder.line())
            assert store.acquire(b"l", b"me", 10, timeout=0) is None
            killed_at = holder.kill_later(0.1)
            mine = store.acquire(b"l", b"me", 10, timeout=10)
            waits.append(time.perf_counter() - killed_at())
        assert mine is not None
        assert mine > fence
        assert store.release(b"l", b"me")
    print(f"the lock after at most {max(waits) * 1000:.1f} ms")
    assert sorted(waits)[-2] < 0.05


def test_readers_that_were_killed_inside_a_read_pin_nothing_for_long(tmp_path):
    url = f"lmdb://{tmp_path}/s?size=2MB"
    store = open_store(url)
    for n in range(500):
        store.set(b"%d" % n, b"x" * 1000)
    for _ in range(5):
        with Process(
            """
            def read(txn):
                txn.get(b"1")
                say("reading")
                input()

            store._read(read)
            """,
            url,
        ) as reader:
            assert reader.line() == "reading"
            reader.kill()
    # Each write frees the pages of the one before; pinned, they would fill the map many times over.
    for n in range(20_000):
        store.set(b"%d" % (n % 500), b"y" * 1000)
    assert store.stats()["file_bytes"] <= 8 * 2**20


def test_a_child_that_outlives_a_killed_parent_does_not_hold_its_locks(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.get(b"k")
    with Process(
        """
        import os, time

        store.acquire(b"l", b"parent", 3600)
        store.set(b"k", b"v")
        child = os.fork()
        if not child:
            time.sleep(60)
        say(child)
        input()
        """,
        store.url,
    ) as parent:
        child = int(parent.line())
        try:
            parent.kill()
            assert store.acquire(b"l", b"me", 10, timeout=1)
            store.set(b"k", b"w")
        finally:
            os.kill(child, 9)
