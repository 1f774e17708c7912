"""A streamed body runs inside its request's scope to the last chunk, and so does its end."""

import asyncio
import gc
import gzip
import io
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

import holdfast
from holdfast.django.middleware import RequestScope
from tests.django.conftest import MIDDLEWARE
from tests.django.in_process import Server, asgi_app, ask_asgi, ask_wsgi, wsgi_app

HOST = {"host": "testserver"}

# Django says so where it has to read a body to its end before it can send it.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")

ends: list[str] = []


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    ends.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


def note_end(what: str) -> None:
    """What code at the end of a body sees: its own request, or that it has ended."""
    try:
        ends.append(f"{what} {holdfast.current().name} {holdfast.state.user}")
    except holdfast.NoRequest as error:
        ends.append(f"{what} {error}")


def prepare(request: HttpRequest) -> None:
    holdfast.state.user = request.GET.get("user", "ann")
    holdfast.current().on_close(lambda: note_end("closed"))


def letters(count: int, error: Exception | None = None) -> Iterator[bytes]:
    try:
        for _ in range(count):
            yield f"{holdfast.request.path} {holdfast.state.user}\n".encode()
        if error is not None:
            raise error
    finally:
        note_end("finally")


async def letters_async(
    count: int, error: Exception | None = None, pause: float = 0
) -> AsyncIterator[bytes]:
    try:
        for _ in range(count):
            yield f"{holdfast.request.path} {holdfast.state.user}\n".encode()
            await asyncio.sleep(pause)
        if error is not None:
            raise error
    finally:
        note_end("finally")


class File(io.BytesIO):
    def close(self) -> None:
        if not self.closed:
            note_end("file closed")
        super().close()


def stream(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters(3))


async def stream_async(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters_async(3))


def broken(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters(1, ValueError("no")))


async def broken_async(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters_async(1, ValueError("no")))


async def endless(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters_async(1000, pause=0.01))


async def slow(request: HttpRequest) -> StreamingHttpResponse:
    prepare(request)
    return StreamingHttpResponse(letters_async(2, pause=60))


def file(request: HttpRequest) -> FileResponse:
    prepare(request)
    return FileResponse(File(b"content"), filename="file.txt")


class Lines:
    """An iterator that is no generator and can't be closed."""

    def __init__(self) -> None:
        self.left = 2

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return f"{holdfast.request.path}\n"


class AsyncLines:
    def __init__(self) -> None:
        self.lines = Lines()

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        try:
            return next(self.lines)
        except StopIteration:
            raise StopAsyncIteration from None


