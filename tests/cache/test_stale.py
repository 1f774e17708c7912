"""Old results: who gets them, for how long, and who makes new ones meanwhile."""

import asyncio
import threading
import time
from typing import Any

import pytest

import holdfast
from holdfast import framework
from holdfast.cache import counts, early, recording, refreshing, serving, snapshot
from tests.cache.conftest import Face, elsewhere, together, wait_for

pytestmark = pytest.mark.usefixtures("store")

on_one_store = pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
sync_only = pytest.mark.parametrize("face", ["sync"], indirect=True)

#: A time that is over soon, without chance.
SHORT: dict[str, Any] = {"ttl": 0.1, "jitter": 0, "early": 0}


class Numbers:
    """Counts its calls; from the second on, each goes on when it is let, if that is wanted."""

    def __init__(self) -> None:
        self.calls = 0
        self.let = threading.Semaphore(0)
        self.held = False

    def load(self) -> Any:
        self.calls += 1
        number = self.calls
        if self.held and number > 1:
            assert self.let.acquire(timeout=30)
        return number

    async def aload(self) -> Any:
        self.calls += 1
        number = self.calls
        # Let by other threads.
        while self.held and number > 1 and not self.let.acquire(blocking=False):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        return number

    def of(self, face: Face) -> Any:
        return self.load if face.kind == "sync" else self.aload


@pytest.fixture(autouse=True)
def _quick_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "RETRY", 0.2)
    monkeypatch.setattr(refreshing, "RETRY", 0.2)


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


def until_over() -> None:
    time.sleep(0.12)


def test_the_old_result_is_served_while_one_load_makes_a_new_one(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, stale=60, **SHORT)(numbers.of(face))
    numbers.held = True
    assert f() == 1
    until_over()
    assert [f() for _ in range(20)] == [1] * 20
    face.wait_for(lambda: numbers.calls == 2)
    assert [f() for _ in range(20)] == [1] * 20
    assert numbers.calls == 2
    numbers.let.release()
    face.wait_for(lambda: counts(name).stored == 2)
    assert f() >= 2
    assert counts(name).refreshes >= 1
    assert counts(name).stale == 40
    numbers.let.release(5)
    face.wait_for(lambda: not holdfast.cache.loader()._fetching.flights)


def test_without_permission_who_comes_after_its_time_waits(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, **SHORT)(numbers.of(face))
    assert f() == 1
    until_over()
    assert f() == 2


@on_one_store
def test_permission_for_the_old_is_none_for_the_untrue(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, ttl=300, stale=60, fail_safe=60)(numbers.of(face))
    assert f() == 1
    f.invalidate()
    assert f() == 2


def test_the_untrue_is_served_for_as_long_as_is_permitted(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, ttl=300, stale_if_invalidated=60)(numbers.of(face))
    numbers.held = True
    assert [f(), f()] == [1, 1]
    f.invalidate()
    assert [f() for _ in range(5)] == [1] * 5
    face.wait_for(lambda: numbers.calls == 2)
    numbers.let.release()
    face.wait_for(lambda: f() == 2)


def test_the_untrue_is_not_served_if_it_may_have_been_so_for_longer(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, ttl=300, stale_if_invalidated=0.1)(numbers.of(face))
    assert f() == 1
    until_over()  # now it is older than what is permitted, and nobody has seen it true since
    f.invalidate()
    assert f() == 2
    assert counts(name).stale == 0


@on_one_store
def test_permission_for_the_untrue_counts_from_when_it_was_last_seen_true(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, ttl=300, stale_if_invalidated=0.5)(numbers.of(face))
    numbers.held = True
    assert f() == 1
    time.sleep(0.6)
    assert f() == 1  # old, but seen to be true
    f.invalidate()
    assert f() == 1
    numbers.let.release()
    face.wait_for(lambda: f() == 2)


@on_one_store
def test_nothing_is_kept_that_was_made_of_what_was_stale(
    face: Face, name: str, numbers: Numbers
) -> None:
    inner = holdfast.cached(name=name + "inner", stale=60, **SHORT)(numbers.load)
    numbers.held = True
    assert inner() == 1
    until_over()

    @face.cached(name)
    def outer():
        return inner()

    assert outer() == 1
    numbers.let.release()
    wait_for(lambda: counts(name + "inner").stored == 2)
    assert outer() >= 2
    numbers.let.release(5)


