"""One load, whatever asks at once in one process; and what who waits gets."""

import asyncio
import threading
import time
from typing import Any

import pytest

import holdfast
from holdfast import named_stores
from holdfast.cache import LoadTimeout, counts, loader, recording
from holdfast.cache.policy import Policy
from holdfast.cache.recording import innermost
from tests.cache.conftest import Face, elsewhere, together, wait_for

pytestmark = pytest.mark.usefixtures("store")

on_one_store = pytest.mark.parametrize("engine", ["lmdb"], indirect=True)
sync_only = pytest.mark.parametrize("face", ["sync"], indirect=True)


class Held:
    """A loader that goes on when it is let."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def load(self) -> int:
        self.calls += 1
        number = self.calls
        self.begun.release()
        assert self.let.acquire(timeout=30)
        return number

    async def aload(self) -> int:
        self.calls += 1
        number = self.calls
        self.begun.release()
        while not self.let.acquire(blocking=False):  # noqa: ASYNC110 - let by other threads
            await asyncio.sleep(0.002)
        return number

    def has_begun(self) -> None:
        assert self.begun.acquire(timeout=30)

    def has_not_begun(self) -> bool:
        return not self.begun.acquire(blocking=False)


@pytest.fixture
def held() -> Held:
    return Held()


def waiting(name: str, count: int) -> None:
    """Until that many calls wait for others."""
    wait_for(lambda: counts(name).waits >= count)


def test_of_many_threads_one_loads(face: Face, name: str) -> None:
    calls = []

    @face.cached(name)
    def f(a):
        calls.append(a)
        time.sleep(0.05)
        return [a, len(calls)]

    found = together(12, lambda: f(1))
    assert found == [[1, 1]] * 12
    assert len({id(each) for each in found}) == 12
    assert calls == [1]


@on_one_store
def test_threads_and_tasks_of_several_loops_wait_for_the_same_load(name: str, held: Held) -> None:
    policy = Policy(name, 300)
    key = name.encode()

    async def ten_tasks() -> list[int]:
        return await asyncio.gather(*(loader().afetch(key, held.aload, policy) for _ in range(10)))

    first = elsewhere(lambda: loader().fetch(key, held.load, policy))
    held.has_begun()
    threads = [elsewhere(lambda: loader().fetch(key, held.load, policy)) for _ in range(5)]
    loops = [elsewhere(lambda: asyncio.run(ten_tasks())) for _ in range(2)]
    waiting(name, 25)
    held.let.release()
    assert first.result() == 1
    assert [thread.result() for thread in threads] == [1] * 5
    assert [loop.result() for loop in loops] == [[1] * 10] * 2
    assert held.calls == 1


@on_one_store
def test_threads_wait_for_the_load_of_a_task(name: str, held: Held) -> None:
    policy = Policy(name, 300)
    key = name.encode()
    first = elsewhere(lambda: asyncio.run(loader().afetch(key, held.aload, policy)))
    held.has_begun()
    threads = [elsewhere(lambda: loader().fetch(key, held.load, policy)) for _ in range(5)]
    waiting(name, 5)
    held.let.release()
    assert first.result() == 1
    assert [thread.result() for thread in threads] == [1] * 5


@on_one_store
def test_a_thread_does_not_wait_for_a_task_of_the_loop_that_it_blocks(name: str) -> None:
    policy = Policy(name, 300)
    key = name.encode()

    async def both() -> tuple[str, str]:
        begun = asyncio.Event()

        async def slow() -> str:
            begun.set()
            await asyncio.sleep(0.05)
            return "slow"

        task = asyncio.create_task(loader().afetch(key, slow, policy))
        await begun.wait()
        return loader().fetch(key, lambda: "its own", policy), await task

    began = time.monotonic()
    assert asyncio.run(both()) == ("its own", "slow")
    assert time.monotonic() - began < policy.wait


@sync_only
def test_if_the_loader_fails_one_of_those_who_wait_tries_next(face: Face, name: str) -> None:
    at_work = threading.Lock()
    calls = []

    @face.cached(name)
    def f():
        assert at_work.acquire(blocking=False), "two at once"
        try:
            calls.append(1)
            if len(calls) == 1:
                wait_for(lambda: counts(name).waits >= 5)
            if len(calls) <= 3:
                raise ZeroDivisionError
            return len(calls)
        finally:
            at_work.release()

    def outcome() -> Any:
        try:
            return f()
        except ZeroDivisionError:
            return "failed"

    assert sorted(together(6, outcome), key=str) == [4, 4, 4, "failed", "failed", "failed"]
    assert len(calls) == 4


@on_one_store
def test_if_the_client_of_the_loader_leaves_another_one_loads(name: str) -> None:
    calls = []

    @holdfast.cached(300, name=name)
    async def f():
        calls.append(1)
        await asyncio.sleep(0.02 if len(calls) > 1 else 60)
        return len(calls)

    async def main() -> list[int]:
        leaving = asyncio.create_task(f())
        staying = [asyncio.create_task(f()) for _ in range(5)]
        while counts(name).waits < 5:  # noqa: ASYNC110 - counted inside
            await asyncio.sleep(0.001)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        return await asyncio.gather(*staying)

    assert asyncio.run(main()) == [2] * 5


@on_one_store
def test_who_leaves_while_waiting_leaves_the_others_alone(name: str) -> None:
    @holdfast.cached(300, name=name)
    async def f():
        await asyncio.sleep(0.1)
        return 1

    async def main() -> list[int]:
        tasks = [asyncio.create_task(f()) for _ in range(5)]
        while counts(name).waits < 4:  # noqa: ASYNC110 - counted inside
            await asyncio.sleep(0.001)
        tasks[2].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return [result for result in done if result == 1]

    assert asyncio.run(main()) == [1] * 4


# Never older than when it was asked for


def test_who_came_after_an_invalidation_gets_nothing_loaded_before(
    face: Face, name: str, held: Held
) -> None:
    f = face.cached(name)(held.load)
    early = elsewhere(f)
    held.has_begun()
    f.invalidate()
    late = elsewhere(f)
    waiting(name, 1)
    held.let.release()
    held.has_begun()  # the second load, which the late one needs
    held.let.release()
    assert early.result() == 1
    assert late.result() == 2
    assert f() == 2


@on_one_store
def test_who_came_before_the_invalidation_may_have_what_was_loaded_for_him(
    face: Face, name: str, held: Held
) -> None:
    f = face.cached(name)(held.load)
    early = elsewhere(f)
    held.has_begun()
    waiters = [elsewhere(f) for _ in range(3)]
    waiting(name, 3)
    f.invalidate()
    held.let.release()
    # Not stored, and begun before they came: they can't know. One loads, for all of them.
    held.has_begun()
    held.let.release()
    assert early.result() == 1
    assert [waiter.result() for waiter in waiters] == [2] * 3
    assert held.calls == 2


@on_one_store
def test_what_a_load_was_told_of_while_it_ran_is_not_stored(name: str, face: Face) -> None:
    @face.cached(name, tags=[f"{name}:tag"])
    def f():
        if counts(name).loads == 1:
            holdfast.invalidate(f"{name}:tag")
        return counts(name).loads

    assert f() == 1
    assert counts(name).not_stored == 1
    assert f() == 2
    assert f() == 2


# How long one waits


def test_who_may_not_wait_longer_loads_for_himself(face: Face, name: str, held: Held) -> None:
    f = face.cached(name, wait=0.05)(held.load)
    first = elsewhere(f)
    held.has_begun()
    second = elsewhere(f)
    held.has_begun()
    held.let.release(2)
    assert {first.result(), second.result()} == {1, 2}
    assert counts(name).timeouts == 1


def test_who_may_not_wait_longer_can_have_an_error(face: Face, name: str, held: Held) -> None:
    f = face.cached(name, wait=0.05, on_wait="error")(held.load)
    first = elsewhere(f)
    held.has_begun()
    with pytest.raises(LoadTimeout, match=rf"result of {name} is being loaded .* 0\.05 seconds"):
        f()
    held.let.release()
    assert first.result() == 1


def test_who_may_not_wait_longer_can_have_the_old_result(face: Face, name: str, held: Held) -> None:
    f = face.cached(name, ttl=0.05, jitter=0, early=0, wait=0.05, on_wait="stale", fail_safe=60)(
        held.load
    )
    held.let.release()
    assert f() == 1
    held.has_begun()
    time.sleep(0.06)
    second = elsewhere(f)
    held.has_begun()
    assert f() == 1
    held.let.release()
    assert second.result() == 2


@on_one_store
def test_not_to_wait_at_all_is_a_time_too(face: Face, name: str, held: Held) -> None:
    f = face.cached(name, wait=0, on_wait="error")(held.load)
    first = elsewhere(f)
    held.has_begun()
    with pytest.raises(LoadTimeout):
        f()
    held.let.release()
    assert first.result() == 1


# What is for its caller only


@on_one_store
def test_a_result_that_is_refused_is_neither_stored_nor_given_to_others(
    face: Face, name: str
) -> None:
    calls = []
    three = threading.Barrier(3)

    @face.cached(name)
    def f():
        calls.append(1)
        number = len(calls)
        if number == 1:
            wait_for(lambda: counts(name).waits >= 3)
        elif number <= 4:
            three.wait(20)  # they load at once, not one after the other
        innermost.get().refuse("private")
        return number

    assert sorted(together(4, f)) == [1, 2, 3, 4]
    assert f() == 5
    assert counts(name).stored == 0
    assert counts(name).refused == 5


@on_one_store
def test_after_a_result_was_refused_nobody_waits_for_the_next_one(face: Face, name: str) -> None:
    both = threading.Barrier(2)
    calls = []

    @face.cached(name)
    def f():
        calls.append(1)
        if len(calls) > 1:
            both.wait(20)
        innermost.get().refuse("private")

    f()
    together(2, f)
    assert counts(name).waits == 0


@pytest.mark.parametrize("engine", ["memory"], indirect=True)
def test_one_look_on_a_network_serves_those_only_who_came_before_it(
    face: Face, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = named_stores.store("cache")
    monkeypatch.setattr(store, "local", False, raising=False)
    truth = ["old"]
    looking, let = threading.Event(), threading.Event()

    @face.cached(name, tags=[name], tier=False)
    def f():
        return truth[0]

    f()
    look = store.tags.get
    looks = []

    def look_and_stop(key):
        found = look(key)
        looks.append(key)
        if len(looks) == 1:
            looking.set()
            assert let.wait(20)
        return found

    monkeypatch.setattr(store.tags, "get", look_and_stop)
    early = elsewhere(f)
    assert looking.wait(20)
    truth[0] = "new"
    holdfast.invalidate(name)
    late = [elsewhere(f) for _ in range(5)]
    under_way = loader()._fetching._looks[f.key()]
    wait_for(lambda: len(under_way._wakers) == 5)
    let.set()
    assert early.result() == "old"
    assert [each.result() for each in late] == ["new"] * 5


@on_one_store
def test_a_function_that_asks_for_its_own_result_is_told(face: Face, name: str) -> None:
    @face.cached(name)
    def f():
        return f() if face.kind == "sync" else f.function()

    with pytest.raises(RuntimeError, match="called itself with the same arguments"):
        f()


@on_one_store
def test_calls_within_calls_are_recorded_together(face: Face, name: str) -> None:
    numbers = []

    def number() -> int:
        numbers.append(1)
        return len(numbers)

    inner = holdfast.cached(300, name=name + "inner", tags=[f"{name}:inner"])(number)

    @face.cached(name)
    def outer():
        return [inner(), number()]

    first = outer()
    assert outer() == first
    holdfast.invalidate(f"{name}:inner")
    second = outer()
    assert second[0] > first[1]
    # Now the inner one is found, and the outer one depends on it all the same.
    outer.invalidate()
    assert outer()[0] == second[0]
    holdfast.invalidate(f"{name}:inner")
    assert outer()[0] > second[0]


@on_one_store
def test_who_records_hears_of_hits_in_every_way(face: Face, name: str) -> None:
    @face.cached(name, tags=[f"{name}:tag"])
    def f():
        return 1

    for _ in range(4):  # loaded, checked, and twice from this process's own memory
        with recording() as made:
            f()
        assert f"u:{name}:tag".encode() in made.tags
