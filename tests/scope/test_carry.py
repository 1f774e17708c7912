"""Carried work belongs to the request that carried it, wherever and whenever it runs."""

import asyncio
import contextvars
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

import holdfast


class Request:
    path = "/labels/"


def user_id() -> int:
    number: int = holdfast.state.user_id
    return number


def test_without_carry_a_thread_has_no_request() -> None:
    with holdfast.open_scope(user_id=7), ThreadPoolExecutor(1) as pool:
        assert pool.submit(holdfast.current, None).result() is None


def test_a_carried_function_has_the_very_scope_in_another_thread() -> None:
    with holdfast.open_scope(user_id=7) as scope, ThreadPoolExecutor(1) as pool:
        assert pool.submit(holdfast.carry(holdfast.current)).result() is scope
        pool.submit(holdfast.carry(lambda: setattr(holdfast.state, "found", 3))).result()
        assert holdfast.state.found == 3
        assert pool.submit(holdfast.current, None).result() is None  # nothing stays behind


def test_a_carried_function_may_run_in_many_threads_at_once() -> None:
    both = threading.Barrier(2)

    def meet() -> int:
        both.wait(5)
        return user_id()

    with holdfast.open_scope(user_id=7), ThreadPoolExecutor(2) as pool:
        carried = holdfast.carry(meet)
        assert [job.result() for job in [pool.submit(carried), pool.submit(carried)]] == [7, 7]


def test_arguments_results_errors_and_names_pass_through() -> None:
    def divide(a: int, *, b: int) -> float:
        """Divide."""
        return a / b

    with holdfast.open_scope():
        carried = holdfast.carry(divide)
        assert carried(6, b=3) == 2
        assert carried.__name__ == "divide"
        assert carried.__doc__ == "Divide."
        with pytest.raises(ZeroDivisionError):
            carried(1, b=0)
        assert holdfast.carry(partial(divide, b=2))(6) == 3


def test_other_context_variables_come_along() -> None:
    language: contextvars.ContextVar[str] = contextvars.ContextVar("language")
    with holdfast.open_scope(), ThreadPoolExecutor(1) as pool:
        language.set("de")
        assert pool.submit(holdfast.carry(language.get)).result() == "de"


def test_carried_work_that_outlives_the_request_keeps_its_values_and_knows() -> None:
    ended = threading.Event()
    seen: list[object] = []

    def late() -> None:
        seen.append((user_id(), holdfast.request.path, holdfast.current().closed))
        ended.wait(5)
        seen.append((user_id(), holdfast.request.path, holdfast.current().closed))

    with holdfast.open_scope(Request(), user_id=7):
        thread = threading.Thread(target=holdfast.carry(late))
        thread.start()
        while not seen:
            pass
    assert holdfast.live_scopes() == 0
    with holdfast.open_scope(Request(), user_id=8):
        ended.set()
        thread.join()
    assert seen == [(7, "/labels/", False), (7, "/labels/", True)]


def test_a_carried_task_that_outlives_the_request_keeps_its_values() -> None:
    async def late(ended: asyncio.Event) -> tuple[int, bool]:
        await ended.wait()
        return user_id(), holdfast.current().closed

    async def main() -> None:
        ended = asyncio.Event()
        async with holdfast.open_scope(user_id=7):
            carried = asyncio.create_task(holdfast.carry(late)(ended))
            plain = asyncio.create_task(late(ended))
            await asyncio.sleep(0)
        async with holdfast.open_scope(user_id=8):
            ended.set()
            assert await carried == (7, True)
            del carried
            with pytest.raises(holdfast.RequestEnded):
                await plain

    asyncio.run(main())


def test_when_the_last_carried_function_is_gone_nothing_is_kept() -> None:
    request = Request()
    watch = weakref.ref(request)
    with holdfast.open_scope(request) as scope:
        carried = holdfast.carry(holdfast.current)
        again = holdfast.carry(holdfast.current)
    del request
    assert carried() is scope
    del carried
    assert watch() is not None  # `again` may still be called
    del again
    gc.collect()
    assert watch() is None
    with pytest.raises(holdfast.RequestEnded):
        scope.state  # noqa: B018


def test_a_carried_function_that_was_never_called_keeps_nothing_once_dropped() -> None:
    request = Request()
    watch = weakref.ref(request)
    with holdfast.open_scope(request):
        carried = holdfast.carry(user_id)
    del carried, request
    gc.collect()
    assert watch() is None


def test_late_work_can_carry_on() -> None:
    with holdfast.open_scope(user_id=7):
        carry_on = holdfast.carry(lambda: holdfast.carry(user_id))
    further = carry_on()
    del carry_on
    gc.collect()
    assert further() == 7


def test_coroutine_functions_stay_coroutine_functions() -> None:
    async def read() -> int:
        await asyncio.sleep(0)
        return user_id()

    with holdfast.open_scope(user_id=7):
        carried = holdfast.carry(read)
        assert asyncio.iscoroutinefunction(carried)
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(asyncio.run(carried())))
        thread.start()
        thread.join()
    assert found == [7]


def test_generators_run_inside_the_request_and_leave_the_consumers_alone() -> None:
    left: list[int] = []

    def rows() -> Iterator[int]:
        try:
            yield user_id()
            yield user_id()
        finally:
            left.append(user_id())

    with holdfast.open_scope(user_id=7):
        carried = holdfast.carry(rows)
    with holdfast.open_scope(user_id=8):
        iterator = carried()
        assert next(iterator) == 7
        assert user_id() == 8
        del iterator
        gc.collect()
        assert left == [7]
        assert user_id() == 8


def test_asynchronous_generators_do_so_too() -> None:
    left: list[int] = []

    async def rows() -> AsyncIterator[int]:
        try:
            yield user_id()
            await asyncio.sleep(0)
            yield user_id()
        finally:
            left.append(user_id())

    async def main() -> None:
        async with holdfast.open_scope(user_id=7):
            carried = holdfast.carry(rows)
        async with holdfast.open_scope(user_id=8):
            iterator = carried()
            assert await anext(iterator) == 7
            assert user_id() == 8
            del iterator
            gc.collect()
            await asyncio.sleep(0.01)
            assert left == [7]
            assert user_id() == 8

    asyncio.run(main())


def test_objects_are_called_as_their_class_says() -> None:
    class Rows:
        def __call__(self) -> Iterator[int]:
            yield user_id()

    class Pages:
        async def __call__(self) -> AsyncIterator[int]:
            yield user_id()

    class Job:
        async def __call__(self) -> int:
            await asyncio.sleep(0)
            return user_id()

    with holdfast.open_scope(user_id=7):
        rows, pages, job = map(holdfast.carry, (Rows(), Pages(), Job()))
        of_partial = holdfast.carry(partial(Rows()))
        make = holdfast.carry(Job)

    async def read() -> list[int]:
        return [*[user async for user in pages()], await job()]

    with holdfast.open_scope(user_id=8):
        assert list(rows()) == list(of_partial()) == [7]
        assert asyncio.run(read()) == [7, 7]
        assert isinstance(make(), Job)


def test_carried_outside_of_requests_it_sees_no_request_anywhere() -> None:
    carried = holdfast.carry(lambda: holdfast.current(None))
    with holdfast.open_scope():
        assert carried() is None


def test_what_can_not_be_called_is_refused() -> None:
    async def job() -> None: ...

    coroutine = job()
    with pytest.raises(TypeError, match="Give the coroutine function"):
        holdfast.carry(coroutine)  # type: ignore[type-var]
    coroutine.close()
