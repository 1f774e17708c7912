"""The Django middleware: what Django knows, one event with or without the wrapper, no thread."""

import asyncio
import hashlib
import logging
import threading
import tracemalloc
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject

import holdfast
from holdfast import configuration
from tests.django.in_process import Answer, ask_asgi, ask_wsgi
from tests.log.driving import Events

SCOPE = "holdfast.django.middleware.RequestScope"
LOG = "holdfast.django.middleware.RequestLog"
MEGABYTE = 1_048_576


def plain(request: Any, number: int) -> HttpResponse:
    holdfast.state.number = number
    return HttpResponse(f"{holdfast.log.request_id()}")


async def aplain(request: Any) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"{holdfast.log.request_id()}")


def fails(request: Any) -> HttpResponse:
    raise LookupError("with a secret: hunter2")


looks: list[str] = []


def lazy(request: Any) -> HttpResponse:
    user = SimpleLazyObject(lambda: looks.append("looked") or "ann")
    if "look" in request.GET:
        str(user)
    holdfast.state.user = user
    return HttpResponse("x")


def streams(request: Any) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one", b"two", "three"]))


def posts(request: Any) -> HttpResponse:
    return HttpResponse(request.POST.get("title", ""))


def uploads(request: Any) -> HttpResponse:
    found = hashlib.blake2b()
    while chunk := request.read(65536):
        found.update(chunk)
    assert not hasattr(request, "_body")
    return HttpResponse(found.hexdigest())


def nested(request: Any) -> HttpResponse:
    if "inner" in request.GET:
        return HttpResponse("inner")
    answer = ask_wsgi(WSGIHandler(), "/nested/?inner=1", headers={"host": "testserver"})
    return HttpResponse(f"{holdfast.log.request_id()} {answer.text}")


shop = ([path("item/<int:number>/", plain, name="item")], "shop")
urlpatterns = [
    path("", aplain),
    path("shop/", include(shop)),
    path("fails/", fails),
    path("lazy/", lazy),
    path("streams/", streams),
    path("posts/", posts),
    path("uploads/", uploads),
    path("nested/", nested),
]