@on_one_store
def test_work_in_the_background_adds_nothing_to_what_is_recorded_around(
    face: Face, name: str, numbers: Numbers
) -> None:
    def load() -> int:
        for made in holdfast.cache.current_recordings():
            made.add(b"load")
        return numbers.load()

    f = face.cached(name, stale=60, **SHORT)(load)
    f()
    until_over()
    with recording() as made:
        f()
        face.wait_for(lambda: counts(name).stored == 2)
    # That it is there: it was recorded with the first load.
    assert b"load" in made.tags
    assert made.refusal is not None


@on_one_store
def test_a_load_in_the_background_that_fails_is_tried_again_later(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, stale=60, **SHORT)
    def f():
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError
        return len(calls)

    assert f() == 1
    until_over()
    assert f() == 1
    face.wait_for(lambda: len(calls) == 2)
    assert [f() for _ in range(50)] == [1] * 50
    face.wait_for(lambda: f() == 3)


@on_one_store
def test_where_a_loop_ends_too_soon_for_the_background_a_call_waits(name: str) -> None:
    calls = []

    @holdfast.cached(name=name, stale=60, **SHORT)
    async def f():
        calls.append(1)
        await asyncio.sleep(0.02)
        return len(calls)

    assert asyncio.run(f()) == 1
    until_over()
    assert asyncio.run(f()) == 1  # begins one in the background, which ends with the loop
    assert asyncio.run(f()) == len(calls) > 1


# Ahead of time


@on_one_store
def test_nobody_waits_for_a_result_that_is_asked_for_all_the_while(name: str) -> None:
    at_once = threading.Semaphore(1)
    waits = []

    @holdfast.cached(ttl=0.5, name=name)
    def f():
        assert at_once.acquire(blocking=False), "two at once"
        time.sleep(0.05)
        at_once.release()
        return time.monotonic()

    def ask() -> None:
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            before = time.monotonic()
            f()
            waits.append(time.monotonic() - before)
            time.sleep(0.001)

    f()
    together(4, ask)
    # On a machine that has time, 1 and 0; one that stalls may be late now and then.
    assert counts(name).misses <= 1 + counts(name).refreshes // 2
    assert counts(name).refreshes >= 2
    assert max(waits) < 2


@on_one_store
def test_a_result_that_nobody_asks_for_is_not_loaded_ahead_of_time(
    face: Face, name: str, numbers: Numbers
) -> None:
    f = face.cached(name, ttl=0.2)(numbers.of(face))
    f()
    time.sleep(0.25)
    assert numbers.calls == 1
    assert f() == 2


def test_how_early_depends_on_the_time_that_a_load_takes() -> None:
    from holdfast.cache.payload import Found, Head, Kind
    from holdfast.cache.policy import Policy

    def margins(took: float, beta: float = 1.0) -> list[float]:
        head = Head(Kind.VALUE, 100, 0, took)
        policy = Policy("x", 100, early=beta)
        return [
            early.margin(policy, Found(b"", head, (), b"%d" % n, True, 1, 0), b"key")
            for n in range(1000)
        ]

    assert min(margins(1)) >= 1
    assert 1.8 < sum(margins(1)) / 1000 < 2.3
    assert max(margins(1000)) == 50
    assert set(margins(1, beta=0)) == {0}
    assert sum(margins(1, beta=3)) > 2 * sum(margins(1))


@on_one_store
def test_results_that_are_stored_together_do_not_end_together(name: str) -> None:
    @holdfast.cached(ttl=100, name=name, jitter=0.5)
    def f(number):
        return number

    tags = holdfast.named_stores.store("cache").tags
    for number in range(50):
        f(number)
    left = [tags.get(f.key(number)).expires_in for number in range(50)]
    assert 48 < min(left) < max(left) <= 100
    assert max(left) - min(left) > 20


# When something fails


