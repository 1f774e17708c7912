"""What every engine does with results and their tags, through both of its faces."""

import importlib.util
import time
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import StoreError, open_store
from tests.stores.faces import Face, elsewhere

A, B = b"t:article:id=7", b"t:comment:article=7"


def quiet_over(url: str, **options: Any) -> None:
    """Have the time pass in which a store that may have lost marks stores nothing."""
    opened = open_store(url, commit_timeout=0.02, **options)
    deadline = time.monotonic() + 10
    while opened.tags.stamp() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    opened.close()


@pytest.fixture(params=["sync", "async"])
def faces(request: pytest.FixtureRequest, engine: str, store_url: str) -> Iterator[Any]:
    """Two openings of one store, as two processes have it; in memory, one."""
    if importlib.util.find_spec(f"holdfast.stores.{engine}.tags") is None:
        pytest.skip(f"no tags in {engine} yet")
    if engine != "memory":
        quiet_over(store_url)
    opened = [open_store(store_url, commit_timeout=60) for _ in range(2)]
    if engine == "memory":
        opened[1] = opened[0]
    which = [store.asynchronous if request.param == "async" else store for store in opened]
    faces = [Face(store.tags) for store in which]  # type: ignore[attr-defined]
    yield faces
    for face in faces:
        face.leave()
    for store in opened:
        store.close()


@pytest.fixture
def tags(faces: Any) -> Any:
    return faces[0]


@pytest.fixture
def other(faces: Any) -> Any:
    return faces[1]


def stored(tags: Any, key: bytes = b"k", value: bytes = b"v", of: tuple[bytes, ...] = (A,)) -> bool:
    return bool(tags.put(key, value, None, tags.stamp(), of))


def is_valid(tags: Any, key: bytes = b"k") -> bool:
    return bool(tags.get(key).valid)


@pytest.mark.parametrize("seconds", [0, -1, "soon", float("inf"), float("nan")])
def test_a_commit_timeout_that_makes_no_sense_is_refused(store_url, seconds):
    with pytest.raises(StoreError, match="commit_timeout"):
        open_store(store_url, commit_timeout=seconds)


# A result


def test_what_is_put_is_got(tags, other):
    stamp = tags.stamp()
    assert tags.put(b"k", b"value", 60, stamp, [A, B])
    for face in (tags, other):
        entry = face.get(b"k")
        assert (entry.value, entry.tags, entry.stamp) == (b"value", (A, B), stamp)
        assert entry.valid
        assert 50 < entry.expires_in <= 61
        assert face.valid(stamp, [A, B])


def test_what_was_never_put_is_none(tags):
    assert tags.get(b"nothing") is None
    assert tags.get_many([b"nothing"]) == {}
    assert tags.get_many([]) == {}


def test_many_are_got_at_once(tags):
    for n in range(30):
        assert stored(tags, b"k%d" % n, b"%d" % n, (A, b"%d" % n))
    tags.bump([b"7"])
    found = tags.get_many([b"k%d" % n for n in range(31)])
    assert {key: entry.value for key, entry in found.items()} == {
        b"k%d" % n: b"%d" % n for n in range(30)
    }
    assert [key for key, entry in found.items() if not entry.valid] == [b"k7"]


def test_without_a_ttl_it_never_expires(tags):
    assert stored(tags)
    assert tags.get(b"k").expires_in is None


def test_it_is_gone_after_its_ttl(tags):
    assert tags.put(b"k", b"v", 0.3, tags.stamp(), [A])
    time.sleep(0.35)
    assert tags.get(b"k") is None
    assert tags.get_many([b"k"]) == {}


@pytest.mark.parametrize("ttl", [0, -1])
def test_what_is_over_already_is_not_stored(tags, ttl):
    assert not tags.put(b"k", b"v", ttl, tags.stamp(), [A])
    assert tags.get(b"k") is None


