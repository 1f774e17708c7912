"""Callers ask for one key each; few loads serve them all."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

import holdfast


def squares(loads: list[list[int]]) -> holdfast.BulkLoader[int, int]:
    @holdfast.bulk_loader
    def square(keys: list[int]) -> Mapping[int, int]:
        loads.append(keys)
        return {key: key * key for key in keys if key >= 0}

    return square


def test_keys_are_loaded_once_and_together() -> None:
    loads: list[list[int]] = []
    square = squares(loads)
    with holdfast.open_scope():
        assert square(2) == 4
        assert square.many([1, 2, 3, 1]) == {1: 1, 2: 4, 3: 9}
        assert list(square.many([3, 1])) == [3, 1]
        assert square(3) == 9
    with holdfast.open_scope():
        assert square(3) == 9
    assert loads == [[2], [1, 3], [3]]


def test_a_key_that_does_not_exist_is_a_key_error_a_default_or_left_out() -> None:
    loads: list[list[int]] = []
    square = squares(loads)
    with holdfast.open_scope():
        with pytest.raises(KeyError, match="-1"):
            square(-1)
        assert square(-1, None) is None
        assert square.many([-1, 2]) == {2: 4}
    assert loads == [[-1], [2]]  # that it does not exist is remembered, too


def test_outside_of_requests_each_call_loads() -> None:
    loads: list[list[int]] = []
    square = squares(loads)
    assert (square(2), square(2), square.many([2, 3]), square.many([])) == (4, 4, {2: 4, 3: 9}, {})
    assert loads == [[2], [2], [2, 3]]


def test_forgotten_keys_are_loaded_anew() -> None:
    loads: list[list[int]] = []
    square = squares(loads)
    square.forget(1)
    with holdfast.open_scope():
        square.forget(1)
        square.many([1, 2])
        square.forget(1)
        square.many([1, 2])
    assert loads == [[1, 2], [1]]


def test_what_is_forgotten_while_it_is_loaded_is_loaded_anew() -> None:
    rows = {1: "old", 2: "two", 3: "three"}
    read, go_on, waits = threading.Event(), threading.Event(), threading.Event()

    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, str]:
        found = {key: rows[key] for key in keys}
        if keys == [3]:
            waits.set()  # for what the first one loads
        if not read.is_set():
            read.set()
            assert go_on.wait(20)
        return found

    with holdfast.open_scope(), ThreadPoolExecutor(2) as pool:
        first = pool.submit(holdfast.carry(load.many), [1, 2])
        assert read.wait(20)
        rows[1] = "new"
        load.forget(1)
        assert load(1) == "new"
        # Beside a key that the first load still brings.
        both = pool.submit(holdfast.carry(load.many), [1, 2, 3])
        assert waits.wait(20)
        go_on.set()
        assert first.result(20) == {1: "old", 2: "two"}  # asked before
        assert both.result(20) == {1: "new", 2: "two", 3: "three"}
        assert load.many([1, 2]) == {1: "new", 2: "two"}


def test_what_is_forgotten_while_it_is_awaited_is_loaded_anew() -> None:
    rows = {1: "old", 2: "two"}
    loads: list[list[int]] = []

    async def main() -> None:
        read, go_on = asyncio.Event(), asyncio.Event()

        @holdfast.bulk_loader
        async def load(keys: list[int]) -> dict[int, str]:
            loads.append(list(keys))
            found = {key: rows[key] for key in keys}
            read.set()
            await go_on.wait()
            return found

        async with holdfast.open_scope():
            first = asyncio.create_task(load.many([1, 2]))
            await read.wait()
            rows[1] = "new"
            load.forget(1)
            second = asyncio.create_task(load.many([1, 2]))
            await asyncio.sleep(0)
            load.forget(1)  # nothing of it was read yet: it stays in its load, and once
            third = asyncio.create_task(load(1))
            await asyncio.sleep(0)
            go_on.set()
            assert await first == {1: "old", 2: "two"}  # asked before
            assert await second == {1: "new", 2: "two"}
            assert await third == "new"
            assert await load(1) == "new"

    asyncio.run(main())
    assert loads == [[1, 2], [1]]


def test_a_load_that_fails_is_not_remembered() -> None:
    answers = [ValueError("down"), {1: 1}]

    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, int]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with holdfast.open_scope():
        with pytest.raises(ValueError, match="down"):
            load(1)
        assert load(1) == 1


def test_what_is_no_mapping_is_refused_with_the_name_of_the_function() -> None:
    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, int]:
        return keys  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"load must return a mapping .* returned list"):
        load(1)


def test_a_limit_of_keys_for_one_load_is_kept() -> None:
    loads: list[int] = []

    @holdfast.bulk_loader(max_batch=500)
    def load(keys: list[int]) -> dict[int, int]:
        loads.append(len(keys))
        return dict.fromkeys(keys, 0)

    with holdfast.open_scope():
        assert len(load.many(range(1200))) == 1200
    assert loads == [500, 500, 200]


def test_a_million_distinct_keys_stay_within_the_bound() -> None:
    @holdfast.bulk_loader(maxsize=1000)
    def load(keys: list[int]) -> dict[int, int]:
        return {key: -key for key in keys}

    with holdfast.open_scope() as scope:
        most = 0
        for start in range(0, 1_000_000, 10_000):
            assert load.many(range(start, start + 10_000))[start] == -start  # more than is kept
            (shelf,) = scope.memo.values()
            most = max(most, len(shelf.known))
            assert not shelf.under_way
        assert most == 1000
        assert load(999_999) == -999_999


def test_a_thread_waits_for_keys_that_another_one_loads_and_loads_only_the_rest() -> None:
    loads: list[list[int]] = []
    started, go_on = threading.Event(), threading.Event()

    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, int]:
        loads.append(keys)
        if 1 in keys:
            started.set()
            go_on.wait(5)
        return {key: -key for key in keys}

    with holdfast.open_scope(), ThreadPoolExecutor(2) as pool:
        first = pool.submit(holdfast.carry(load.many), [1, 2])
        started.wait(5)
        second = pool.submit(holdfast.carry(load.many), [2, 3])
        while len(loads) < 2:
            pass
        assert not second.done()
        go_on.set()
        assert first.result() == {1: -1, 2: -2}
        assert second.result() == {2: -2, 3: -3}
    assert loads == [[1, 2], [3]]


def test_all_who_wait_for_a_load_get_its_error() -> None:
    started, go_on = threading.Event(), threading.Event()
    calls: list[int] = []

    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, int]:
        calls.append(1)
        started.set()
        go_on.wait(5)
        raise ValueError("down")

    with holdfast.open_scope(), ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(holdfast.carry(load), 1)]
        started.wait(5)
        jobs.append(pool.submit(holdfast.carry(load), 1))
        time.sleep(0.05)
        go_on.set()
        assert [str(job.exception()) for job in jobs] == ["down", "down"]
    assert calls == [1]


def test_async_callers_of_one_turn_of_the_loop_share_one_load() -> None:
    loads: list[list[int]] = []

    @holdfast.bulk_loader
    async def load(keys: list[int]) -> dict[int, int]:
        loads.append(list(keys))
        assert holdfast.state.user_id == 7
        await asyncio.sleep(0)
        return {key: -key for key in keys if key}

    async def main() -> None:
        async with holdfast.open_scope(user_id=7):
            assert await asyncio.gather(*(load(n) for n in (1, 2, 1, 3))) == [-1, -2, -1, -3]
            assert await load.many([3, 4, 0]) == {3: -3, 4: -4}
            assert await load(0, None) is None
            with pytest.raises(KeyError):
                await load(0)
        assert await load(5) == -5

    with pytest.raises(holdfast.NoRequest):  # the load outside of the request has no state
        asyncio.run(main())
    assert loads == [[1, 2, 3], [4, 0], [5]]


def test_a_cancelled_caller_does_not_take_the_load_from_the_others() -> None:
    calls: list[int] = []

    @holdfast.bulk_loader
    async def load(keys: list[int]) -> dict[int, int]:
        calls.append(1)
        await asyncio.sleep(0.02)
        return {key: -key for key in keys}

    async def main() -> None:
        async with holdfast.open_scope():
            first = asyncio.create_task(load(1))
            second = asyncio.create_task(load(1))
            await asyncio.sleep(0.005)
            first.cancel()
            assert await second == -1

    asyncio.run(main())
    assert calls == [1]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_load_that_nobody_wants_any_more_is_cancelled_and_can_be_asked_for_again(
    turns: int,
) -> None:
    finished: list[int] = []

    @holdfast.bulk_loader
    async def load(keys: list[int]) -> dict[int, int]:
        await asyncio.sleep(0.02)
        finished.append(1)
        return {key: -key for key in keys}

    async def main() -> None:
        async with holdfast.open_scope() as scope:
            caller = asyncio.create_task(load(1))
            for _ in range(turns):
                await asyncio.sleep(0)
            caller.cancel()
            late = asyncio.create_task(load(1))
            cancelled, found = await asyncio.gather(caller, late, return_exceptions=True)
            assert isinstance(cancelled, asyncio.CancelledError)
            assert found == -1
            (shelf,) = scope.memo.values()
            assert not shelf.under_way

    asyncio.run(main())
    assert finished == [1]


def test_everyone_gets_the_error_of_an_async_load() -> None:
    @holdfast.bulk_loader
    async def load(keys: list[int]) -> dict[int, int]:
        raise ValueError("down")

    async def main() -> list[object]:
        async with holdfast.open_scope():
            return await asyncio.gather(load(1), load(2), return_exceptions=True)

    assert [str(error) for error in asyncio.run(main())] == ["down", "down"]


@given(st.lists(st.lists(st.integers(-5, 30), max_size=12), max_size=12), st.integers(1, 8))
def test_any_sequence_of_questions_is_answered_as_without_memory(
    questions: list[list[int]], maxsize: int
) -> None:
    @holdfast.bulk_loader(maxsize=maxsize, max_batch=3)
    def square(keys: list[int]) -> dict[int, int]:
        assert 0 < len(keys) <= 3
        return {key: key * key for key in keys if key >= 0}

    with holdfast.open_scope():
        for keys in questions:
            assert square.many(keys) == {key: key * key for key in keys if key >= 0}


def test_a_storm_of_threads_loads_each_key_once() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    loaded: Counter[int] = Counter()
    lock = threading.Lock()

    @holdfast.bulk_loader
    def load(keys: list[int]) -> dict[int, int]:
        with lock:
            loaded.update(keys)
        time.sleep(chance.random() / 500)
        return {key: -key for key in keys}

    wanted = [chance.sample(range(200), 20) for _ in range(100)]
    with holdfast.open_scope(), ThreadPoolExecutor(16) as pool:
        for keys, found in zip(wanted, pool.map(holdfast.carry(load.many), wanted), strict=True):
            assert found == {key: -key for key in keys}
    assert set(loaded.values()) == {1}


@pytest.mark.parametrize("limits", [{"maxsize": 0}, {"max_batch": 0}])
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        holdfast.bulk_loader(**limits)(dict.fromkeys)
    with pytest.raises(TypeError, match="decorates a function"):
        holdfast.bulk_loader(7)  # type: ignore[call-overload]
