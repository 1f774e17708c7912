"""The WSGI wrapper: one scope from the call of the application to the close of its body."""

import gc
import io
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any
from wsgiref.simple_server import demo_app
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

import holdfast
from holdfast.wsgi import ENVIRON_KEY, Application, Environ, RequestScope, StartResponse


class Interrupt(BaseException):
    """Stands for KeyboardInterrupt, SystemExit, GreenletExit, which end workers."""


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None


def environ_of(path: str = "/labels/", wrapper: Any = None, **more: str) -> Environ:
    """A request's environ; with the server's *wrapper* for files, where it has one."""
    environ: Environ = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", **more}
    if wrapper is not None:
        environ["wsgi.file_wrapper"] = wrapper
    setup_testing_defaults(environ)
    return environ


def written(_: bytes) -> object:
    raise AssertionError("nobody writes")


def start_response(*_: object) -> Callable[[bytes], object]:
    return written


def produced(app: Application, environ: Environ | None = None) -> bytes:
    """The whole body, asked for and closed as servers do."""
    body: Any = app(environ or environ_of(), start_response)
    try:
        return b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()


def wrapped(app: Callable[[], Iterable[bytes]]) -> RequestScope:
    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return app()

    return RequestScope(application)


class Body:
    """A body that tells what happens to it, and fails where it is asked to."""

    def __init__(
        self, *chunks: bytes | BaseException, close: BaseException | None = None, iter_: Any = None
    ) -> None:
        self.chunks = iter(chunks)
        self.close_with = close
        self.iter_with = iter_
        self.events: list[str] = []

    def __iter__(self) -> Iterator[bytes]:
        if self.iter_with is not None:
            raise self.iter_with
        return self

    def __next__(self) -> bytes:
        chunk = next(self.chunks)
        self.events.append(f"next in {holdfast.current().name}")
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self) -> None:
        self.events.append(f"close in {holdfast.current().name}")
        if self.close_with is not None:
            raise self.close_with


# The way of one request


def test_the_scope_is_there_in_the_application_and_in_each_step_of_its_body() -> None:
    seen: list[Any] = []

    def app() -> Iterator[bytes]:
        seen.append(holdfast.current())
        try:
            yield b"a"
            seen.append(holdfast.current())
            yield b"b"
        finally:
            seen.append(holdfast.current())
            assert not holdfast.current().closed

    assert produced(wrapped(app)) == b"ab"
    assert len({id(scope) for scope in seen}) == 1
    assert seen[0].closed


def test_the_body_is_closed_first_and_then_the_scope() -> None:
    body = Body(b"a")

    def app() -> Iterable[bytes]:
        holdfast.current().on_close(lambda: body.events.append("scope"))
        return body

    produced(wrapped(app))
    assert body.events == ["next in GET /labels/", "close in GET /labels/", "scope"]


def test_the_request_is_the_environ_until_the_application_sets_another() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        assert holdfast.current().request is environ
        assert holdfast.request["PATH_INFO"] == "/labels/"
        holdfast.current().request = io.StringIO("mine")
        return [holdfast.request.getvalue().encode()]

    assert produced(RequestScope(app)) == b"mine"


def test_the_environ_carries_the_scope_for_middleware_of_the_same_request() -> None:
    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        assert environ[ENVIRON_KEY] is holdfast.current()
        return []

    produced(RequestScope(app))


def test_the_scope_is_named_by_method_mount_and_path() -> None:
    app = wrapped(lambda: [holdfast.current().name.encode()])
    environ = environ_of("/labels/", SCRIPT_NAME="/shop", REQUEST_METHOD="POST")
    assert produced(app, environ) == b"POST /shop/labels/"


def test_the_servers_write_callable_is_called_inside_the_scope() -> None:
    names: list[str] = []

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])(b"a")
        return []

    def start(*_: object) -> Callable[[bytes], object]:
        return lambda _: names.append(holdfast.current().name)

    RequestScope(app)(environ_of(), start).close()  # type: ignore[attr-defined]
    assert names == ["GET /labels/"]