@pytest.mark.parametrize("value", [b"", b"\0", b"7", b"x" * 300_000, bytes(range(256))])
def test_a_value_comes_back_byte_for_byte(tags, value):
    assert stored(tags, value=value)
    assert tags.get(b"k").value == value


@pytest.mark.parametrize("name", [b"", b"\0", b" a\r\nb", b"x" * 64, b"x" * 65, b"x" * 600])
def test_keys_tags_and_writers_may_be_any_bytes(tags, name):
    assert stored(tags, name, of=(name, name + b"!"))
    assert tags.get(name).tags == (name, name + b"!")
    assert tags.get(name).valid
    tags.mark([name], name)
    assert not is_valid(tags, name)
    tags.unmark([name], name)
    assert is_valid(tags, name)
    tags.bump([name + b"?"])
    assert is_valid(tags, name)
    tags.bump([name + b"!"])
    assert not is_valid(tags, name)
    assert tags.delete(name)
    assert not tags.delete(name)


def test_a_hundred_tags_are_as_good_as_one(tags):
    names = tuple(b"tag-%d" % n for n in range(100))
    assert stored(tags, of=names)
    assert tags.get(b"k").tags == names
    tags.bump([names[63]])
    assert not is_valid(tags)


def test_without_tags_it_is_valid_until_its_ttl(tags):
    assert stored(tags, of=())
    tags.bump([A])
    tags.mark([B], b"w")
    assert is_valid(tags)
    assert tags.valid(tags.stamp(), [])


def test_what_is_deleted_is_gone(tags, other):
    assert stored(tags)
    assert stored(tags, b"other")
    assert tags.delete(b"k")
    assert other.get(b"k") is None
    assert other.get(b"other") is not None


def test_clearing_deletes_results_and_keeps_marks_and_numbers(tags, other):
    before = tags.stamp()
    assert stored(tags, b"k1")
    tags.mark([A], b"w")
    tags.bump([B])
    tags.clear()
    assert other.get(b"k1") is None
    assert not other.put(b"k", b"v", None, other.stamp(), [A])
    assert not other.put(b"k", b"v", None, before, [B])
    tags.unmark([A], b"w")
    assert stored(other)
    assert is_valid(tags)


# What a change does


def test_a_bump_ends_what_was_loaded_before_it(tags, other):
    assert stored(tags)
    assert stored(tags, b"else", of=(B,))
    other.bump([A])
    assert not is_valid(tags)
    assert tags.get(b"k").value == b"v"
    assert is_valid(tags, b"else")


def test_what_was_loaded_before_a_bump_is_not_stored_after_it(tags, other):
    before = tags.stamp()
    assert tags.valid(before, [A, B])
    other.bump([A])
    assert not tags.valid(before, [A])
    assert tags.valid(before, [B])
    assert not tags.put(b"k", b"old", None, before, [A])
    assert tags.get(b"k") is None
    assert stored(tags)
    assert is_valid(tags)


def test_what_is_not_stored_leaves_what_is_there(tags):
    before = tags.stamp()
    tags.bump([A])
    assert stored(tags, value=b"new")
    assert not tags.put(b"k", b"old", None, before, [A])
    assert tags.get(b"k").value == b"new"
    assert is_valid(tags)


def test_one_bump_covers_all_of_its_tags(tags, other):
    stamp = tags.stamp()
    other.bump([A, B])
    assert not tags.valid(stamp, [A])
    assert not tags.valid(stamp, [B])
    stamp = tags.stamp()
    assert tags.valid(stamp, [A, B])


def test_nothing_to_change_changes_nothing(tags):
    stamp = tags.stamp()
    tags.bump([])
    tags.mark([], b"w")
    tags.unmark([], b"w")
    assert tags.valid(stamp, [A])


