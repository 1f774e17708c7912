"""The ASGI handler without a thread for each request: what it leaves out, and what it doesn't."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.handlers.asgi import ASGIHandler as DjangosHandler
from django.core.signals import request_finished, request_started
from django.db import connection, connections
from django.dispatch import Signal
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.test import override_settings
from django.urls import get_urlconf, path, set_urlconf

import holdfast
from holdfast import configuration
from holdfast.django.apps import secrets
from holdfast.django.asgi import ASGIHandler, get_asgi_application
from tests.django.cache.djangos_own.sources import REPOSITORY, djangos_tests
from tests.django.in_process import ask_asgi

HOST = {"host": "testserver"}
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nsome text\r\n--b--\r\n"
)
FORM = {
    **HOST,
    "content-type": "multipart/form-data; boundary=b",
    "content-length": str(len(UPLOAD)),
}

HANDLERS = {"Django's": DjangosHandler, "ours": ASGIHandler}

of_request: ContextVar[str] = ContextVar("of_request", default="-")


# What runs where


class Threads:
    """Who submitted work to pools of one thread, such as each request has, and who ran there."""

    def __init__(self) -> None:
        self.pools: set[ThreadPoolExecutor] = set()

    @property
    def requests(self) -> int:
        return len(self.pools)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    seen = Threads()
    submit = ThreadPoolExecutor.submit

    def counted(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Any:
        if pool._max_workers == 1:
            seen.pools.add(pool)
        return submit(pool, *args, **kwargs)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counted)
    return seen


def in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


# The site


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def hello_sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(threading.current_thread().name)


async def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


async def failing(request: HttpRequest) -> HttpResponse:
    raise ValueError("on purpose")


async def body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


async def upload(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.FILES["f"].read())


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def letters() -> AsyncIterator[bytes]:
        for letter in (b"a", b"b", b"c"):
            yield letter

    return StreamingHttpResponse(letters())


async def forever(request: HttpRequest) -> HttpResponse:
    await asyncio.Event().wait()
    return HttpResponse("never")


def one_user(request: HttpRequest) -> HttpResponse:
    User.objects.create(username="ann")
    return HttpResponse(len(connection.queries))


async def one_user_async(request: HttpRequest) -> HttpResponse:
    await User.objects.acreate(username="ann")
    return HttpResponse()


def undone(request: HttpRequest) -> HttpResponse:
    User.objects.create(username="ann")
    raise ValueError("so that the transaction is rolled back")


class OneThatCloses(LocMemCache):
    closed_in: list[str] = []  # noqa: RUF012

    def close(self, **kwargs: Any) -> None:
        OneThatCloses.closed_in.append(threading.current_thread().name)


closed: list[tuple[str, bool]] = []


async def with_closer(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    response._resource_closers.append(lambda: closed.append(("closer", in_loop())))
    return response


async def with_quick_closer(request: HttpRequest) -> HttpResponse:
    def closer() -> None:
        closed.append(("quick closer", in_loop()))

    closer.never_blocks = True  # type: ignore[attr-defined]
    response = HttpResponse()
    response._resource_closers.append(closer)
    return response


class OwnClose(HttpResponse):
    def close(self) -> None:
        closed.append(("own close", in_loop()))
        super().close()


async def with_own_class(request: HttpRequest) -> HttpResponse:
    return OwnClose()


async def with_own_close(request: HttpRequest) -> HttpResponse:
    response = HttpResponse()
    close = response.close

    def closing() -> None:
        closed.append(("put there", in_loop()))
        close()

    response.close = closing  # type: ignore[method-assign]
    return response


async def file(request: HttpRequest) -> FileResponse:
    opened = open(__file__, "rb")  # noqa: ASYNC230, PTH123, SIM115 - the response closes it
    return FileResponse(opened)


async def told(request: HttpRequest) -> HttpResponse:
    return HttpResponse(of_request.get())


async def urlconf(request: HttpRequest) -> HttpResponse:
    set_urlconf("tests.django.urls")
    return HttpResponse()


urlpatterns = [
    path(f"{view.__name__}/", view)
    for view in (
        *(hello, hello_sync, missing, failing, body, upload, stream, forever, one_user),
        *(one_user_async, undone, with_closer, with_quick_closer, with_own_class),
        *(with_own_close, file, told, urlconf),
    )
]


def both_kinds(get_response: Any) -> Any:
    """Middleware of both kinds, which looks at what passes."""

    async def respond(request: HttpRequest) -> Any:
        return await get_response(request)

    return respond


both_kinds.async_capable = True  # type: ignore[attr-defined]
both_kinds.sync_capable = False  # type: ignore[attr-defined]


def nowhere(event: Any) -> None:
    """Where the request log writes to."""


@pytest.fixture(scope="module", autouse=True)
def _quiet_log() -> Iterator[None]:
    configuration.apply({"LOG": {"OUTPUT": f"{__name__}.nowhere"}}, secrets)
    yield
    configuration.apply({}, secrets)


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    closed.clear()
    OneThatCloses.closed_in.clear()
    changed = override_settings(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=["holdfast.django.middleware.RequestScope", f"{__name__}.both_kinds"],
    )
    with changed:
        yield


def ask(handler: Any, path: str, *args: Any, **kwargs: Any) -> Any:
    return copy_context().run(asyncio.run, ask_asgi(handler, path, *args, **kwargs))


# No thread where nothing sync asks for one


PAGES = [
    ("/hello/", 200),
    ("/missing/", 404),
    ("/nowhere/", 404),
    ("/body/", 200),
    ("/stream/", 200),
]


@pytest.mark.parametrize("log", [False, True], ids=["without a log", "with a log"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["with the wrappers", "middleware alone"])
@pytest.mark.parametrize(("path", "status"), PAGES)
def test_a_request_that_reaches_nothing_sync_has_no_thread(
    threads: Threads,
    wrapped: bool,  # noqa: FBT001
    log: bool,  # noqa: FBT001
    path: str,
    status: int,
) -> None:
    middleware = list(settings.MIDDLEWARE)
    if log:
        middleware.insert(1, "holdfast.django.middleware.RequestLog")
    with override_settings(MIDDLEWARE=middleware):
        application: Any = get_asgi_application()
    if wrapped:
        wrapper = holdfast.asgi.RequestLog if log else holdfast.asgi.RequestScope
        application = wrapper(application)
    assert ask(application, path, "POST", HOST, b"x" * 1000).status == status
    assert threads.requests == 0


def test_djangos_own_handler_has_one(threads: Threads) -> None:
    # Else the tests around this one would show nothing.
    assert ask(DjangosHandler(), "/hello/", "GET", HOST).status == 200
    assert threads.requests == 1


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_nor_has_one_whose_view_raises(threads: Threads) -> None:
    assert ask(ASGIHandler(), "/failing/", "GET", HOST).status == 500
    assert threads.requests == 0


def test_nor_has_one_that_is_refused(threads: Threads) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"\xff", "headers": []}
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(ASGIHandler()(scope, receive, send))
    assert sent[0]["status"] == 400
    assert threads.requests == 0


def test_nor_has_one_whose_client_leaves(threads: Threads) -> None:
    async def leave_in_the_view() -> None:
        leave = asyncio.Event()
        asyncio.get_running_loop().call_soon(leave.set)
        await asyncio.wait_for(
            ask_asgi(ASGIHandler(), "/forever/", "GET", HOST, leave=leave), timeout=30
        )

    asyncio.run(leave_in_the_view())
    assert threads.requests == 0


def test_nor_has_one_whose_receivers_are_all_async(threads: Threads) -> None:
    heard: list[Any] = []

    async def receiver(signal: Signal, sender: Any, **kwargs: Any) -> None:
        heard.append((signal, sender, sorted(kwargs)))

    with listening(request_started, receiver), listening(request_finished, receiver):
        assert ask(ASGIHandler(), "/hello/", "GET", HOST).status == 200
    assert heard == [
        (request_started, DjangosHandler, ["scope"]),
        (request_finished, DjangosHandler, []),
    ]
    # The middleware alone closes the response, by which Django sends the signal in a thread.
    assert threads.requests == 1
    threads.pools.clear()
    with listening(request_started, receiver), listening(request_finished, receiver):
        ask(holdfast.asgi.RequestScope(ASGIHandler()), "/hello/", "GET", HOST)
    assert threads.requests == 0
    assert len(heard) == 4


# One thread where something does


def test_a_sync_view_runs_in_a_thread_that_ends_with_the_request(threads: Threads) -> None:
    name = ask(ASGIHandler(), "/hello_sync/", "GET", HOST).text
    assert name != threading.current_thread().name
    assert threads.requests == 1
    assert name not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("view", ["one_user", "one_user_async"])
@pytest.mark.parametrize("max_age", [0, None])
@pytest.mark.parametrize("handler", HANDLERS)
def test_connections_are_closed_as_by_django(
    database: None, monkeypatch: pytest.MonkeyPatch, view: str, max_age: int | None, handler: str
) -> None:
    ends: list[tuple[str, bool]] = []
    wrapper: Any = type(connections["default"])
    original = wrapper.close_if_unusable_or_obsolete

    def noted(self: Any) -> None:
        original(self)
        ends.append((threading.current_thread().name, self.connection is None))

    monkeypatch.setattr(wrapper, "close_if_unusable_or_obsolete", noted)
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", max_age)
    kept: list[Any] = []
    created = wrapper.get_new_connection

    def keep(self: Any, params: Any) -> Any:
        made = created(self, params)
        kept.append(made)
        return made

    monkeypatch.setattr(wrapper, "get_new_connection", keep)
    assert ask(HANDLERS[handler](), f"/{view}/", "GET", HOST).status == 200

    assert len(kept) == 1
    assert ends[-1:] == [(ends[-1][0], max_age == 0)]
    assert ends[-1][0] != threading.current_thread().name
    kept[0].close()


@override_settings(DEBUG=True)
def test_a_query_log_begins_anew_where_the_thread_goes_on(database: None) -> None:
    async def two_requests_in_one_thread() -> list[str]:
        handler = ASGIHandler()
        async with ThreadSensitiveContext():
            first = await ask_asgi(handler, "/one_user/", "GET", HOST)
            await sync_to_async(User.objects.all().delete)()
            second = await ask_asgi(handler, "/one_user/", "GET", HOST)
            await sync_to_async(connections.close_all)()
        return [first.text, second.text]

    first, second = asyncio.run(two_requests_in_one_thread())
    assert first == second


def test_atomic_requests_are_rolled_back(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert ask(ASGIHandler(), "/undone/", "GET", HOST).status == 500
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", False)
    assert not User.objects.exists()


def test_what_may_block_is_closed_in_a_thread() -> None:
    for view in ("with_closer", "with_own_class", "with_own_close"):
        assert ask(ASGIHandler(), f"/{view}/", "GET", HOST).status == 200
    assert closed == [("closer", False), ("own close", False), ("put there", False)]


def test_what_says_that_it_never_blocks_is_closed_in_the_loop(threads: Threads) -> None:
    assert ask(ASGIHandler(), "/with_quick_closer/", "GET", HOST).status == 200
    assert closed == [("quick closer", True)]
    assert threads.requests == 0


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_files_are_closed_in_a_thread(threads: Threads) -> None:
    assert ask(ASGIHandler(), "/upload/", "POST", FORM, UPLOAD).text == "some text"
    assert threads.requests == 1
    threads.pools.clear()
    assert b"threads" in b"".join(ask(ASGIHandler(), "/file/", "GET", HOST).chunks)
    assert threads.requests == 1


@override_settings(
    CACHES={
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "closing": {"BACKEND": f"{__name__}.OneThatCloses"},
    }
)
def test_a_cache_that_wants_to_be_closed_is_closed_in_a_thread() -> None:
    # Where the request's own context has it: before Django 6.1 a view's context is another.
    async def using_it() -> None:
        caches["closing"].get("x")
        await ask_asgi(ASGIHandler(), "/hello/", "GET", HOST)

    asyncio.run(using_it())
    assert len(OneThatCloses.closed_in) == 1
    assert OneThatCloses.closed_in[0] != threading.current_thread().name


# Receivers


class listening:  # noqa: N801 - reads as a phrase
    def __init__(self, signal: Signal, receiver: Callable[..., Any], sender: Any = None) -> None:
        self._how = (signal, receiver, sender)

    def __enter__(self) -> None:
        signal, receiver, sender = self._how
        signal.connect(receiver, sender=sender)

    def __exit__(self, *exc: object) -> None:
        signal, receiver, sender = self._how
        assert signal.disconnect(receiver, sender=sender)


def observed(handler: str, path: str = "/told/") -> list[Any]:
    """What sync and async receivers, and the view, see of a request by *handler*."""
    seen: list[Any] = []
    names = {request_started: "started", request_finished: "finished"}

    def sync(signal: Signal, sender: Any, **kwargs: Any) -> None:
        seen.append(("sync", names[signal], sender, sorted(kwargs), in_loop(), of_request.get()))
        of_request.set(f"{of_request.get()} sync {names[signal]}")

    async def async_(signal: Signal, sender: Any, **kwargs: Any) -> None:
        seen.append(("async", names[signal], sender, sorted(kwargs), in_loop(), of_request.get()))
        of_request.set(f"{of_request.get()} async {names[signal]}")

    def only_djangos(**kwargs: Any) -> None:
        seen.append("only Django's")

    with (
        listening(request_started, sync),
        listening(request_started, async_),
        listening(request_finished, sync),
        listening(request_finished, async_),
        listening(request_finished, only_djangos, DjangosHandler),
    ):
        answer = ask(HANDLERS[handler](), path, "GET", HOST)
    return [*seen, answer.status, answer.text]


@pytest.mark.parametrize("path", ["/told/", "/hello_sync/", "/missing/", "/stream/"])
def test_receivers_run_as_under_django(path: str) -> None:
    ours, djangos = observed("ours", path), observed("Django's", path)
    if path == "/hello_sync/":  # it tells the name of its thread
        del ours[-1], djangos[-1]
    assert ours == djangos
    assert len(ours) >= 6


@pytest.mark.parametrize("signal", [request_started, request_finished])
@pytest.mark.parametrize("wrapped", [True, False], ids=["with the wrapper", "middleware alone"])
def test_a_sync_receiver_of_djangos_handler_alone_runs_in_a_thread(
    signal: Signal,
    wrapped: bool,  # noqa: FBT001
) -> None:
    heard: list[bool] = []

    def receiver(**kwargs: Any) -> None:
        heard.append(in_loop())

    application: Any = ASGIHandler()
    with listening(signal, receiver, DjangosHandler):
        ask(holdfast.asgi.RequestScope(application) if wrapped else application, "/hello/", "GET")
    assert heard == [False]


def test_what_async_receivers_set_is_seen_by_the_view_as_under_django() -> None:
    async def receiver(**kwargs: Any) -> None:
        of_request.set("set by a receiver")

    with listening(request_started, receiver):
        ours = ask(ASGIHandler(), "/told/", "GET", HOST).text
        djangos = ask(DjangosHandler(), "/told/", "GET", HOST).text
    assert ours == djangos


# Django 5.2 leaves the body's file to the garbage collector then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("signal", [request_started, request_finished], ids=["start", "end"])
def test_what_a_receiver_raises_ends_the_request_as_under_django(
    signal: Signal, handler: str, kind: str
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    async def fail_async(**kwargs: Any) -> None:
        raise ZeroDivisionError

    receiver = fail if kind == "sync" else fail_async
    with listening(signal, receiver), pytest.raises(ZeroDivisionError):
        ask(HANDLERS[handler](), "/hello/", "GET", HOST)


def test_a_receiver_of_a_cancelled_request_hears_of_its_end() -> None:
    heard: list[str] = []

    async def receiver(**kwargs: Any) -> None:
        heard.append("finished")

    async def leave_in_the_view() -> None:
        leave = asyncio.Event()
        asyncio.get_running_loop().call_soon(leave.set)
        await ask_asgi(ASGIHandler(), "/forever/", "GET", HOST, leave=leave)

    with listening(request_finished, receiver):
        asyncio.run(leave_in_the_view())
    assert heard == ["finished"]


@pytest.mark.parametrize("path", ["/urlconf/", "/forever/"])
def test_a_urlconf_that_a_request_set_is_taken_back(path: str) -> None:
    # From Django 6.1 on it would be there: middleware and view run in the server's own task.
    async def seen_after() -> str | None:
        leave = asyncio.Event()
        asyncio.get_running_loop().call_soon(leave.set)
        application = holdfast.asgi.RequestScope(ASGIHandler())
        await ask_asgi(application, path, "GET", HOST, leave=leave)
        found: str | None = get_urlconf()
        return found

    assert asyncio.run(seen_after()) is None


def test_a_subclass_is_its_own_sender() -> None:
    class Handler(ASGIHandler):
        pass

    heard: list[Any] = []

    def receiver(sender: Any, **kwargs: Any) -> None:
        heard.append(sender)

    with listening(request_started, receiver), listening(request_finished, receiver):
        ask(Handler(), "/hello/", "GET", HOST)
    assert heard == [Handler, Handler]


def test_nothing_of_djangos_is_changed_for_others(threads: Threads) -> None:
    assert DjangosHandler.handle is not ASGIHandler.handle
    assert "holdfast" not in repr(DjangosHandler.handle.__globals__["sync_to_async"])
    assert HttpResponseBase.close.__globals__["signals"].request_finished is request_finished


# Django's own tests


def test_djangos_own_tests_of_handlers_and_signals_pass() -> None:
    labels = ["asgi", "handlers", "signals", "staticfiles_tests.test_handlers"]
    module = "tests.django.run_djangos_own"
    done = subprocess.run(
        [sys.executable, "-m", module, djangos_tests(), *labels],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    # Fewer would mean that they were not found, or not run on ours. 5.2 has 97 and 22 of them.
    assert report["run"] >= 90
    assert report["requests by our handler"] >= 20
