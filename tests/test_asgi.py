"""The ASGI wrapper: one scope from the call of the application to its return."""

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableMapping
from contextvars import Context, copy_context
from typing import Any

import pytest

import holdfast
from holdfast.asgi import SCOPE_KEY, Application, ASGIScope, Receive, RequestScope, Send

Message = MutableMapping[str, Any]
Handler = Callable[[], Awaitable[None]]


class Interrupt(BaseException):
    """Stands for what ends workers."""


class Pause:
    """Suspends whoever awaits it, in no particular event loop."""

    def __await__(self) -> Generator[str, None, None]:
        yield "pause"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None


def http(path: str = "/labels/", **more: Any) -> ASGIScope:
    return {"type": "http", "method": "GET", "path": path, "headers": [], **more}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    await asyncio.sleep(0)


def wrapped(handler: Handler) -> RequestScope:
    async def application(asgi_scope: ASGIScope, receive: Receive, send: Send) -> None:
        await handler()

    return RequestScope(application)


async def serve(app: Application, asgi_scope: ASGIScope | None = None) -> None:
    await app(asgi_scope or http(), receive, send)


# The way of one request


@pytest.mark.parametrize(
    ("asgi_scope", "name"),
    [
        (http(), "GET /labels/"),
        (http(method="POST"), "POST /labels/"),
        ({"type": "websocket", "path": "/chat/", "headers": []}, "WEBSOCKET /chat/"),
    ],
    ids=["http", "post", "websocket"],
)
def test_a_request_and_a_websocket_have_a_named_scope(asgi_scope: ASGIScope, name: str) -> None:
    seen: list[holdfast.Scope] = []

    async def handler() -> None:
        seen.append(holdfast.current())
        await asyncio.sleep(0)
        assert holdfast.current() is seen[0]
        assert not seen[0].closed

    asyncio.run(serve(wrapped(handler), asgi_scope))
    assert seen[0].name == name
    assert seen[0].closed


def test_lifespan_messages_pass_by_untouched() -> None:
    lifespan: ASGIScope = {"type": "lifespan", "asgi": {"version": "3.0"}}
    seen: list[ASGIScope] = []

    async def app(asgi_scope: ASGIScope, receive: Receive, send: Send) -> None:
        seen.append(asgi_scope)
        assert holdfast.current(None) is None

    asyncio.run(serve(RequestScope(app), lifespan))
    assert seen[0] is lifespan
    assert SCOPE_KEY not in lifespan


def test_the_servers_own_scope_dict_is_copied_and_never_marked() -> None:
    servers = http()
    before = dict(servers)

    async def app(asgi_scope: ASGIScope, receive: Receive, send: Send) -> None:
        assert asgi_scope is not servers
        assert asgi_scope[SCOPE_KEY] is holdfast.current()
        assert holdfast.current().request is asgi_scope
        assert holdfast.request["path"] == "/labels/"
        asgi_scope["user"] = "ann"

    asyncio.run(serve(RequestScope(app), servers))
    assert servers == before


def test_the_servers_send_and_receive_are_called_inside_the_scope() -> None:
    names: list[str] = []

    async def app(asgi_scope: ASGIScope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200})

    async def note(*_: Message) -> Message:
        names.append(holdfast.current().name)
        return {}

    asyncio.run(RequestScope(app)(http(), note, note))  # type: ignore[arg-type]
    assert names == ["GET /labels/", "GET /labels/"]


def test_tasks_task_groups_and_threads_of_asyncio_belong_to_the_request() -> None:
    async def name() -> str:
        await asyncio.sleep(0)
        return holdfast.current().name

    async def handler() -> None:
        task = asyncio.create_task(name())
        async with asyncio.TaskGroup() as group:
            grouped = group.create_task(name())
        in_thread = await asyncio.to_thread(lambda: holdfast.current().name)
        assert {await task, grouped.result(), in_thread} == {"GET /labels/"}

    asyncio.run(serve(wrapped(handler)))


def test_a_server_may_pass_the_three_by_name_as_daphne_does() -> None:
    names: list[str] = []

    async def handler() -> None:
        names.append(holdfast.current().name)

    asyncio.run(wrapped(handler)(scope=http(), receive=receive, send=send))
    assert names == ["GET /labels/"]