def test_the_scope_stays_for_the_access_log_that_a_server_writes_before_close() -> None:
    def app() -> list[bytes]:
        holdfast.state.user_id = 7
        return [b"a"]

    body: Any = wrapped(app)(environ_of(), start_response)
    list(body)
    assert holdfast.state.user_id == 7
    body.close()
    assert holdfast.current(None) is None


def test_a_body_may_be_produced_and_closed_in_another_context_than_the_call() -> None:
    body = Body(b"a")
    guarded: Any = copy_context().run(wrapped(lambda: body), environ_of(), start_response)
    other = Context()
    assert other.run(list, guarded) == [b"a"]
    assert other.run(holdfast.current, None) is None
    other.run(guarded.close)
    assert body.events == ["next in GET /labels/", "close in GET /labels/"]
    assert holdfast.live_scopes() == 0


# Every end is the end


@pytest.mark.parametrize("error", [ValueError("no"), Interrupt()], ids=["error", "interrupt"])
def test_an_application_that_raises_ends_the_scope(error: BaseException) -> None:
    def app() -> list[bytes]:
        raise error

    with pytest.raises(type(error)):
        wrapped(app)(environ_of(), start_response)
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None


@pytest.mark.parametrize("error", [ValueError("no"), Interrupt()], ids=["error", "interrupt"])
@pytest.mark.parametrize("chunks", [(), (b"a",)], ids=["first", "second"])
def test_a_chunk_that_raises_ends_the_scope_although_nobody_closes(
    chunks: tuple[bytes, ...], error: BaseException
) -> None:
    body = Body(*chunks, error)
    guarded = iter(wrapped(lambda: body)(environ_of(), start_response))
    assert [next(guarded) for _ in chunks] == list(chunks)
    with pytest.raises(type(error)):
        next(guarded)
    assert holdfast.live_scopes() == 0
    assert body.events[-1] == "close in GET /labels/"


def test_a_body_that_cannot_be_iterated_ends_the_scope() -> None:
    guarded = wrapped(lambda: Body(iter_=ValueError("no")))(environ_of(), start_response)
    with pytest.raises(ValueError, match="no"):
        list(guarded)
    assert holdfast.live_scopes() == 0


@pytest.mark.parametrize("error", [ValueError("no"), Interrupt()], ids=["error", "interrupt"])
def test_a_close_that_raises_ends_the_scope_and_is_heard(error: BaseException) -> None:
    with pytest.raises(type(error)):
        produced(wrapped(lambda: Body(b"a", close=error)))
    assert holdfast.live_scopes() == 0


def test_close_counts_once() -> None:
    body = Body(b"a")
    ends: list[str] = []

    def app() -> Iterable[bytes]:
        holdfast.current().on_close(lambda: ends.append("scope"))
        return body

    guarded: Any = wrapped(app)(environ_of(), start_response)
    guarded.close()
    guarded.close()
    assert body.events == ["close in GET /labels/"]
    assert ends == ["scope"]


