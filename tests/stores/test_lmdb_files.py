"""The files of the embedded store: which there are, and how long they last."""

import gc
import time

import pytest

from holdfast.stores import open_store
from holdfast.stores.lmdb import environment
from tests.stores.processes import Process, open_files


@pytest.fixture
def rebooted(monkeypatch):
    def reboot():
        monkeypatch.setattr(environment, "boot", lambda: b"another boot")

    return reboot


def test_state_and_cache_and_durable_state_do_not_mix(tmp_path):
    url = f"lmdb://{tmp_path}/s"
    stores = [
        open_store(url),
        open_store(url, purpose="cache"),
        open_store(url, durable=True),
        open_store(url, purpose="cache", durable=True),
    ]
    for n, store in enumerate(stores):
        store.set(b"k", b"%d" % n)
    assert [store.get(b"k") for store in stores] == [b"0", b"1", b"2", b"3"]


def test_what_was_written_outlives_all_processes(tmp_path):
    url = f"lmdb://{tmp_path}/s"
    with Process("store.set(b'k', b'v'); store.set(b't', b'v', 60); say('done')", url) as writer:
        assert writer.line() == "done"
    store = open_store(url)
    assert store.get(b"k") == b"v"
    assert 50 < store.expires_in(b"t") <= 60


def test_after_a_reboot_a_store_that_never_synced_starts_anew(tmp_path, rebooted):
    store = open_store(f"lmdb://{tmp_path}/s")
    store.set(b"k", b"v")
    store.set(b"k", b"v", topic=b"t")
    fence, position = store.acquire(b"l", b"me", 60), store.position(b"t")
    store.close()
    time.sleep(0.01)
    rebooted()
    assert store.get(b"k") is None
    # What must only grow does so across that.
    assert store.acquire(b"l", b"you", 60, timeout=0) > fence
    assert not store.changes(b"t", position).complete
    store.set(b"k", b"v", topic=b"t")
    assert store.position(b"t") > position
    assert not store.changes(b"t", position).complete


def test_after_a_reboot_a_durable_store_goes_on(tmp_path, rebooted):
    store = open_store(f"lmdb://{tmp_path}/s", durable=True)
    store.set(b"k", b"v")
    store.set(b"t", b"v", 60)
    fence = store.acquire(b"l", b"me", 3600)
    store.close()
    rebooted()
    assert store.get(b"k") == b"v"
    assert 50 < store.expires_in(b"t") <= 61
    # Whoever had it did not outlive the reboot.
    assert store.acquire(b"l", b"you", 60, timeout=0) > fence


def test_a_durable_write_is_synced_before_it_returns(tmp_path):
    store = open_store(f"lmdb://{tmp_path}/s", durable=True)
    store.set(b"k", b"v")
    flags = store._environment.open().flags()
    assert flags["sync"]
    assert flags["metasync"]
    assert not flags["writemap"]


def test_a_new_format_starts_a_new_file_and_leaves_the_old_one(tmp_path, monkeypatch):
    url = f"lmdb://{tmp_path}/s"
    old = open_store(url)
    old.set(b"k", b"old")
    with Process("say(store.get(b'k')); input(); say(store.get(b'k'))", url) as other:
        assert other.line() == "b'old'"
        monkeypatch.setattr(environment, "FORMAT", environment.FORMAT + 1)
        old.close()
        del old
        gc.collect()
        new = open_store(url)
        assert new.get(b"k") is None
        new.set(b"k", b"new")
        other.go_on()
        assert other.line() == "b'old'"
    assert sorted(path.name for path in (tmp_path / "s").glob("*.mdb")) == [
        "state-1.mdb",
        "state-2.mdb",
    ]


def test_a_dropped_store_leaves_no_file_open(tmp_path):
    before = open_files()
    for n in range(20):
        store = open_store(f"lmdb://{tmp_path}/{n}", purpose="cache")
        store.set(b"k", b"v")
        store.acquire(b"l", b"me", 60)
        del store
    gc.collect()
    assert open_files() <= before + 1
