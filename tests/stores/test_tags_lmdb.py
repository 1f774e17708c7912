"""Tags in the embedded store: what is forgotten, and what no clearing takes away."""

import os
import traceback
from typing import Any

import pytest

from holdfast.stores import open_store
from holdfast.stores.lmdb import tag_table
from tests.stores.processes import Process

A = b"a"


@pytest.fixture
def store(tmp_path):
    store: Any = open_store(f"lmdb://{tmp_path}/s")
    yield store
    store.close()


def test_a_new_directory_begins_at_once(store):
    assert store.tags.stamp() is not None


def test_clearing_the_records_takes_neither_tags_nor_marks_away(store):
    before = store.tags.stamp()
    store.tags.bump([A])
    store.tags.mark([b"b"], b"w")
    store.set(b"k", b"v")
    store.clear(b"")
    assert not store.tags.valid(before, [A])
    assert not store.tags.valid(store.tags.stamp(), [b"b"])


def test_results_are_not_among_the_records_that_are_listed(store):
    for n in range(5):
        store.tags.put(b"r%d" % n, b"v", None, store.tags.stamp(), [A])
    store.tags.put(b"x" * 600, b"v", None, store.tags.stamp(), [A])
    for key in (b"a", b"\xff\xff", b"\xff\xfe", b"\xff\xff" * 300):
        store.set(key, b"v")
    assert sorted(store.scan(b"").keys) == sorted(
        [b"a", b"\xff\xff", b"\xff\xfe", b"\xff\xff" * 300]
    )
    assert store.tags.get(b"x" * 600).value == b"v"
    assert store.get(b"r1") is None


def test_of_many_tags_the_oldest_are_forgotten_and_read_as_new(tmp_path):
    store: Any = open_store(f"lmdb://{tmp_path}/s?size=1MB")
    tags = store.tags
    old = tags.stamp()
    tags.put(b"k", b"v", None, old, [b"0"])
    tags.mark([b"marked"], b"w")
    for n in range(3000):
        tags.bump([b"%d" % n])
    assert store.stats()["tags"] <= 1024 + 1
    # Bumped long ago, and forgotten; its result has not come back.
    assert not tags.get(b"k").valid
    assert not tags.valid(old, [b"never bumped"])
    assert tags.valid(tags.stamp(), [b"0", b"2999", b"never bumped"])
    assert not tags.valid(tags.stamp(), [b"marked"])
    tags.unmark([b"marked"], b"w")
    assert tags.valid(tags.stamp(), [b"marked"])
    assert not tags.valid(old, [b"marked"])
    store.close()


def test_tags_stay_when_results_are_evicted(tmp_path):
    store: Any = open_store(f"lmdb://{tmp_path}/s?size=1MB", purpose="cache")
    before = store.tags.stamp()
    store.tags.bump([A])
    store.tags.mark([b"b"], b"w")
    for n in range(3000):
        store.tags.put(b"%d" % n, b"x" * 1000, None, store.tags.stamp(), [b"c"])
    assert store.stats()["evicted"] > 0
    assert not store.tags.valid(before, [A])
    assert not store.tags.valid(store.tags.stamp(), [b"b"])
    assert store.tags.get(b"2999").valid
    store.close()


def test_a_file_that_was_removed_is_a_new_epoch_and_quiet(tmp_path):
    url = f"lmdb://{tmp_path}/s"
    store: Any = open_store(url)
    known = store.tags.sequence()
    store.tags.mark([A], b"w")
    store.close()
    for path in (tmp_path / "s").glob("*.mdb*"):
        path.unlink()
    # In its own process: this one's may have the file open elsewhere.
    with Process("say(store.tags.stamp()); say(store.tags.sequence().hex())", url) as other:
        assert other.line() == "None"
        assert other.line()[:16] != known.hex()[:16]


def test_marks_of_a_durable_file_begin_anew_in_the_next_boot(tmp_path, monkeypatch):
    url = f"lmdb://{tmp_path}/s?durable=true"
    store: Any = open_store(url)
    before = store.tags.stamp()
    store.tags.bump([b"b"])
    store.tags.mark([A], b"w")
    store.close()
    # Time since boot begins at zero.
    monkeypatch.setattr("holdfast.stores.lmdb.environment.boot", lambda: b"another boot")
    monkeypatch.setattr(tag_table, "since_boot", lambda: 5)
    assert not store.tags.valid(store.tags.stamp(), [A])
    assert not store.tags.valid(before, [b"b"])
    assert store.tags.stamp()[:8] == before[:8]
    monkeypatch.setattr(tag_table, "since_boot", lambda: 5 + 9_900)
    assert not store.tags.put(b"k", b"v", None, store.tags.stamp(), [A])
    monkeypatch.setattr(tag_table, "since_boot", lambda: 5 + 10_100)
    store.tags.valid(store.tags.stamp(), [A])
    assert store.tags.put(b"k", b"v", None, store.tags.stamp(), [A])
    store.close()


def test_a_forked_child_goes_on_with_the_tags_of_its_parent(store):
    tags = store.tags
    before = tags.stamp()
    assert tags.put(b"k", b"v", None, before, [A])
    pid = os.fork()
    if not pid:
        code = 1
        try:
            assert tags.get(b"k").valid
            tags.bump([A])
            assert not tags.get(b"k").valid
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not tags.get(b"k").valid
    assert tags.sequence() != before
