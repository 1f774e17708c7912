"""Responses that a cache above the middleware keeps carry no scope along."""

import copy
import gc
import pickle
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.test import RequestFactory, override_settings
from django.urls import path
from django.views.decorators.cache import cache_page

import holdfast
from holdfast.django.middleware import RequestScope
from tests.django.conftest import MIDDLEWARE
from tests.django.in_process import Server

served: list[str] = []


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    served.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


def plain(request: HttpRequest) -> HttpResponse:
    served.append(holdfast.current().name)
    return HttpResponse("content")


def templated(request: HttpRequest) -> HttpResponse:
    served.append(holdfast.current().name)
    return TemplateResponse(request, "page.html", {"request": holdfast.request})


urlpatterns = [
    path("plain/", plain),
    path("templated/", templated),
    path("page/", cache_page(60)(plain)),
]


@pytest.mark.parametrize(
    ("page", "content"), [("/plain/", "content"), ("/templated/", "GET /templated/ ")]
)
def test_a_cache_above_keeps_the_response_and_serves_it_without_a_scope_of_then(
    server: Server, page: str, content: str
) -> None:
    caching = [
        "django.middleware.cache.UpdateCacheMiddleware",
        MIDDLEWARE[0],
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    with override_settings(MIDDLEWARE=caching):
        assert [server.get(page).text for _ in range(3)] == [content] * 3
    assert served == [f"GET {page}"]


def test_a_cached_page_below_is_served_in_the_scope_of_now(server: Server) -> None:
    assert [server.get("/page/").text for _ in range(2)] == ["content"] * 2
    assert served == ["GET /page/"]


@pytest.fixture
def response() -> Iterator[Any]:
    middleware: Any = RequestScope(plain)
    made = copy_context().run(middleware, RequestFactory().get("/plain/"))
    yield made
    copy_context().run(made.close)


@pytest.mark.parametrize(
    "duplicate",
    [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy],  # noqa: S301
    ids=["pickle", "deepcopy"],
)
def test_closing_a_copy_of_a_response_leaves_the_scope_open(response: Any, duplicate: Any) -> None:
    copied = duplicate(response)
    assert copied.content == b"content"
    copied.close()
    assert copied.closed
    assert holdfast.live_scopes() == 1
    assert not response.closed


def test_a_response_that_middleware_above_replaces_takes_its_scope_with_it() -> None:
    """As ConditionalGetMiddleware does: nobody closes what it has replaced."""
    middleware: Any = RequestScope(plain)
    copy_context().run(middleware, RequestFactory().get("/plain/"))
    with pytest.warns(ResourceWarning, match="GET /plain/ was never closed"):
        gc.collect()
    assert holdfast.live_scopes() == 0