def test_an_error_and_then_the_servers_close_end_the_body_once() -> None:
    body = Body(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        produced(wrapped(lambda: body))
    assert body.events.count("close in GET /labels/") == 1


@pytest.mark.filterwarnings("error")
def test_a_body_that_a_server_drops_ends_the_scope_without_a_warning() -> None:
    body = Body(b"a", b"b")
    guarded = iter(wrapped(lambda: body)(environ_of(), start_response))
    next(guarded)
    del guarded
    gc.collect()
    assert body.events[-1] == "close in GET /labels/"
    assert holdfast.live_scopes() == 0


def test_a_bodys_own_generator_ends_inside_the_scope_when_the_client_leaves() -> None:
    seen: list[str] = []

    class Rows:
        def __iter__(self) -> Iterator[bytes]:
            try:
                yield b"one"
                yield b"two"
            finally:
                seen.append(f"generator {holdfast.request['PATH_INFO']}")

        def close(self) -> None:
            seen.append(f"body {holdfast.request['PATH_INFO']}")

    body: Any = wrapped(Rows)(environ_of("/rows/"), start_response)
    assert next(iter(body)) == b"one"
    body.close()
    assert seen == ["generator /rows/", "body /rows/"]


def test_an_application_that_ends_its_own_scope_still_has_its_body_closed() -> None:
    class Plain(Body):
        def close(self) -> None:
            self.events.append("closed")

    body = Plain()

    def app() -> Iterable[bytes]:
        holdfast.current().close()
        return body

    produced(wrapped(app))
    assert body.events == ["closed"]


def test_a_coroutine_function_cannot_be_registered_where_nobody_awaits() -> None:
    async def farewell() -> None: ...

    def app() -> list[bytes]:
        with pytest.raises(TypeError, match="can't await"):
            holdfast.current().on_close(farewell)
        return []

    produced(wrapped(app))


def test_afterwards_nothing_keeps_the_request() -> None:
    class Request:
        pass

    held: list[weakref.ref[Request]] = []

    def app() -> Iterator[bytes]:
        holdfast.current().request = Request()
        holdfast.state.again = holdfast.current().request
        held.append(weakref.ref(holdfast.current().request))
        yield b"a"

    environ = environ_of()
    produced(wrapped(app), environ)
    gc.collect()
    assert held[0]() is None
    assert environ[ENVIRON_KEY].closed  # a server that keeps the environ keeps no request


def test_afterwards_nothing_keeps_the_environ() -> None:
    class Marked(dict[str, Any]):
        pass

    environ = Marked(environ_of())
    produced(wrapped(lambda: [b"a"]), environ)
    kept = weakref.ref(environ)
    del environ
    gc.collect()
    assert kept() is None


# A request inside of a request


def test_a_mounted_application_has_its_own_scope_and_the_outer_one_is_back_after_it() -> None:
    inner = wrapped(lambda: [holdfast.current().name.encode()])

    def app() -> list[bytes]:
        outer = holdfast.current()
        part = produced(inner, environ_of("/inner/"))
        assert holdfast.current() is outer
        return [part, b", ", holdfast.current().name.encode()]

    assert produced(wrapped(app)) == b"GET /inner/, GET /labels/"


def test_an_inner_request_with_the_outer_ones_environ_does_not_share_its_scope() -> None:
    inner = wrapped(lambda: [repr(holdfast.state.get("user_id")).encode()])

    def app(environ: Environ, start_response: StartResponse) -> list[bytes]:
        holdfast.state.user_id = 7
        return [produced(inner, dict(environ)), b" ", str(holdfast.state.user_id).encode()]

    assert produced(RequestScope(app)) == b"None 7"


def test_the_outer_scope_is_current_between_the_steps_of_an_inner_body() -> None:
    def inner_body() -> Iterator[bytes]:
        for _ in range(2):
            yield holdfast.current().name.encode()

    def app() -> Iterator[bytes]:
        body: Any = wrapped(inner_body)(environ_of("/inner/"), start_response)
        for chunk in body:
            yield chunk + b" in " + holdfast.current().name.encode() + b"\n"
        body.close()
        assert holdfast.current().name == "GET /labels/"

    assert produced(wrapped(app)) == b"GET /inner/ in GET /labels/\n" * 2


def test_an_inner_application_that_raises_leaves_the_outer_scope_in_place() -> None:
    def broken() -> list[bytes]:
        raise ValueError("no")

    def app() -> list[bytes]:
        with pytest.raises(ValueError, match="no"):
            wrapped(broken)(environ_of("/inner/"), start_response)
        return [holdfast.current().name.encode()]

    assert produced(wrapped(app)) == b"GET /labels/"


def test_two_bodies_that_are_produced_in_turns_see_their_own_scope() -> None:
    def letters() -> Iterator[bytes]:
        for _ in range(3):
            yield holdfast.request["PATH_INFO"].encode()

    app = wrapped(letters)
    first: Any = app(environ_of("/a/"), start_response)
    second: Any = app(environ_of("/b/"), start_response)
    turns = [next(body) for body in (first, second, second, first, second, first)]
    assert turns == [b"/a/", b"/b/", b"/b/", b"/a/", b"/b/", b"/a/"]
    second.close()
    first.close()


# What a server left in the context


def test_an_ended_scope_that_a_server_hands_on_is_replaced_and_not_brought_back() -> None:
    with holdfast.open_scope(user_id=7) as stale:
        context = copy_context()
    app = wrapped(lambda: [repr(holdfast.state.get("user_id")).encode()])
    assert context.run(produced, app) == b"None"
    assert context.run(holdfast.current, None) is None
    assert stale.closed


def test_an_open_scope_that_a_server_hands_on_is_never_adopted() -> None:
    app = wrapped(lambda: [repr(holdfast.state.get("user_id")).encode()])
    with holdfast.open_scope(user_id=7) as other:
        assert produced(app) == b"None"
        assert not other.closed
        assert holdfast.current() is other


# What servers look at


@pytest.mark.parametrize("body", [[b"a"], (b"a", b"b"), []], ids=["list", "tuple", "empty"])
def test_a_sized_body_keeps_its_size(body: Any) -> None:
    guarded: Any = wrapped(lambda: body)(environ_of(), start_response)
    assert len(guarded) == len(body)
    guarded.close()


@pytest.mark.parametrize("body", [[b"a", b"bc"], (b"a", b"bc")], ids=["list", "tuple"])
def test_a_sized_body_is_gone_through_as_often_as_the_server_wants(body: Any) -> None:
    guarded: Any = wrapped(lambda: body)(environ_of(), start_response)
    assert sum(map(len, guarded)) == 3  # as eventlet and gevent do, for the Content-Length
    assert b"".join(guarded) == b"abc"
    guarded.close()


def test_an_unsized_body_gets_no_size() -> None:
    guarded: Any = wrapped(lambda: iter([b"a"]))(environ_of(), start_response)
    assert not hasattr(guarded, "__len__")
    guarded.close()


def test_a_file_wrapper_is_handed_on_as_it_is_and_its_close_ends_the_scope() -> None:
    file = io.BytesIO(b"content")
    environ = environ_of(wrapper=FileWrapper)
    body: Any = wrapped(lambda: FileWrapper(file))(environ, start_response)
    assert type(body) is FileWrapper
    assert body.filelike is file
    assert holdfast.live_scopes() == 1
    body.close()
    assert file.closed
    assert holdfast.live_scopes() == 0


def test_a_files_close_sees_the_scope() -> None:
    names: list[str] = []

    class File(io.BytesIO):
        def close(self) -> None:
            if not self.closed:
                names.append(holdfast.current().name)
            super().close()

    environ = environ_of(wrapper=FileWrapper)
    body: Any = wrapped(lambda: FileWrapper(File(b"content")))(environ, start_response)
    Context().run(body.close)
    assert names == ["GET /labels/"]
    # The server's own context was not the one that closed.
    with pytest.raises(holdfast.RequestEnded, match="GET /labels/"):
        holdfast.current()
    produced(wrapped(list))


def test_a_file_wrapper_that_a_server_drops_ends_the_scope_without_a_warning() -> None:
    file = io.BytesIO(b"content")
    body: Any = wrapped(lambda: FileWrapper(file))(environ_of(wrapper=FileWrapper), start_response)
    assert holdfast.current().name == "GET /labels/"
    del body
    gc.collect()
    assert file.closed
    assert holdfast.live_scopes() == 0
    assert holdfast.current(None) is None


def test_a_file_wrapper_that_takes_no_attribute_ends_the_scope_all_the_same() -> None:
    class Slotted:
        __slots__ = ("file",)

        def __init__(self, file: io.BytesIO) -> None:
            self.file = file

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.file)

        def close(self) -> None:
            self.file.close()

    file = io.BytesIO(b"content")
    environ = environ_of(wrapper=Slotted)
    assert produced(wrapped(lambda: Slotted(file)), environ) == b"content"
    assert file.closed


def test_a_file_wrapper_that_is_a_function_is_no_class_to_look_for() -> None:
    def iter_file(file: io.BytesIO) -> Iterator[bytes]:
        return iter(file)

    environ = environ_of(wrapper=iter_file)
    assert produced(wrapped(lambda: iter([b"content"])), environ) == b"content"


# The letter of the specification


@pytest.mark.parametrize(
    "app",
    [RequestScope(validator(demo_app)), validator(RequestScope(demo_app))],
    ids=["validator inside", "validator outside"],
)
def test_it_keeps_to_the_wsgi_specification(app: Application) -> None:
    assert produced(app, environ_of()).startswith(b"Hello world!")
