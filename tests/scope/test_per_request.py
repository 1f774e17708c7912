"""At most one call per request per arguments, whoever asks at once."""

import asyncio
import functools
import gc
import inspect
import random
import threading
import time
import weakref
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import holdfast


def test_one_call_per_request_and_arguments() -> None:
    calls: list[tuple[int, int]] = []

    @holdfast.per_request
    def add(a: int, b: int = 2) -> int:
        calls.append((a, b))
        return a + b

    with holdfast.open_scope():
        assert [add(1), add(1), add(2)] == [3, 3, 4]
    with holdfast.open_scope():
        assert add(1) == 3
    assert calls == [(1, 2), (2, 2), (1, 2)]


def test_the_same_arguments_make_one_key_however_they_are_passed() -> None:
    calls: list[object] = []

    @holdfast.per_request
    def find(a: int, /, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
        calls.append((a, b, c))
        return a, b, c

    with holdfast.open_scope():
        assert find(1) == find(1, 2) == find(1, b=2) == find(1, c=3) == (1, 2, 3)
        assert find(1, c=4) == (1, 2, 4)
    assert calls == [(1, 2, 3), (1, 2, 4)]


def test_functions_of_any_arguments_are_remembered_too() -> None:
    calls: list[object] = []

    @holdfast.per_request
    def find(*args: int, **kwargs: int) -> int:
        calls.append((args, kwargs))
        return len(calls)

    with holdfast.open_scope():
        assert find(1, b=2, c=3) == find(1, c=3, b=2) == 1
        assert find(1) == 2
        assert find((1,), (("b", 2),)) == 3  # type: ignore[arg-type]
        assert find(1, b=2) == 4
        with pytest.raises(TypeError, match="a list can't be told"):
            find([1])  # type: ignore[arg-type]


def test_none_is_remembered() -> None:
    calls: list[int] = []

    @holdfast.per_request
    def nothing() -> None:
        calls.append(1)

    with holdfast.open_scope():
        nothing()
        nothing()
    assert calls == [1]


def test_name_documentation_and_signature_are_kept() -> None:
    @holdfast.per_request
    def tenant(host: str, *, active: bool = True) -> str:
        """The tenant of a host."""
        return f"{host}{active}"

    assert tenant.__name__ == "tenant"
    assert tenant.__doc__ == "The tenant of a host."
    assert str(inspect.signature(tenant)) == "(host: str, *, active: bool = True) -> str"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'host'"):
        tenant()  # type: ignore[call-arg]


def test_methods_remember_for_each_object_and_let_it_go_at_the_end() -> None:
    class Cart:
        @holdfast.per_request
        def total(self, currency: str) -> list[str]:
            return [currency]

        @classmethod
        @holdfast.per_request
        def rates(cls) -> list[int]:
            return [1]

        @property
        @holdfast.per_request
        def owner(self) -> list[int]:
            return [7]

    one, other = Cart(), Cart()
    watch = weakref.ref(one)
    with holdfast.open_scope():
        assert one.total("EUR") is one.total("EUR")
        assert one.total("EUR") is not other.total("EUR")
        assert Cart.rates() is one.rates()
        assert one.owner is one.owner
        del one
    gc.collect()
    assert watch() is None


def test_outside_of_requests_and_after_the_end_it_calls_straight_through() -> None:
    calls: list[int] = []

    @holdfast.per_request
    def count() -> int:
        calls.append(1)
        return len(calls)

    assert (count(), count()) == (1, 2)

    async def main() -> None:
        async with holdfast.open_scope():
            assert (count(), count()) == (3, 3)
            late = asyncio.create_task(asyncio.to_thread(count))
        assert await late == 4

    asyncio.run(main())


def test_an_error_is_not_remembered() -> None:
    outcomes = [ValueError("no"), 7]

    @holdfast.per_request
    def flaky() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with holdfast.open_scope():
        with pytest.raises(ValueError, match="no") as caught:
            flaky()
        assert caught.value.__context__ is None  # no traces of the look-up in the user's error
        assert flaky() == flaky() == 7


@pytest.mark.parametrize("argument", [[1], {1: 2}, {3}])
def test_unhashable_arguments_give_an_error_that_names_function_and_type(argument: object) -> None:
    @holdfast.per_request
    def find(keys: object) -> None: ...

    with (
        holdfast.open_scope(),
        pytest.raises(TypeError, match=f"find .* a {type(argument).__name__} can't") as caught,
    ):
        find(argument)
    assert "Pass a tuple" in str(caught.value)


def test_a_type_error_of_the_function_itself_is_its_own() -> None:
    @holdfast.per_request
    def broken(a: int) -> str:
        return "a" + a  # type: ignore[operator]

    with holdfast.open_scope(), pytest.raises(TypeError, match="can only concatenate str"):
        broken(1)


def test_threads_of_one_request_wait_for_the_first() -> None:
    calls: list[int] = []
    started, go_on = threading.Event(), threading.Event()

    @holdfast.per_request
    def slow(key: int) -> int:
        calls.append(key)
        started.set()
        go_on.wait(5)
        return key

    with holdfast.open_scope(), ThreadPoolExecutor(8) as pool:
        first = pool.submit(holdfast.carry(slow), 1)
        started.wait(5)
        others = [pool.submit(holdfast.carry(slow), 1) for _ in range(7)]
        while pool._work_queue.qsize():
            pass
        assert not any(other.done() for other in others)
        go_on.set()
        assert first.result() == 1
        assert [other.result() for other in others] == [1] * 7
    assert calls == [1]


def test_when_the_first_thread_fails_one_of_those_who_wait_tries() -> None:
    calls: list[int] = []
    started, go_on = threading.Event(), threading.Event()

    @holdfast.per_request
    def slow() -> int:
        calls.append(1)
        if len(calls) == 1:
            started.set()
            go_on.wait(5)
            raise ValueError("first")
        return 7

    with holdfast.open_scope(), ThreadPoolExecutor(4) as pool:
        first = pool.submit(holdfast.carry(slow))
        started.wait(5)
        others = [pool.submit(holdfast.carry(slow)) for _ in range(3)]
        time.sleep(0.05)
        go_on.set()
        with pytest.raises(ValueError, match="first"):
            first.result()
        assert [other.result() for other in others] == [7, 7, 7]
    assert len(calls) == 2


def test_tasks_of_one_request_wait_for_the_first() -> None:
    calls: list[int] = []

    @holdfast.per_request
    async def slow(key: int) -> int:
        calls.append(key)
        await asyncio.sleep(0.01)
        return key

    async def main() -> None:
        async with holdfast.open_scope():
            assert await asyncio.gather(*(slow(n % 2) for n in range(10))) == [0, 1] * 5
            assert await slow(0) == 0

    asyncio.run(main())
    assert sorted(calls) == [0, 1]
    assert asyncio.iscoroutinefunction(slow)


def test_when_the_first_task_is_cancelled_another_one_calls() -> None:
    calls: list[int] = []

    @holdfast.per_request
    async def slow() -> int:
        calls.append(1)
        await asyncio.sleep(0.02)
        return 7

    async def main() -> None:
        async with holdfast.open_scope():
            first = asyncio.create_task(slow())
            second = asyncio.create_task(slow())
            await asyncio.sleep(0)
            first.cancel()
            assert await second == 7
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())
    assert len(calls) == 2


