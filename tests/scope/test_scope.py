"""The scope: opened unconditionally, closed once, emptied, never another's."""

import asyncio
import contextvars
import logging
import os
import pickle
import threading
import warnings
import weakref

import pytest

import holdfast
from holdfast.scope.scope import Scope, scope_var


class Request:
    """Anything that a weak reference can watch."""


def test_outside_of_requests_current_says_what_to_do() -> None:
    with pytest.raises(holdfast.NoRequest) as caught:
        holdfast.current()
    message = str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    assert "\n" not in message
    for hint in ("shell", "holdfast.carry(fn)", "with holdfast.open_scope():", "current(None)"):
        assert hint in message


def test_current_returns_the_default_where_there_is_no_request() -> None:
    assert holdfast.current(None) is None
    assert holdfast.current("none") == "none"


def test_a_scope_is_current_inside_and_gone_outside() -> None:
    with holdfast.open_scope(user_id=7) as scope:
        assert holdfast.current() is scope
        assert holdfast.current(None) is scope
        assert holdfast.live_scopes() == 1
    assert holdfast.current(None) is None
    assert holdfast.live_scopes() == 0


def test_a_scope_inside_a_scope_has_its_own_values_and_the_outer_one_returns() -> None:
    with holdfast.open_scope(user_id=1) as outer:
        with holdfast.open_scope() as inner:
            assert "user_id" not in holdfast.state
            assert holdfast.current() is inner
            assert holdfast.live_scopes() == 2
        assert holdfast.current() is outer
        assert holdfast.state.user_id == 1


def test_open_scope_gives_the_request_positionally_or_by_name() -> None:
    request = Request()
    with holdfast.open_scope(request):
        assert holdfast.request == request
    with holdfast.open_scope(request=request, name="x"):
        assert holdfast.request == request
        assert holdfast.state.name == "x"


def test_open_scope_works_with_async_with() -> None:
    async def main() -> None:
        async with holdfast.open_scope(user_id=7) as scope:
            await asyncio.sleep(0)
            assert holdfast.current() is scope
        assert scope.closed
        assert holdfast.current(None) is None

    asyncio.run(main())


def test_one_open_scope_object_can_not_be_entered_twice_at_once() -> None:
    opening = holdfast.open_scope()
    with opening, pytest.raises(RuntimeError, match="anew"):
        opening.__enter__()
    assert holdfast.live_scopes() == 0


def test_late_access_names_the_request_and_never_shows_another_ones_values() -> None:
    seen: list[str] = []
    with holdfast.open_scope(user_id=1) as scope:
        scope.name = "GET /first/"
        left_behind = contextvars.copy_context()
    with holdfast.open_scope(user_id=2):

        def late() -> None:
            for read in (
                lambda: holdfast.state.user_id,
                lambda: holdfast.request.user,
                holdfast.current,
                lambda: setattr(holdfast.state, "x", 1),
            ):
                with pytest.raises(holdfast.RequestEnded, match="GET /first/ has ended") as caught:
                    read()
                seen.append(str(caught.value))
            assert holdfast.current(None) is None

        left_behind.run(late)
    assert len(seen) == 4


def test_closing_lets_go_of_the_request_and_of_all_values() -> None:
    request, value = Request(), Request()
    watched = [weakref.ref(request), weakref.ref(value)]
    with holdfast.open_scope(request, value=value) as scope:

        @holdfast.per_request
        def remembered() -> Request:
            return Request()

        watched.append(weakref.ref(remembered()))
    del request, value
    # The scope itself is still referred to, and keeps nothing.
    assert scope.closed
    assert [watch() for watch in watched] == [None, None, None]


def test_callbacks_run_last_registered_first_and_still_see_the_values() -> None:
    order: list[tuple[int, int]] = []
    with holdfast.open_scope(user_id=7) as scope:
        for number in (1, 2, 3):
            scope.on_close(lambda number=number: order.append((number, holdfast.state.user_id)))
    assert order == [(3, 7), (2, 7), (1, 7)]


def test_each_callback_runs_even_if_others_raise_and_errors_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[str] = []

    def fail() -> None:
        ran.append("fail")
        raise ValueError("no good")

    with caplog.at_level(logging.ERROR, "holdfast"), holdfast.open_scope() as scope:
        scope.name = "GET /x/"
        scope.on_close(lambda: ran.append("first"))
        scope.on_close(fail)
        scope.on_close(lambda: ran.append("last"))
    assert ran == ["last", "fail", "first"]
    assert "GET /x/" in caplog.text
    assert "no good" in caplog.text