def test_it_adds_no_task_and_no_thread() -> None:
    async def main() -> None:
        here = asyncio.current_task(), threading.get_ident()

        async def handler() -> None:
            assert (asyncio.current_task(), threading.get_ident()) == here

        await serve(wrapped(handler))

    asyncio.run(main())


# Every end is the end


@pytest.mark.parametrize("error", [ValueError("no"), Interrupt()], ids=["error", "interrupt"])
def test_an_application_that_raises_ends_the_scope(error: BaseException) -> None:
    async def handler() -> None:
        raise error

    async def main() -> None:
        with pytest.raises(type(error)):
            await serve(wrapped(handler))
        assert holdfast.live_scopes() == 0
        assert holdfast.current(None) is None

    asyncio.run(main())


def test_a_cancellation_in_the_middle_ends_the_scope_after_the_applications_own_finally() -> None:
    events: list[str] = []

    async def handler() -> None:
        holdfast.current().on_close(lambda: events.append("scope"))
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            events.append(f"finally in {holdfast.current().name}")

    async def main() -> None:
        task = asyncio.create_task(serve(wrapped(handler)))
        await asyncio.sleep(0.01)
        assert holdfast.live_scopes() == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert holdfast.live_scopes() == 0

    asyncio.run(main())
    assert events == ["finally in GET /labels/", "scope"]


