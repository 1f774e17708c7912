"""What only the engine in memory does."""

import pytest

from holdfast.stores import StoreError, open_store


def test_the_log_keeps_so_many_changes():
    store = open_store("memory://", log_limit=3)
    for n in range(5):
        store.set(b"%d" % n, b"v", topic=b"t")
    lost = store.changes(b"t", 1)
    assert not lost.complete
    assert [change.key for change in lost.changes] == [b"2", b"3", b"4"]
    assert store.changes(b"t", 2).complete


def test_each_store_is_another():
    open_store("memory://").set(b"k", b"v")
    assert open_store("memory://").get(b"k") is None


def test_an_unknown_option_is_refused():
    with pytest.raises(StoreError, match="nonsense"):
        open_store("memory://", nonsense=1)
