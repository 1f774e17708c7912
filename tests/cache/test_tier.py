"""Results in this process's own memory: bounded, checked, and nobody can change them."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

import holdfast
from holdfast import named_stores
from holdfast.cache import counts, loader
from holdfast.cache.kept import Kept, is_constant
from holdfast.cache.payload import Found, Head, Kind, pack
from holdfast.cache.tier import Tier
from holdfast.stores import open_store
from tests.cache.conftest import Face

HEAD = Head(Kind.VALUE, 100.0, 0.0, 0.0)


def kept(key: bytes, value: Any = "x" * 100) -> Kept:
    payload = pack(value, HEAD, key)
    return Kept(key, Found(payload, HEAD, (), b"", valid=True, fresh_for=100, age=0), value, 0.0)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
@pytest.mark.usefixtures("store")
class TestSieve:
    def test_it_never_has_more_bytes_than_it_may(self) -> None:
        tier = Tier(20_000)
        for number in range(500):
            tier.put(kept(b"%d" % number, "x" * (number % 90)))
            assert tier.size <= 20_000
            assert tier.size == sum(each.size for each in tier.of.values())
        assert len(tier.of) > 5
        assert tier.evicted == 500 - len(tier.of)

    def test_what_is_used_stays(self) -> None:
        tier = Tier(20_000)
        tier.put(kept(b"used"))
        for number in range(500):
            tier.put(kept(b"%d" % number))
            tier.get(b"used").visited = True
        assert tier.get(b"used")

    def test_what_was_asked_for_once_does_not_push_out_what_is_used(self) -> None:
        tier = Tier(20_000)
        for number in range(10):
            tier.put(kept(b"used %d" % number))
        for number in range(500):
            for used in range(10):
                tier.get(b"used %d" % used).visited = True
            tier.put(kept(b"once %d" % number))
        assert sum(1 for key in tier.of if key.startswith(b"used")) == 10

    def test_a_result_takes_the_place_of_the_one_before(self) -> None:
        tier = Tier(20_000)
        for _ in range(100):
            tier.put(kept(b"a"))
        assert len(tier.of) == 1
        assert tier.size == tier.get(b"a").size

    def test_what_is_dropped_is_gone_and_its_place_is_free(self) -> None:
        tier = Tier(20_000)
        for number in range(10):
            tier.put(kept(b"%d" % number))
        for number in (0, 9, 5):
            tier.drop(tier.get(b"%d" % number))
        assert len(tier.of) == 7
        assert tier.size == sum(each.size for each in tier.of.values())
        for number in range(500):
            tier.put(kept(b"%d" % number))
        assert tier.size <= 20_000
        tier.clear()
        assert (tier.size, tier.of) == (0, {})

    def test_what_is_too_large_is_not_kept(self) -> None:
        tier = Tier(20_000)
        tier.put(kept(b"large", "x" * 10_000))
        assert not tier.of
        nothing = Tier(0)
        nothing.put(kept(b"a"))
        assert not nothing.of

    def test_who_comes_while_another_is_at_it_does_without(self) -> None:
        tier = Tier(20_000)
        with tier._lock:
            tier.put(kept(b"a"))
        assert not tier.of


CONSTANT = [
    None,
    True,
    1,
    1.5,
    1j,
    "a",
    b"a",
    (1, ("a", None)),
    frozenset({1}),
    dt.date(2026, 1, 1),
    dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    dt.timedelta(1),
    Decimal(1),
    UUID(int=1),
]


@pytest.mark.parametrize("value", CONSTANT, ids=repr)
def test_what_can_not_be_changed_is_given_out_as_it_is(value: Any) -> None:
    assert is_constant(value)


class Text(str):
    __slots__ = ("note",)


@pytest.mark.parametrize("value", [[], {}, set(), ([],), Text("a"), object(), bytearray()])
def test_what_can_be_changed_is_not(value: Any) -> None:
    assert not is_constant(value)


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
@pytest.mark.usefixtures("store")
def test_flat_dicts_and_lists_are_copied_and_others_made_anew() -> None:
    flat, items, nested = {"a": 1}, [1, 2], {"a": [1]}
    for value in (flat, items, nested):
        one = kept(b"key", value)
        first, second = one.give(), one.give()
        assert first == second == value
        assert first is not second
    first = kept(b"key", nested).give()
    first["a"].append(2)
    assert nested == {"a": [1]}


@pytest.mark.parametrize("engine", ["lmdb", "memory"], indirect=True)
@pytest.mark.usefixtures("store")
def test_the_third_call_needs_nothing_but_this_process(face: Face, name: str) -> None:
    @face.cached(name)
    def f():
        return {"a": 1}

    f(), f()
    before = counts(name).tier_hits
    original = named_stores.store("cache").tags.get
    try:
        named_stores.store("cache").tags.get = None  # type: ignore[assignment]
        assert [f() for _ in range(5)] == [{"a": 1}] * 5
    finally:
        named_stores.store("cache").tags.get = original  # type: ignore[method-assign]
    assert counts(name).tier_hits == before + 5


@pytest.mark.usefixtures("store")
def test_it_serves_nothing_that_somebody_else_made_untrue(
    face: Face, name: str, store_url: str, engine: str
) -> None:
    calls = []

    @face.cached(name, tags=[f"{name}:tag"])
    def f():
        calls.append(1)
        return len(calls)

    other = (
        named_stores.store("cache")
        if engine == "memory"
        else open_store(store_url, purpose="cache")
    )
    for number in range(1, 6):
        assert [f(), f(), f()] == [number] * 3
        other.tags.bump([f"u:{name}:tag".encode()])
    other.tags.mark([f"u:{name}:tag".encode()], b"writer")
    assert [f(), f()] == [6, 7]  # it is being written: nothing is kept
    other.tags.bump([f"u:{name}:tag".encode()], b"writer")
    assert [f(), f()] == [8, 8]


@pytest.mark.usefixtures("store")
def test_it_can_be_done_without(face: Face, name: str) -> None:
    @face.cached(name, tier=False)
    def f():
        return 1

    assert [f() for _ in range(5)] == [1] * 5
    assert counts(name).tier_hits == 0
    assert loader().tier.get(f.key()) is None


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
def test_its_size_is_a_setting(configure: Any, face: Face, name: str) -> None:
    configure(TIER_BYTES=0)

    @face.cached(name)
    def f():
        return 1

    assert [f() for _ in range(5)] == [1] * 5
    assert counts(name).tier_hits == 0
    assert counts(name).store_hits == 4


@pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
@pytest.mark.usefixtures("store")
def test_a_pickle_is_read_in_its_own_place_only(face: Face, name: str) -> None:
    @face.cached(name)
    def f(number):
        return complex(number, 1), {1, 2}, holdfast.cache.Policy("x", 5)

    for number in (1, 2):
        for _ in range(4):
            assert f(number)[0] == complex(number, 1)