def test_the_old_result_is_served_where_the_loader_fails(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, fail_safe=60, **SHORT)
    def f():
        calls.append(1)
        if len(calls) in {2, 3}:
            raise ZeroDivisionError
        return len(calls)

    assert f() == 1
    until_over()
    assert [f() for _ in range(10)] == [1] * 10
    assert len(calls) == 2  # and it is left alone for a moment
    assert counts(name).fail_safe == 10
    face.wait_for(lambda: f() == 4)


@on_one_store
def test_it_is_no_longer_served_than_is_permitted(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, fail_safe=0.1, **SHORT)
    def f():
        calls.append(1)
        if len(calls) > 1:
            raise ZeroDivisionError
        return 1

    assert f() == 1
    until_over()
    until_over()
    with pytest.raises(ZeroDivisionError):
        f()


@on_one_store
def test_an_untrue_result_is_not_served_when_the_loader_fails(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, fail_safe=60, ttl=300)
    def f():
        calls.append(1)
        if len(calls) > 1:
            raise ZeroDivisionError
        return 1

    assert f() == 1
    f.invalidate()
    with pytest.raises(ZeroDivisionError):
        f()


# There is none


def test_none_has_a_time_of_its_own(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, negative_ttl=0.1)
    def f(wanted):
        calls.append(wanted)
        return wanted

    assert [f(None), f(None), f(1), f(1)] == [None, None, 1, 1]
    assert calls == [None, 1]
    until_over()
    assert [f(None), f(1)] == [None, 1]
    assert calls == [None, 1, None]
    assert counts(name).negative == 2


def test_errors_that_say_there_is_none_are_kept_as_long(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, negative_ttl=60, absent=LookupError)
    def f(key):
        calls.append(key)
        if key == "a":
            raise KeyError(key)
        raise ValueError(key)

    for _ in range(4):
        with pytest.raises(KeyError, match="a"):
            f("a")
    assert calls == ["a"]
    for _ in range(2):
        with pytest.raises(ValueError, match="b"):
            f("b")
    assert calls == ["a", "b", "b"]
    f.invalidate("a")
    with pytest.raises(KeyError):
        f("a")
    assert calls == ["a", "b", "b", "a"]


def test_other_errors_are_kept_if_that_is_wanted(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, error_ttl=0.1)
    def f():
        calls.append(1)
        raise ZeroDivisionError(f"call {len(calls)}")

    errors = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="call 1") as caught:
            f()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3  # no tracebacks that grow
    until_over()
    with pytest.raises(ZeroDivisionError, match="call 2"):
        f()


class PeculiarError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)


@on_one_store
def test_an_error_that_can_not_be_made_again_is_not_kept(face: Face, name: str) -> None:
    calls = []

    @face.cached(name, error_ttl=60)
    def f():
        calls.append(1)
        raise PeculiarError(1, 2)

    for _ in range(3):
        with pytest.raises(PeculiarError):
            f()
    assert len(calls) == 3


@on_one_store
def test_what_may_not_be_stored_is_not(face: Face, name: str) -> None:
    calls = []

    def may_store(value: int) -> bool | float:
        return {1: False, 2: 0.1}.get(value, True)

    @face.cached(name, may_store=may_store, jitter=0, early=0)
    def f():
        calls.append(1)
        return len(calls)

    assert [f(), f(), f()] == [1, 2, 2]
    until_over()
    assert [f(), f()] == [3, 3]


def test_figures_are_counted_by_name(name: str, face: Face) -> None:
    @face.cached(name)
    def f():
        return "x" * 100

    for _ in range(5):
        f()
    figures = snapshot([name])[name]
    assert figures["misses"] == figures["loads"] == figures["stored"] == 1
    assert figures["hits"] == figures["tier_hits"] + figures["store_hits"] == 4
    assert figures["stored_bytes"] > 100
    assert snapshot(["unknown"]) == {}


@on_one_store
def test_a_thread_in_the_background_closes_what_it_opened(name: str, numbers: Numbers) -> None:
    closed = []
    framework.after_background_work.append(lambda: closed.append(threading.current_thread()))
    try:
        f = holdfast.cached(name=name, stale=60, **SHORT)(numbers.load)
        f()
        until_over()
        elsewhere(f).result()
        wait_for(lambda: closed)
    finally:
        framework.after_background_work.pop()
    assert threading.current_thread() not in closed