def test_a_base_exception_in_a_callback_is_raised_after_all_have_run() -> None:
    ran: list[int] = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    scope = Scope()
    scope.on_close(lambda: ran.append(1))
    scope.on_close(interrupt)
    with pytest.raises(KeyboardInterrupt):
        scope.close()
    assert ran == [1]
    assert holdfast.live_scopes() == 0
    assert repr(scope).startswith("<EndedScope")


def test_async_code_awaits_coroutine_callbacks() -> None:
    ran: list[int] = []

    async def finish() -> None:
        await asyncio.sleep(0)
        ran.append(holdfast.state.user_id)

    async def main() -> None:
        async with holdfast.open_scope(user_id=7) as scope:
            scope.on_close(finish)

    asyncio.run(main())
    assert ran == [7]


def test_a_coroutine_callback_is_refused_where_nobody_could_await_it() -> None:
    async def finish() -> None: ...

    with holdfast.open_scope() as scope, pytest.raises(TypeError, match="async with"):
        scope.on_close(finish)


def test_on_close_after_the_end_is_refused_and_the_callback_does_not_run() -> None:
    ran: list[int] = []
    with holdfast.open_scope() as scope:
        pass
    with pytest.raises(holdfast.RequestEnded):
        scope.on_close(lambda: ran.append(1))
    with pytest.raises(holdfast.NoRequest):
        scope_var.get().on_close(lambda: ran.append(1))
    assert ran == []


def test_a_scope_closes_once_however_many_threads_try() -> None:
    for _ in range(50):
        ran: list[int] = []
        scope = Scope()
        scope.on_close(lambda ran=ran: ran.append(1))
        start = threading.Barrier(4)

        def close(scope: Scope = scope, start: threading.Barrier = start) -> None:
            start.wait()
            scope.close()

        threads = [threading.Thread(target=close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ran == [1]
    assert holdfast.live_scopes() == 0


def test_closing_in_the_middle_of_another_request_leaves_that_one_current() -> None:
    seen: list[int] = []
    first = Scope()
    first.state.user_id = 1
    first.on_close(lambda: seen.append(holdfast.state.user_id))
    with holdfast.open_scope(user_id=2) as second:
        first.close()
        assert holdfast.current() is second
    assert seen == [1]


def test_an_open_scope_closed_in_another_context_does_not_raise() -> None:
    # A generator that holds a scope open over a yield, and is closed from elsewhere: where
    # ContextVar.reset(token) raises ValueError.
    def jobs() -> object:
        with holdfast.open_scope(user_id=1):
            yield holdfast.state.user_id

    generator = jobs()
    assert contextvars.copy_context().run(next, generator) == 1  # type: ignore[call-overload]
    with holdfast.open_scope(user_id=2):
        generator.close()  # type: ignore[attr-defined]
        assert holdfast.state.user_id == 2
    assert holdfast.live_scopes() == 0


def test_an_abandoned_scope_is_closed_when_it_is_collected() -> None:
    ran: list[int] = []
    scope = Scope(name="GET /lost/")
    scope.state.user_id = 7
    scope.on_close(lambda: ran.append(holdfast.state.user_id))
    scopes = [scope]
    del scope
    with pytest.warns(ResourceWarning, match="GET /lost/ was never closed"):
        scopes.clear()
    assert ran == [7]
    assert holdfast.live_scopes() == 0


def test_a_child_process_starts_with_no_live_scopes() -> None:
    with holdfast.open_scope(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, from 3.12
        child = os.fork()
        if child == 0:
            os._exit(0 if holdfast.live_scopes() == 0 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert holdfast.live_scopes() == 1


def test_a_child_process_closes_the_scope_that_it_was_forked_in() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads, from 3.12
        request = Request()
        watch = weakref.ref(request)
        with holdfast.open_scope(request) as scope:
            del request
            child = os.fork()
        if child == 0:
            os._exit(0 if scope.closed and watch() is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert scope.closed


def test_scopes_are_told_apart_by_identity_and_can_not_be_pickled() -> None:
    one, other = Scope(), Scope()
    assert one != other
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(one)
    one.close()
    other.close()


def test_the_request_can_be_replaced_while_it_lasts() -> None:
    with holdfast.open_scope({"raw": True}) as scope:
        scope.request = replaced = Request()
        assert holdfast.request == replaced
    with pytest.raises(holdfast.RequestEnded):
        scope.request = Request()