def lines(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(Lines())


async def lines_async(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(AsyncLines())


def inside(request: HttpRequest) -> HttpResponse:
    prepare(request)
    inner: Any = Client().get("/stream/?user=bob")
    parts = [
        part + f"in {holdfast.request.path} {holdfast.state.user}\n".encode() for part in inner
    ]
    return HttpResponse(b"".join(parts))


urlpatterns = [
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("broken/", broken),
    path("broken-async/", broken_async),
    path("endless/", endless),
    path("slow/", slow),
    path("file/", file),
    path("lines/", lines),
    path("lines-async/", lines_async),
    path("inside/", inside),
]

# To the last chunk


@pytest.mark.parametrize("page", ["/stream/", "/stream-async/"])
def test_every_chunk_and_the_generators_finally_see_the_request(server: Server, page: str) -> None:
    assert server.get(f"{page}?user=ann").text == f"{page} ann\n" * 3
    assert ends == [f"finally GET {page} ann", f"closed GET {page} ann"]


@pytest.mark.parametrize("page", ["/lines/", "/lines-async/"])
def test_an_iterator_that_is_no_generator_sees_the_request(server: Server, page: str) -> None:
    assert server.get(page).text == f"{page}\n" * 2


def test_a_files_close_sees_the_request(server: Server) -> None:
    assert server.get("/file/").text == "content"
    assert ends == ["file closed GET /file/ ann", "closed GET /file/ ann"]


@pytest.mark.parametrize("page", ["/stream/", "/stream-async/"])
def test_head_on_a_stream_ends_generator_and_scope(server: Server, page: str) -> None:
    server.head(page)
    assert ends == [f"finally GET {page} ann".replace("GET", "HEAD"), f"closed HEAD {page} ann"]


@pytest.mark.parametrize("position", [0, 1], ids=["above", "below"])
@pytest.mark.parametrize("page", ["/stream/", "/stream-async/"])
def test_a_body_that_other_middleware_wraps_sees_the_request(
    server: Server, page: str, position: int
) -> None:
    middleware = [*MIDDLEWARE]
    middleware.insert(position, f"{__name__}.compress")
    with override_settings(MIDDLEWARE=middleware):
        answer = server.get(page)
    assert gzip.decompress(b"".join(answer.chunks)).decode() == f"{page} ann\n" * 3
    assert ends == [f"finally GET {page} ann", f"closed GET {page} ann"]


def compress(get_response: Any) -> Any:
    """Django's, for clients that haven't asked for it."""
    from django.middleware.gzip import GZipMiddleware

    gzipped = GZipMiddleware(get_response)
    gzipped.process_request = lambda request: request.META.update(  # type: ignore[attr-defined]
        HTTP_ACCEPT_ENCODING="gzip"
    )
    return gzipped


compress.async_capable = True  # type: ignore[attr-defined]


def test_a_stream_of_a_test_client_in_a_view_has_its_own_scope(server: Server) -> None:
    assert server.get("/inside/").text == "/stream/ bob\nin /inside/ ann\n" * 3
    assert ends[0] == "finally GET /stream/ bob"
    assert ends[-1] == "closed GET /inside/ ann"


# Every end is the end


# Django 5.2 leaves the request's file open then.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@pytest.mark.parametrize(
    ("kind", "page"), [("wsgi", "/broken/"), ("asgi", "/broken/"), ("asgi", "/broken-async/")]
)
def test_a_stream_that_raises_ends_the_scope(
    kind: str,
    page: str,
    wrapped: bool,  # noqa: FBT001
) -> None:
    with pytest.raises(ValueError, match="no"):
        Server(kind, wrapped=wrapped).get(page)
    assert ends == [f"finally GET {page} ann", f"closed GET {page} ann"]
    assert holdfast.live_scopes() == 0


def test_a_client_that_leaves_a_sync_stream_under_wsgi_ends_it_inside_the_scope(
    wrapped: bool,  # noqa: FBT001
) -> None:
    def ask() -> None:
        ask_wsgi(wsgi_app(wrapped), "/stream/", headers=HOST, leave_after=1)

    copy_context().run(ask)
    assert ends == ["finally GET /stream/ ann", "closed GET /stream/ ann"]


def test_a_client_that_leaves_an_async_stream_ends_it_inside_the_scope(
    wrapped: bool,  # noqa: FBT001
) -> None:
    answer = asyncio.run(ask_asgi(asgi_app(wrapped), "/endless/", headers=HOST, leave_after=2))
    assert 2 <= len(answer.chunks) < 100
    assert ends == ["finally GET /endless/ ann", "closed GET /endless/ ann"]
    assert holdfast.live_scopes() == 0


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_a_server_that_cancels_a_stream_ends_it_and_its_scope(
    caplog: pytest.LogCaptureFixture,
    wrapped: bool,  # noqa: FBT001
) -> None:
    async def main() -> None:
        sent = asyncio.Event()

        async def note(message: dict[str, Any]) -> None:
            if message.get("body"):
                sent.set()

        task = asyncio.create_task(ask_asgi(asgi_app(wrapped), "/slow/", headers=HOST, sent=note))
        await sent.wait()
        await several_turns()  # the body waits in its own code then
        await cancel(task)

    if wrapped:
        # Django leaves the task that produces the body; it goes on until the loop ends it.
        asyncio.run(main())
    else:
        # Django does not close the response then: see "Without the wrapper" in the docs.
        with pytest.warns(ResourceWarning, match="GET /slow/ was never closed"):
            run_and_collect(main())
    assert_own_or_ended("/slow/")
    assert holdfast.live_scopes() == 0
    assert [record for record in caplog.records if record.name == "holdfast"] == []


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore:The request GET /slow/ was never closed:ResourceWarning")
def test_a_server_that_is_cancelled_while_it_sends_ends_the_stream_and_its_scope(
    wrapped: bool,  # noqa: FBT001
) -> None:
    async def main() -> None:
        sending = asyncio.Event()

        async def hold(message: dict[str, Any]) -> None:
            if message.get("body"):
                sending.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(ask_asgi(asgi_app(wrapped), "/slow/", headers=HOST, sent=hold))
        await sending.wait()
        await cancel(task)

    run_and_collect(main())
    # With the middleware alone, the loop's end ends the body, in a context where no request is.
    own = "finally GET /slow/ ann" if wrapped else "finally There is no request here"
    assert len(ends) == 2
    assert ends[0].startswith(own)
    assert ends[1] == "closed GET /slow/ ann"
    assert holdfast.live_scopes() == 0


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def run_and_collect(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main)
    gc.collect()


def test_interleaved_streams_see_their_own_request(wrapped: bool) -> None:  # noqa: FBT001
    async def main() -> list[str]:
        app = asgi_app(wrapped)
        answers = await asyncio.gather(
            *(ask_asgi(app, f"/stream-async/?user={user}", headers=HOST) for user in range(20))
        )
        return [answer.text for answer in answers]

    assert asyncio.run(main()) == [f"/stream-async/ {user}\n" * 3 for user in range(20)]
    assert sorted(ends) == sorted(
        f"{what} GET /stream-async/ {user}" for user in range(20) for what in ("finally", "closed")
    )


# Nobody consumes it, nobody closes it


@pytest.mark.parametrize("taken", [0, 1], ids=["not begun", "begun"])
def test_a_response_that_is_closed_early_ends_a_sync_stream_inside_the_scope(taken: int) -> None:
    middleware: Any = RequestScope(stream)
    response = copy_context().run(middleware, RequestFactory().get("/stream/"))
    for _ in range(taken):
        assert next(response.streaming_content) == b"/stream/ ann\n"
    with holdfast.open_scope(user="another"):
        response.close()
    assert ends == [*["finally GET /stream/ ann"] * taken, "closed GET /stream/ ann"]


def test_a_sync_stream_that_is_dropped_during_another_request_sees_its_own_to_the_end() -> None:
    middleware: Any = RequestScope(stream)
    response = copy_context().run(middleware, RequestFactory().get("/stream/"))
    next(response.streaming_content)
    with holdfast.open_scope(user="another"):
        del response
        with pytest.warns(ResourceWarning, match="GET /stream/ was never closed"):
            gc.collect()
    assert sorted(ends) == ["closed GET /stream/ ann", "finally GET /stream/ ann"]


def test_an_async_stream_that_is_dropped_during_another_request_sees_its_own_to_the_end() -> None:
    async def other() -> None:
        # The loop collects, and ends what it collected, while this request is current.
        async with holdfast.open_scope(user="another"):
            await several_turns()  # Django's own generators around the body go first
            with pytest.warns(ResourceWarning, match="GET /stream-async/ was never closed"):
                gc.collect()
            await several_turns()

    async def main() -> None:
        await asyncio.create_task(begin_and_drop())
        await other()

    async def begin_and_drop() -> None:
        middleware: Any = RequestScope(stream_async)
        response = await middleware(RequestFactory().get("/stream-async/"))
        assert await anext(aiter(response)) == b"/stream-async/ ann\n"

    asyncio.run(main())
    assert sorted(ends) == ["closed GET /stream-async/ ann", "finally GET /stream-async/ ann"]


async def several_turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def assert_own_or_ended(page: str) -> None:
    assert len(ends) == 2
    for end in ends:
        assert f"GET {page} ann" in end or f"The request GET {page} has ended" in end
        assert "another" not in end


def test_an_async_stream_left_to_the_end_of_its_loop_sees_no_other_request() -> None:
    """The loop ends it in a context of its own, where no request is."""

    async def main() -> None:
        await asyncio.create_task(begin())
        # A request that is current somewhere else in the loop, to its very end.
        await asyncio.create_task(serve_another())

    async def begin() -> None:
        middleware: Any = RequestScope(stream_async)
        response = await middleware(RequestFactory().get("/stream-async/"))
        await anext(aiter(response))
        holder.append(response)

    async def serve_another() -> None:
        async with holdfast.open_scope(user="another"):
            await asyncio.sleep(0)

    holder: list[Any] = []
    asyncio.run(main())
    holder.pop().close()
    assert len(ends) == 2
    assert not any("another" in end for end in ends)


# The client leaves before there is a body


async def waiting(request: HttpRequest) -> HttpResponse:
    prepare(request)
    try:
        await asyncio.sleep(60)
    finally:
        note_end("finally")
    return HttpResponse()


def working(request: HttpRequest) -> HttpResponse:
    import time

    prepare(request)
    time.sleep(0.3)
    note_end("worked")
    return HttpResponse()


urlpatterns += [path("waiting/", waiting), path("working/", working)]


async def ask_and_leave(app: Any, page: str) -> None:
    leave = asyncio.Event()
    asyncio.get_running_loop().call_later(0.1, leave.set)
    await ask_asgi(app, page, headers=HOST, leave=leave)


# Django itself leaves the body's file open then.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_a_client_that_leaves_an_async_view_ends_the_scope_after_the_view(
    wrapped: bool,  # noqa: FBT001
) -> None:
    asyncio.run(ask_and_leave(asgi_app(wrapped), "/waiting/"))
    assert ends == ["finally GET /waiting/ ann", "closed GET /waiting/ ann"]
    assert holdfast.live_scopes() == 0


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_behind_the_wrapper_a_sync_view_that_runs_on_after_the_client_left_keeps_its_scope() -> (
    None
):
    with override_settings(MIDDLEWARE=MIDDLEWARE[:1]):
        asyncio.run(ask_and_leave(asgi_app(wrapped=True), "/working/"))
    assert ends == ["worked GET /working/ ann", "closed GET /working/ ann"]


@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
def test_without_the_wrapper_such_a_view_is_told_that_its_request_has_ended() -> None:
    with override_settings(MIDDLEWARE=MIDDLEWARE[:1]):
        asyncio.run(ask_and_leave(asgi_app(wrapped=False), "/working/"))
    assert len(ends) == 2
    assert "closed GET /working/ ann" in ends
    assert all("GET /working/" in end for end in ends)