def test_tasks_of_two_event_loops_share_one_call() -> None:
    calls: list[int] = []

    @holdfast.per_request
    async def slow() -> int:
        calls.append(1)
        await asyncio.sleep(0.05)
        return 7

    with holdfast.open_scope(), ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(holdfast.carry(lambda: asyncio.run(slow()))) for _ in range(3)]
        assert [job.result() for job in jobs] == [7, 7, 7]
    assert calls == [1]


def test_a_function_that_asks_for_what_it_computes_is_told_instead_of_waiting_for_ever() -> None:
    @holdfast.per_request
    def endless(n: int) -> int:
        return endless(n)

    @holdfast.per_request
    async def endless_async(n: int) -> int:
        # In a task of its own, too.
        return await asyncio.create_task(endless_async(n))

    @holdfast.per_request
    def factorial(n: int) -> int:
        return n * factorial(n - 1) if n else 1

    async def main() -> None:
        async with holdfast.open_scope():
            with pytest.raises(RuntimeError, match="endless_async was asked for the result"):
                await endless_async(1)

    with holdfast.open_scope():
        with pytest.raises(RuntimeError, match="endless was asked for the result"):
            endless(1)
        assert factorial(20) == 2432902008176640000
    asyncio.run(main())


def test_two_calls_that_wait_for_each_other_are_told_too() -> None:
    both_inside = threading.Barrier(2)
    entered: set[str] = set()

    def meet(name: str) -> None:
        if name not in entered:
            entered.add(name)
            both_inside.wait(5)

    @holdfast.per_request
    def left() -> int:
        meet("left")
        return right()

    @holdfast.per_request
    def right() -> int:
        meet("right")
        return left()

    with holdfast.open_scope(), ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(holdfast.carry(left)), pool.submit(holdfast.carry(right))]
        # One of the two notices the circle; as it then fails, the other one tries what it had
        # waited for, and meets itself.
        for job in jobs:
            assert "was asked for the result that it is just computing" in str(job.exception(10))


def test_no_more_results_than_asked_for_are_kept_and_the_least_recent_leave() -> None:
    calls: Counter[int] = Counter()

    @holdfast.per_request(maxsize=2)
    def square(n: int) -> int:
        calls[n] += 1
        return n * n

    with holdfast.open_scope() as scope:
        assert [square(1), square(2), square(1), square(3), square(1), square(2)] == [
            1,
            4,
            1,
            9,
            1,
            4,
        ]
        assert calls == {1: 1, 2: 2, 3: 1}
        for n in range(1000):
            square(n)
        assert max(len(kept) for kept in scope.memo.values()) == 2


@pytest.mark.parametrize("maxsize", [None, 3])
def test_a_storm_of_threads_computes_each_key_once(maxsize: int | None) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lock = threading.Lock()
    calls: Counter[int] = Counter()

    @holdfast.per_request(maxsize=maxsize)
    def slow(key: int) -> int:
        with lock:
            calls[key] += 1
        time.sleep(chance.random() / 1000)
        return -key

    keys = list(range(3)) * 50
    chance.shuffle(keys)
    with holdfast.open_scope(), ThreadPoolExecutor(16) as pool:
        assert list(pool.map(holdfast.carry(slow), keys)) == [-key for key in keys]
    assert calls == {0: 1, 1: 1, 2: 1}


def test_what_can_not_be_remembered_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(TypeError, match="a generator can be read once"):

        @holdfast.per_request
        def rows():
            yield 1

    with pytest.raises(TypeError, match="inner decorator"):
        holdfast.per_request(staticmethod(len))  # type: ignore[type-var]
    with pytest.raises(ValueError, match="maxsize=0"):
        holdfast.per_request(maxsize=0)


def test_defaults_of_a_function_that_another_decorator_wrapped_hold_still() -> None:
    def plain(a: int, b: int = 2, *, c: int = 3) -> tuple[int, int, int]:
        return a, b, c

    @functools.wraps(plain)
    def traced(*args: int, **kwargs: int) -> tuple[int, int, int]:
        return plain(*args, **kwargs)

    with holdfast.open_scope():
        assert holdfast.per_request(traced)(1) == (1, 2, 3)