def test_the_sequence_changes_with_every_tag_and_else_not(tags, other):
    assert tags.sequence() == other.sequence()
    for change in (
        lambda: other.bump([A]),
        lambda: other.mark([B], b"w"),
        lambda: other.bump([B], b"w"),
        lambda: other.bump([b"never seen"]),
    ):
        before = tags.sequence()
        change()
        assert tags.sequence() != before
    before = tags.sequence()
    assert stored(other)
    assert is_valid(other)
    tags.delete(b"k")
    assert tags.sequence() == before


# Two phases


def test_what_is_marked_is_neither_valid_nor_stored(tags, other):
    before = tags.stamp()
    assert stored(tags)
    other.mark([A], b"w")
    assert not is_valid(tags)
    assert not tags.valid(before, [A])
    assert not tags.put(b"k", b"old", None, before, [A])
    during = tags.stamp()
    assert not tags.valid(during, [A])
    assert not tags.put(b"k", b"old or new", None, during, [A])
    assert not tags.put(b"k", b"old or new", None, during, [B, A])
    assert tags.put(b"else", b"v", None, during, [B])


def test_what_was_loaded_during_a_commit_is_not_valid_after_it(tags, other):
    other.mark([A], b"w")
    during = tags.stamp()
    other.bump([A], b"w")
    assert not tags.put(b"k", b"old", None, during, [A])
    assert stored(tags)
    assert is_valid(other)


def test_after_a_rollback_what_was_valid_is_valid_again(tags, other):
    assert stored(tags)
    other.mark([A], b"w")
    assert not is_valid(tags)
    other.unmark([A], b"w")
    assert is_valid(tags)


def test_after_a_rollback_what_was_loaded_during_it_may_be_stored(tags, other):
    other.mark([A, B], b"w")
    during = tags.stamp()
    other.unmark([A, B], b"w")
    assert tags.put(b"k", b"v", None, during, [A, B])
    assert is_valid(other)


def test_of_two_writers_each_takes_back_its_own_mark_only(tags, other):
    tags.mark([A], b"w1")
    other.mark([A], b"w2")
    tags.bump([A], b"w1")
    assert not stored(tags)
    tags.unmark([A], b"w1")
    assert not stored(tags)
    other.unmark([A], b"w2")
    assert stored(tags)


def test_a_mark_may_be_renewed(tags):
    tags.mark([A], b"w")
    tags.mark([A, B], b"w")
    tags.bump([A, B], b"w")
    assert stored(tags, of=(A, B))


def test_an_invalidation_by_hand_takes_no_marks_away(tags, other):
    other.mark([A], b"w")
    tags.bump([A])
    assert not stored(tags)
    other.bump([A], b"w")
    assert stored(tags)


def test_a_bump_without_a_mark_is_a_bump(tags, other):
    before = tags.stamp()
    other.bump([A], b"its mark was over long ago")
    assert not tags.valid(before, [A])
    assert stored(tags)


def test_a_rollback_without_a_mark_is_nothing(tags, other):
    assert stored(tags)
    other.unmark([A], b"w")
    assert is_valid(tags)


def test_threads_that_change_and_load_at_once_never_see_what_is_over(tags, engine):
    """A counter that is its own database: no hit shows less than what was there before it."""
    truth = {"value": 0}

    def write(face: Face) -> None:
        for n in range(60):
            face.mark([A], b"w%d" % n)
            truth["value"] += 1
            face.bump([A], b"w%d" % n)

    def read(face: Face) -> int:
        hits = 0
        while truth["value"] < 60:
            before = truth["value"]
            entry = face.get(b"k")
            if entry is not None and entry.valid:
                hits += 1
                assert int(entry.value) >= before
                continue
            stamp = face.stamp()
            face.put(b"k", b"%d" % truth["value"], None, stamp, [A])
        return hits

    working = [elsewhere(tags, write), elsewhere(tags, read), elsewhere(tags, read)]
    for work in working:
        work.result(60)
    assert stored(tags)
    assert is_valid(tags)
