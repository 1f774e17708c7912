"""What has expired is gone for readers at once, and from the file a little later."""

import time
from itertools import pairwise

from holdfast.stores import open_store
from holdfast.stores.lmdb.table import SWEEP


def test_the_sweep_goes_in_slices_and_comes_to_an_end(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set_many({b"%d" % n: b"v" for n in range(3000)}, 0.2)
    store.set(b"kept", b"v", 600)
    time.sleep(0.25)
    before = store.stats()["records"]
    swept = []
    for n in range(64 * 40):
        store.set(b"k", b"%d" % n)
        swept.append(store.stats()["swept"])
    assert before > 2000
    assert store.stats()["records"] == 2
    slices = {b - a for a, b in pairwise(swept)} - {0}
    assert max(slices) <= SWEEP


def test_a_store_that_is_hardly_written_to_is_swept_by_time(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set_many({b"%d" % n: b"v" for n in range(50)}, 0.1)
    time.sleep(1.1)
    store.set(b"k", b"v")
    assert store.stats()["records"] == 1


def test_writing_again_leaves_one_entry_in_the_index(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    for n in range(500):
        store.set(b"k", b"%d" % n, 300 + n)
        store.touch(b"k", 400 + n)
    assert store.stats()["expiring"] == 1
    # Sooner than the entry: it is moved.
    store.set(b"k", b"v", 100)
    assert store.stats()["expiring"] == 1
    store.set(b"k", b"v")
    store.delete(b"k")
    assert store.stats()["expiring"] == 0


def test_a_record_that_was_prolonged_is_kept_by_the_sweep(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v", 0.1)
    store.set(b"for ever", b"v", 0.1)
    store.set(b"short", b"v", 0.1)
    store.touch(b"k", 60)
    store.touch(b"for ever", None)
    time.sleep(0.15)
    store._transactions._care_at = 0.0
    store.set(b"other", b"v")
    assert store.get(b"k") == store.get(b"for ever") == b"v"
    assert store.stats()["records"] == 3
    assert store.stats()["expiring"] == 1
    assert 50 < store.expires_in(b"k") <= 60


def test_a_jump_of_the_wall_clock_expires_nothing(tmp_path, monkeypatch):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v", 60)
    fence = store.acquire(b"l", b"me", 60)
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + 86400)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + 86400 * 10**9)
    assert store.get(b"k") == b"v"
    store.close()  # and those who open the file later use the same clock
    assert store.get(b"k") == b"v"
    assert 50 < store.expires_in(b"k") <= 60
    assert store.acquire(b"l2", b"me", 60) > fence


def test_locks_that_nobody_released_are_forgotten(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s")
    for n in range(100):
        store.acquire(b"l%d" % n, b"%d" % n, 0.05)
    time.sleep(0.1)
    for n in range(64 * 6):
        store.set(b"k", b"%d" % n)
    assert store.stats()["locks"] == 0
    assert not list((tmp_path / "s/state-1.wait").glob("lock-*"))
    store.acquire(b"l", b"me", 60)
    assert len(store._locks._held) < 40
