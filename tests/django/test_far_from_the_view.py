"""The request is there in code that was handed nothing: receivers, models, tags, hooks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import transaction
from django.db.models.signals import post_save, pre_delete
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine, Library
from django.test import override_settings
from django.urls import path

import holdfast
from tests.django.conftest import MIDDLEWARE
from tests.django.in_process import Server

seen: list[str] = []


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def connect() -> Iterator[Callable[[Signal, Callable[..., Any]], None]]:
    """Connects receivers for the time of a test."""
    connected: list[tuple[Signal, Callable[..., Any]]] = []

    def connect(signal: Signal, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


def who() -> str:
    return f"{holdfast.request.method} {holdfast.request.path} {holdfast.state.user}"


def note(**_: Any) -> None:
    seen.append(who())


async def note_async(**_: Any) -> None:
    seen.append(who())


# A model's method, a custom template tag


class Author(Group):
    class Meta:
        proxy = True
        app_label = "auth"

    def changed_by(self) -> str:
        return f"{self.name} by {who()}"


register = Library()


@register.simple_tag
def reader() -> str:
    return who()


ENGINE = Engine()
ENGINE.template_libraries["tests"] = register
ENGINE.template_builtins.append(register)
TEMPLATE = ENGINE.from_string("{% reader %}")


def plain(request: HttpRequest) -> HttpResponse:
    holdfast.state.user = request.GET.get("user", "ann")
    return HttpResponse(TEMPLATE.render(Context()))


async def plain_async(request: HttpRequest) -> HttpResponse:
    return plain(request)


def broken(request: HttpRequest) -> HttpResponse:
    holdfast.state.user = "ann"
    raise ValueError("no")


def saved(request: HttpRequest) -> HttpResponse:
    holdfast.state.user = "ann"
    with transaction.atomic():
        author: Any = Author.objects.create(name="Group")
        transaction.on_commit(lambda: seen.append(f"committed {who()}"))
        seen.append("saved")
    author.delete()
    return HttpResponse(author.changed_by())


async def saved_async(request: HttpRequest) -> HttpResponse:
    holdfast.state.user = "ann"
    author: Any = await Author.objects.acreate(name="Group")
    await author.adelete()
    return HttpResponse(author.changed_by())


urlpatterns = [
    path("plain/", plain),
    path("plain-async/", plain_async),
    path("broken/", broken),
    path("saved/", saved),
    path("saved-async/", saved_async),
]


@pytest.mark.parametrize("page", ["/plain/", "/plain-async/"])
def test_a_template_tag_sees_the_request(server: Server, page: str) -> None:
    assert server.get(page).text == f"GET {page} ann"


@pytest.mark.parametrize("page", ["/saved/", "/saved-async/"])
def test_a_models_method_and_its_signals_receivers_see_the_request(
    database: None, server: Server, page: str, connect: Any
) -> None:
    connect(post_save, note)
    connect(pre_delete, note)
    assert server.get(page).text == f"Group by GET {page} ann"
    assert [line for line in seen if line.startswith("GET")] == [f"GET {page} ann"] * 2


def test_on_commit_sees_the_request(database: None, server: Server) -> None:
    server.get("/saved/")
    assert seen == ["saved", "committed GET /saved/ ann"]


@pytest.mark.parametrize("page", ["/plain/", "/plain-async/"])
@pytest.mark.parametrize("receiver", [note, note_async])
def test_receivers_of_request_finished_see_the_request(
    server: Server, connect: Any, page: str, receiver: Any
) -> None:
    connect(request_finished, receiver)
    server.get(page)
    assert seen == [f"GET {page} ann"]


@pytest.mark.parametrize("receiver", [note, note_async])
def test_receivers_of_got_request_exception_see_the_request(
    server: Server, connect: Any, receiver: Any
) -> None:
    connect(got_request_exception, receiver)
    assert server.get("/broken/").status == 500
    assert seen == ["GET /broken/ ann"]


def test_receivers_of_request_started_see_the_scope_where_a_wrapper_opened_it(
    server: Server, connect: Any
) -> None:
    connect(request_started, lambda **_: seen.append(repr(holdfast.current(None))))
    server.get("/plain/")
    assert seen == ["<Scope GET /plain/>" if server.wrapped else "None"]


class Hooks:
    """Middleware inside of ours, with every hook that Django has."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen.append(f"before {holdfast.request.path}")
        response = self.get_response(request)
        seen.append(f"after {who()}")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        seen.append(f"view {holdfast.request.path}")

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        seen.append(f"exception {who()}")


def test_middleware_inside_sees_the_request_in_every_hook(server: Server) -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE[0], f"{__name__}.Hooks"]):
        server.get("/broken/")
    assert seen == [
        "before /broken/",
        "view /broken/",
        "exception GET /broken/ ann",
        "after GET /broken/ ann",
    ]


class Outside(Hooks):
    """Middleware above ours."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen.append(f"before {holdfast.current(None)!r}")
        response = self.get_response(request)
        scope = holdfast.current(None)
        seen.append("after none" if scope is None else f"after {scope.name}")
        return response


def test_middleware_above_sees_the_scope_where_a_wrapper_opened_it(server: Server) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.Outside", MIDDLEWARE[0]]):
        server.get("/plain/")
    if server.wrapped:
        assert [seen[0], seen[-1]] == ["before <Scope GET /plain/>", "after GET /plain/"]
    else:
        assert seen[0] == "before None"