@pytest.fixture(params=["wrapper", "wrapper and scope", "scope", "alone"])
def layers(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Site:
    def __init__(self, kind: str, layers: str) -> None:
        self.kind, self.layers = kind, layers

    def ask(self, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        named = {"host": "testserver", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body:
            named["content-length"] = str(len(body))
        if self.kind == "asgi":
            app: Any = ASGIHandler()
            app = holdfast.asgi.RequestLog(app) if "wrapper" in self.layers else app
            return copy_context().run(asyncio.run, ask_asgi(app, target, method, named, body))
        app = WSGIHandler()
        app = holdfast.wsgi.RequestLog(app) if "wrapper" in self.layers else app
        return copy_context().run(ask_wsgi, app, target, method, named, body)


@pytest.fixture(params=["wsgi", "asgi"])
def site(request: pytest.FixtureRequest, layers: str) -> Iterator[Site]:
    middleware = [SCOPE, LOG] if "scope" in layers else [LOG]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
        yield Site(request.param, layers)


@pytest.fixture
def events() -> Iterator[Events]:
    yield from logging_to({})


def logging_to(more: dict[str, Any]) -> Iterator[Events]:
    found = Events()
    configuration.apply({"LOG": {"OUTPUT": found, **more}})
    yield found
    configuration.apply({})


def test_one_event_knows_route_view_and_state(site: Site):
    for events in logging_to({"STATE": ["number"]}):
        answer = site.ask("/shop/item/7/?a=1", x_request_id="abc")
        event = events.one()
        assert event["route"] == "shop/item/<int:number>/"
        assert event["route_name"] == "shop:item"
        assert event["view"] == f"{__name__}.plain"
        assert event["state"] == {"number": 7}
        assert event["query"] == "a=1"
        assert event["request_id"] == answer.text == answer.headers["x-request-id"] == "abc"
        assert (event["status"], event["outcome"]) == (200, "complete")
        assert event["bytes_out"] == len(answer.text)
        assert event["client"] in ("", "127.0.0.1")


def test_what_nobody_has_looked_at_is_not_loaded_for_the_log(site: Site):
    looks.clear()
    for events in logging_to({"STATE": ["user"]}):
        site.ask("/lazy/")
        assert events.one()["state"] == {"user": "<SimpleLazyObject>"}
        assert looks == []
        events.clear()
        site.ask("/lazy/?look=1")
        assert events.one()["state"] == {"user": "ann"}
        assert looks == ["looked"]


def test_exceptions_are_named_without_their_message(site: Site, events: Events):
    logging.disable(logging.ERROR)
    try:
        assert site.ask("/fails/").status == 500
    finally:
        logging.disable(logging.NOTSET)
    event = events.one()
    assert (event["status"], event["outcome"]) == (500, "error")
    assert event["exception"] == "LookupError"
    assert event["raised_at"].startswith(__file__)
    assert event["route"] == "fails/"
    assert "hunter2" not in str(event)


def test_streams_are_counted_to_their_end(site: Site, events: Events):
    if site.kind == "asgi":
        pytest.skip("Django warns of sync iterators there")
    assert site.ask("/streams/").text == "onetwothree"
    assert events.one()["bytes_out"] == 11
    assert events[0]["outcome"] == "complete"


def test_a_post_is_read_by_the_view_alone(site: Site):
    for events in logging_to({"BODY": 100}):
        kind = "application/x-www-form-urlencoded"
        answer = site.ask("/posts/", "POST", b"title=x&password=hunter2", content_type=kind)
        assert answer.text == "x"
        event = events.one()
        assert event["body"] == "title=x&password=***"
        assert event["bytes_in"] == 24


@pytest.mark.parametrize("layers", ["wrapper", "alone"], indirect=True)
def test_200_megabytes_arrive_as_they_are_and_cost_no_memory(layers: str):
    size, block = 200 * MEGABYTE, b"0123456789abcdef" * 4096
    whole = hashlib.blake2b()
    for _ in range(size // len(block)):
        whole.update(block)

    class Upload:
        left = size

        def read(self, count: int = -1) -> bytes:
            taken = min(len(block), self.left)
            assert count >= taken
            self.left -= taken
            return block[:taken]

        readline = read

    def ask(body: Upload) -> Any:
        app: Any = WSGIHandler()
        app = holdfast.wsgi.RequestLog(app) if "wrapper" in layers else app
        environ = {"wsgi.input": body, "CONTENT_LENGTH": str(body.left), "REQUEST_METHOD": "POST"}
        environ |= {"PATH_INFO": "/uploads/", "CONTENT_TYPE": "text/plain"}
        environ |= {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "wsgi.url_scheme": "http"}
        answer = app(environ, lambda *_: print)
        text = b"".join(answer).decode()
        answer.close()
        return text

    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[LOG]):
        for events in logging_to({"BODY": 2048}):
            small = Upload()
            small.left = len(block)
            ask(small)  # whatever is loaded at first use
            tracemalloc.start()
            try:
                assert ask(Upload()) == whole.hexdigest()
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            holdfast.log.flush(20)
            assert peak < MEGABYTE
            assert [event["bytes_in"] for event in events] == [len(block), size]
            assert len(events[1]["body"]) > 2000


def test_your_own_code_is_told_the_clients_address_by_the_same_rules(site: Site):
    def told(request: Any) -> dict[str, str]:
        return {"told": holdfast.log.client_address(request)}

    for events in logging_to({"IDENTIFY": told, "PROXIES": 1}):
        site.ask("/shop/item/7/", x_forwarded_for="6.6.6.6, 203.0.113.7")
        assert events.one()["who"] == {"told": "203.0.113.7"}
        assert events[0]["client"] == "203.0.113.7"


def test_missing_pages_have_no_route(site: Site, events: Events):
    site.ask("/nowhere/")
    assert (events.one()["status"], events[0].get("route")) == (404, None)


def test_identity_is_asked_once_with_djangos_request(site: Site):
    asked = []

    def identify(request: Any) -> Any:
        asked.append(type(request).__name__)
        return {"user": 7}

    async def aidentify(request: Any) -> Any:
        await asyncio.sleep(0)
        return identify(request)

    for function in (identify, aidentify):
        for events in logging_to({"IDENTIFY": function}):
            site.ask("/shop/item/7/")
            assert events.one()["who"] == {"user": 7}
            assert asked == [f"{site.kind.upper()}Request"]
            asked.clear()


def test_a_request_inside_of_a_request_has_its_own(events: Events, layers: str):
    middleware = [SCOPE, LOG] if "scope" in layers else [LOG]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
        answer = Site("wsgi", layers).ask("/nested/")
    holdfast.log.flush(20)
    inner, outer = events
    assert outer["request_id"] == answer.text.split()[0]
    assert inner["query"] == "inner=1"
    assert inner["request_id"] != outer["request_id"]


def test_no_thread_is_used_for_it_under_asgi(events: Events):
    used: list[Any] = []
    real = SyncToAsync.__init__

    def noted(self: Any, func: Any, *args: Any, **kwargs: Any) -> None:
        used.append(func)
        real(self, func, *args, **kwargs)

    def calls(middleware: list[str], *, wrapped: bool) -> int:
        with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
            site = Site("asgi", "wrapper" if wrapped else "alone")
            site.ask("/")  # what is made at first use
            used.clear()
            site.ask("/")
        return len(used)

    patched = pytest.MonkeyPatch()
    patched.setattr(SyncToAsync, "__init__", noted)
    try:
        bare = calls([], wrapped=False)
        assert calls([LOG], wrapped=True) == bare
        assert calls([SCOPE, LOG], wrapped=True) == bare
        assert calls([LOG], wrapped=False) == bare
    finally:
        patched.undo()
    assert threading.active_count() < 20


def test_the_user_that_no_view_asked_for_is_not_queried(site: Site):
    """The documentation's way to identify: look only at what is there already."""

    def identify(request: Any) -> Any:
        user = getattr(request, "_cached_user", None)
        return {"user": user.pk} if user is not None else None

    with override_settings(
        MIDDLEWARE=[
            *([SCOPE] if "scope" in site.layers else []),
            LOG,
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ]
    ):
        for events in logging_to({"IDENTIFY": identify}):
            site.ask("/shop/item/7/")
            assert "who" not in events.one()
