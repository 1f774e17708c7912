"""What a transaction may be served, may store, and may share."""

import threading
from collections.abc import Collection, Iterator
from contextvars import ContextVar

import pytest

import holdfast
from holdfast.cache import consistency as consistencies
from holdfast.cache import counts, loader
from holdfast.cache.consistency import Consistency
from tests.cache.conftest import Face, elsewhere, wait_for

pytestmark = [
    pytest.mark.parametrize("engine", ["lmdb"], indirect=True),
    pytest.mark.usefixtures("store"),
]

written: ContextVar[frozenset[bytes]] = ContextVar("written", default=frozenset())
begun_at: ContextVar[bytes | None] = ContextVar("begun_at", default=None)


class OfTests(Consistency):
    """Transactions that are two variables."""

    restricts = 1

    def stamp(self, tags):
        if written.get():
            return None
        return begun_at.get() or tags.stamp()

    async def astamp(self, tags):
        if written.get():
            return None
        return begun_at.get() or await tags.stamp()

    def may_serve(self, tags: Collection[bytes]) -> bool:
        return not written.get().intersection(tags)

    def may_share(self) -> bool:
        return not written.get() and begun_at.get() is None

    def may_wait(self) -> bool:
        return not written.get()


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    before = consistencies.consistency
    consistencies.install(OfTests())
    yield
    consistencies.install(before)
    written.set(frozenset())
    begun_at.set(None)


def test_who_has_written_a_tag_is_served_his_own_and_nobody_else_is(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, tags=[name])
    def f():
        calls.append(1)
        return len(calls)

    assert [f(), f(), f()] == [1, 1, 1]
    written.set(frozenset({f"u:{name}".encode()}))
    assert [f(), f()] == [2, 3]
    assert f.peek() is holdfast.cache.MISSING
    written.set(frozenset({b"another"}))
    assert f() == 1
    written.set(frozenset())
    assert [f(), f()] == [1, 1]
    assert counts(name).stored == 1


def test_who_has_written_neither_waits_for_others_nor_has_them_wait(name: str) -> None:
    let = threading.Event()
    begun = threading.Event()

    @holdfast.cached(300, name=name)
    def f():
        if written.get():
            return "own"
        begun.set()
        let.wait(20)
        return "all"

    other = elsewhere(f)
    assert begun.wait(20)
    written.set(frozenset({b"something"}))
    assert f() == "own"
    let.set()
    assert other.result() == "all"


class WithStamps(OfTests):
    """Transactions get a stamp also when they have written, as under READ COMMITTED."""

    def stamp(self, tags):
        return tags.stamp()

    async def astamp(self, tags):
        return await tags.stamp()


@pytest.mark.parametrize("face", ["sync"], indirect=True)
def test_nothing_is_stored_of_what_a_transaction_has_loaded_that_has_written(
    face: Face, name: str
) -> None:
    consistencies.install(WithStamps())
    calls = []

    @face.cached(name)
    def f():
        calls.append(1)
        if len(calls) == 2:
            written.set(frozenset({b"written while it loaded"}))
        return len(calls)

    written.set(frozenset({b"another"}))
    assert f() == 1
    written.set(frozenset())
    assert f() == 2
    written.set(frozenset())
    assert f() == 3
    assert counts(name).stored == 1


def test_what_was_read_from_an_old_snapshot_is_stored_as_that_old(face: Face, name: str) -> None:
    from holdfast import named_stores

    calls = []

    @face.cached(name, tags=[name])
    def f():
        calls.append(1)
        return len(calls)

    begun_at.set(named_stores.store("cache").tags.stamp())
    assert [f(), f()] == [1, 1]
    holdfast.invalidate(name)
    assert [f(), f()] == [2, 3]  # loaded from what was true before
    begun_at.set(None)
    assert [f(), f()] == [4, 4]


@pytest.mark.parametrize("face", ["sync"], indirect=True)
def test_who_waits_gets_nothing_from_an_old_snapshot(face: Face, name: str) -> None:
    """Not even if the load began after he came: the snapshot was older."""
    from holdfast import named_stores

    store = named_stores.store("cache")
    calls = []

    @face.cached(name, tags=[name])
    def f():
        calls.append(1)
        return len(calls)

    def in_old_snapshot():
        begun_at.set(store.tags.stamp())
        holdfast.invalidate(name)
        return f()

    # As another process would that loads: so the load begins after the second one has come.
    place = b"lease:" + f.key()
    assert store.acquire(place, b"another process", 30)
    first = elsewhere(in_old_snapshot)
    wait_for(lambda: f.key() in loader()._fetching.flights)
    second = elsewhere(f)
    wait_for(lambda: counts(name).waits)
    store.release(place, b"another process")
    assert (first.result(), second.result()) == (1, 2)


def test_an_invalidation_is_told_to_the_transaction(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(
        consistencies.consistency,
        "invalidate",
        lambda store, tags: told.append((store, list(tags))),
    )
    holdfast.invalidate("a", "b")

    @holdfast.cached(300, name=name)
    def f():
        return 1

    f.invalidate()
    assert told == [("cache", [b"u:a", b"u:b"]), ("cache", [b"k:" + f.key()])]
