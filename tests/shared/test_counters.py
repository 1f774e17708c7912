"""A counter counts exactly, whoever adds."""

import asyncio
import copy
import re
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from holdfast import shared


@pytest.fixture
def hits(store, name):
    return shared.counter(name)


def test_it_starts_at_0(hits):
    assert hits.value == 0
    assert hits.add() == 1
    assert hits.add(5) == 6
    assert hits.add(-10) == -4
    assert hits.value == shared.counter(hits.name).value == -4


def test_it_can_be_set_and_reset(hits):
    hits.set(100)
    assert hits.add() == 101
    hits.set(-5)
    assert hits.value == -5
    hits.reset()
    assert hits.value == 0
    hits.reset()
    assert hits.add(3) == 3


def test_no_addition_is_lost_between_threads(hits):
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(lambda: [hits.add() for _ in range(250)]) for _ in range(8)]:
            future.result()
    assert hits.value == 2000


def test_what_does_not_fit_is_refused_and_changes_nothing(hits):
    hits.set(2**63 - 2)
    assert hits.add() == 2**63 - 1
    with pytest.raises(OverflowError):
        hits.add()
    assert hits.value == 2**63 - 1


@pytest.mark.parametrize("number", [1.5, 2.0, "1", None, Decimal(1)])
def test_what_is_no_whole_number_is_refused_and_changes_nothing(hits, number):
    def refused():
        said = f"A counter adds whole numbers, not {number!r}."
        return pytest.raises(TypeError, match=f"^{re.escape(said)}$")

    async def await_them() -> None:
        with refused():
            await hits.aadd(number)
        with refused():
            await hits.aset(number)

    hits.set(7)
    with refused():
        hits.add(number)
    with refused():
        hits.set(number)
    asyncio.run(await_them())
    assert hits.value == 7


def test_whole_numbers_of_any_kind_are_added(hits):
    class Whole:
        def __index__(self) -> int:
            return 5

    hits.set(Whole())
    assert hits.add(True) == 6
    assert hits.add(Whole()) == hits.value == 11


def test_what_does_not_fit_is_not_set(hits):
    hits.set(7)
    with pytest.raises(OverflowError):
        hits.set(2**63)
    assert hits.value == 7


def test_it_can_be_for_a_while(store, name):
    hits = shared.counter(name, ttl=1)
    assert hits.add() == 1
    assert hits.add() == 2
    time.sleep(2.1 if store.startswith("memcached") else 1.1)
    assert hits.value == 0
    assert hits.add() == 1


def test_all_of_it_can_be_awaited(hits):
    async def use() -> None:
        assert await hits.avalue() == 0
        await asyncio.gather(*(hits.aadd() for _ in range(100)))
        assert await hits.avalue() == 100
        await hits.aset(7)
        assert await hits.aadd(-2) == 5
        await hits.areset()
        assert await hits.avalue() == 0

    asyncio.run(use())


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_counters_dicts_and_locks_of_one_name_are_different_things(hits):
    flags = shared.dict(hits.name)
    with shared.lock(hits.name):
        hits.add(7)
        flags[""] = 1
        flags.clear()
    assert hits.value == copy.copy(hits).value == 7
    assert repr(shared.counter("hits")) == "<holdfast.shared.counter 'hits'>"
