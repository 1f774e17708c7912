"""Iterators that run inside a scope, whoever consumes, closes or collects them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

import holdfast
from holdfast.scope.iteration import ScopedAsyncIterator, ScopedIterator
from holdfast.scope.scope import Scope


def scope_of(user_id: int) -> Scope:
    scope = Scope()
    scope.state.user_id = user_id
    return scope


def test_values_sent_and_errors_thrown_reach_the_generator_inside_the_scope() -> None:
    def echo() -> Iterator[object]:
        received = yield holdfast.state.user_id
        try:
            yield received, holdfast.state.user_id
        except ValueError as error:
            yield str(error), holdfast.state.user_id

    scope = scope_of(7)
    iterator = ScopedIterator(scope, echo())
    assert next(iterator) == 7
    assert iterator.send("a") == ("a", 7)
    assert iterator.throw(ValueError("b")) == ("b", 7)
    assert holdfast.current(None) is None
    iterator.close()
    iterator.close()
    scope.close()


def test_a_step_that_raises_is_told_and_the_consumers_scope_is_current_again() -> None:
    told: list[str] = []

    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("half-way")

    scope = scope_of(7)
    with holdfast.open_scope(user_id=8) as own:
        iterator = ScopedIterator(scope, broken(), on_error=lambda: told.append("told"))
        assert next(iterator) == 1
        with pytest.raises(ValueError, match="half-way"):
            next(iterator)
        assert holdfast.current() is own
    assert told == ["told"]
    scope.close()


def test_two_scopes_in_one_thread_may_be_consumed_in_turns() -> None:
    def own() -> Iterator[int]:
        for _ in range(3):
            yield holdfast.state.user_id

    one, two = scope_of(1), scope_of(2)
    pairs = list(zip(ScopedIterator(one, own()), ScopedIterator(two, own()), strict=True))
    assert pairs == [(1, 2)] * 3
    one.close()
    two.close()


def test_an_asynchronous_iterator_left_behind_is_closed_inside_its_scope() -> None:
    seen: list[int] = []

    async def rows() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append(holdfast.state.user_id)

    async def main() -> None:
        scope = scope_of(7)
        iterator = ScopedAsyncIterator(scope, rows())
        assert await anext(iterator) == 1
        async with holdfast.open_scope(user_id=8):
            del iterator
            gc.collect()
            await asyncio.sleep(0.01)
        scope.close()

    asyncio.run(main())
    assert seen == [7]


def test_an_iterator_that_can_not_be_closed_is_fine() -> None:
    scope = scope_of(7)
    iterator = ScopedIterator(scope, iter([1, 2]))
    assert list(iterator) == [1, 2]
    iterator.close()
    scope.close()