def test_a_cancellation_while_callbacks_are_awaited_still_runs_each_and_is_heard() -> None:
    events: list[str] = []

    async def slow() -> None:
        events.append("slow")
        await asyncio.sleep(60)

    async def handler() -> None:
        holdfast.current().on_close(lambda: events.append("first registered"))
        holdfast.current().on_close(slow)

    async def main() -> None:
        task = asyncio.create_task(serve(wrapped(handler)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events == ["slow", "first registered"]
    assert holdfast.live_scopes() == 0


def test_coroutine_callbacks_are_awaited_before_the_server_goes_on() -> None:
    events: list[str] = []

    async def farewell() -> None:
        await asyncio.sleep(0)
        events.append(holdfast.current().name)

    async def handler() -> None:
        holdfast.current().on_close(lambda: events.append("plain"))
        holdfast.current().on_close(farewell)

    asyncio.run(serve(wrapped(handler)))
    assert events == ["GET /labels/", "plain"]


def test_a_callback_that_raises_is_logged_and_neither_stops_the_others_nor_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events: list[str] = []

    async def broken() -> None:
        raise ValueError("no")

    async def handler() -> None:
        holdfast.current().on_close(lambda: events.append("the other"))
        holdfast.current().on_close(broken)

    asyncio.run(serve(wrapped(handler)))
    assert events == ["the other"]
    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("holdfast", logging.ERROR)
    ]


def test_afterwards_nothing_keeps_the_request() -> None:
    class Request:
        pass

    held: list[weakref.ref[Any]] = []

    class Marked(dict[str, Any]):
        pass

    async def handler() -> None:
        holdfast.current().request = Request()
        held.append(weakref.ref(holdfast.current().request))

    async def main() -> None:
        servers = Marked(http())
        held.append(weakref.ref(servers))
        await serve(wrapped(handler), servers)
        del servers
        gc.collect()
        assert [reference() for reference in held] == [None, None]

    asyncio.run(main())


def test_a_call_that_a_server_drops_in_the_middle_ends_the_scope() -> None:
    events: list[str] = []

    async def handler() -> None:
        holdfast.current().on_close(lambda: events.append(holdfast.current().name))
        await Pause()

    call = serve(wrapped(handler))
    context = Context()
    assert context.run(call.send, None) == "pause"
    del call
    gc.collect()
    assert events == ["GET /labels/"]
    assert holdfast.live_scopes() == 0


# What outlives the request


def test_a_task_that_outlives_the_request_is_told_which_one_has_ended() -> None:
    tasks: list[asyncio.Task[str]] = []
    over = asyncio.Event()

    async def late() -> str:
        await over.wait()
        with pytest.raises(holdfast.RequestEnded, match="GET /labels/"):
            holdfast.current()
        assert holdfast.current(None) is None
        with pytest.raises(holdfast.RequestEnded, match="GET /labels/") as error:
            holdfast.request["path"]
        return str(error.value)

    async def handler() -> None:
        tasks.append(asyncio.create_task(late()))

    async def main() -> None:
        await serve(wrapped(handler))
        # Another request runs meanwhile; its values are never handed out.
        await serve(wrapped(receive_nothing), http("/other/"))
        over.set()
        assert "/other/" not in await tasks[0]

    async def receive_nothing() -> None: ...

    asyncio.run(main())


def test_a_carried_task_that_outlives_the_request_keeps_its_values() -> None:
    tasks: list[asyncio.Task[tuple[int, bool]]] = []
    over = asyncio.Event()

    async def late() -> tuple[int, bool]:
        await over.wait()
        return holdfast.state.user_id, holdfast.current().closed

    async def handler() -> None:
        holdfast.state.user_id = 7
        tasks.append(asyncio.create_task(holdfast.carry(late)()))

    async def main() -> None:
        await serve(wrapped(handler))
        assert holdfast.live_scopes() == 0
        over.set()
        assert await tasks[0] == (7, True)

    asyncio.run(main())


# Several at once


def test_interleaved_requests_of_one_loop_see_their_own_scope() -> None:
    async def handler() -> None:
        mine = holdfast.request["path"]
        holdfast.state.path = mine
        for _ in range(20):
            await asyncio.sleep(0)
            assert holdfast.request["path"] == holdfast.state.path == mine

    async def main() -> None:
        app = wrapped(handler)
        await asyncio.gather(*(serve(app, http(f"/{number}/")) for number in range(50)))

    asyncio.run(main())


def test_a_mounted_application_has_its_own_scope_and_the_outer_one_is_back_after_it() -> None:
    names: list[str] = []

    async def inner() -> None:
        names.append(holdfast.current().name)
        assert holdfast.state.get("user_id") is None

    async def app(asgi_scope: ASGIScope, receive: Receive, send: Send) -> None:
        holdfast.state.user_id = 7
        # Mounted as frameworks do it: with a copy of the outer request's scope.
        await wrapped(inner)({**asgi_scope, "path": "/inner/"}, receive, send)
        names.append(holdfast.current().name)
        assert holdfast.state.user_id == 7

    asyncio.run(serve(RequestScope(app)))
    assert names == ["GET /inner/", "GET /labels/"]


def test_an_inner_application_that_raises_leaves_the_outer_scope_in_place() -> None:
    async def broken() -> None:
        raise ValueError("no")

    async def handler() -> None:
        with pytest.raises(ValueError, match="no"):
            await serve(wrapped(broken), http("/inner/"))
        assert holdfast.current().name == "GET /labels/"

    asyncio.run(serve(wrapped(handler)))


# What a server left in the context


def test_an_ended_scope_that_a_server_hands_on_is_replaced() -> None:
    with holdfast.open_scope(user_id=7):
        context = copy_context()

    async def handler() -> None:
        assert holdfast.state.get("user_id") is None
        assert holdfast.current().name == "GET /labels/"

    context.run(asyncio.run, serve(wrapped(handler)))


def test_an_open_scope_that_a_server_hands_on_is_never_adopted() -> None:
    async def handler() -> None:
        assert holdfast.state.get("user_id") is None

    with holdfast.open_scope(user_id=7) as other:
        asyncio.run(serve(wrapped(handler)))
        assert not other.closed
        assert holdfast.state.user_id == 7


# Other event loops


def test_it_needs_no_event_loop_of_a_certain_make() -> None:
    """Driven by hand: whatever the loop, the wrapper awaits nothing of its own."""

    async def farewell() -> None:
        await Pause()

    async def handler() -> None:
        holdfast.current().on_close(farewell)
        await Pause()

    context = Context()
    call = serve(wrapped(handler))
    assert [context.run(call.send, None) for _ in range(2)] == ["pause", "pause"]
    with pytest.raises(StopIteration):
        context.run(call.send, None)
    assert holdfast.live_scopes() == 0


def test_it_works_under_trio() -> None:
    trio: Any = pytest.importorskip("trio")
    names: list[str] = []

    async def handler() -> None:
        await trio.sleep(0)
        names.append(holdfast.current().name)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for path in ("/a/", "/b/"):
                nursery.start_soon(serve, wrapped(handler), http(path))

    trio.run(main)
    assert sorted(names) == ["GET /a/", "GET /b/"]
