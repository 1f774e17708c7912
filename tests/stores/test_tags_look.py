"""What every engine tells people about tags."""

from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.stores import open_store
from holdfast.stores.tags import number_of
from tests.stores.test_tags import quiet_over

A, B, C = b"t:article:id=7", b"t:comment:article=7", b"never bumped"


@pytest.fixture
def tags(engine: str, store_url: str) -> Iterator[Any]:
    if engine != "memory":
        quiet_over(store_url)
    store = open_store(store_url, commit_timeout=60)
    yield store.tags
    store.close()


def test_numbers_and_marks_of_tags_are_told(tags: Any, engine: str) -> None:
    stamp = tags.stamp()
    tags.put(b"k", b"v", None, stamp, (A, B, C))
    tags.bump([A])
    tags.mark([B], b"a writer")
    look = tags.look([A, B, C], count=True)
    assert look.tags[A].known
    assert look.tags[A].number > number_of(stamp)
    assert look.tags[A].marks == 0
    assert look.tags[B].marks == 1
    assert look.tags[C].marks == 0
    assert look.tags[C].number <= number_of(stamp)
    assert look.stamp[:8] == stamp[:8]
    assert number_of(look.stamp) >= look.tags[A].number
    assert not look.quiet
    assert look.marked == 1
    if engine != "memcached":
        assert look.results == 1
        assert look.remembered is not None
    tags.bump([B], b"a writer")
    assert tags.look([B]).tags[B].marks == 0


def test_looking_changes_nothing(tags: Any) -> None:
    tags.put(b"k", b"v", None, tags.stamp(), (A,))
    before = tags.sequence()
    tags.look([A, B], count=True)
    assert tags.sequence() == before
    assert tags.get(b"k").valid
