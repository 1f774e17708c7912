"""What a result's loader reads in threads of its own counts, if they were carried."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
from django.db import connections

import holdfast
from holdfast.scope.autocarry import carry_automatically
from tests.django.tracking.shop.models import Tag

Run = Callable[[Callable[[], None]], None]


def in_a_thread(job: Callable[[], None]) -> None:
    thread = Thread(target=job)
    thread.start()
    thread.join()


def in_an_executor(job: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(job).result()


def in_an_executors_map(job: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        list(pool.map(lambda _: job(), [1]))


def in_the_loops_executor(job: Callable[[], None]) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(None, job)

    asyncio.run(main())


RUNS = [in_a_thread, in_an_executor, in_an_executors_map, in_the_loops_executor]


def names(run: Run, *, carried: bool) -> list[str]:
    found: list[str] = []

    def job() -> None:
        try:
            found.extend(Tag.objects.order_by("name").values_list("name", flat=True))
        finally:
            connections.close_all()

    run(holdfast.carry(job) if carried else job)
    return found


@pytest.fixture
def _carrying(on_sqlite: None) -> Iterator[None]:
    carry_automatically(frozenset({"threads", "executors"}))
    yield
    carry_automatically(frozenset())


@pytest.mark.parametrize("run", RUNS)
def test_carried_by_hand(on_sqlite: None, counted: Any, run: Run) -> None:
    load = counted(lambda: names(run, carried=True))
    Tag.objects.create(name="red")
    assert not load.is_kept()
    assert load() == ["red"]


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.usefixtures("_carrying")
def test_carried_by_the_setting(counted: Any, run: Run) -> None:
    with holdfast.open_scope():
        load = counted(lambda: names(run, carried=False))
        Tag.objects.create(name="red")
        assert not load.is_kept()
        assert load() == ["red"]
