"""`holdfast cache` on pages and models: in which store a URL's page lies, and why there."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

import holdfast
from holdfast import cli, configuration
from holdfast.cache import snapshot, verifying
from holdfast.cache.events import counts
from tests.cache.conftest import wait_for
from tests.django.in_process import Server, ask_wsgi, wsgi_app
from tests.log.driving import Events

cached_view = holdfast.django.cached_view


@cached_view(ttl=300, stale=30)
def themed(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(f"{pk} {request.COOKIES.get('theme')} {request.GET.get('page')}")


@cached_view(ttl=300)
def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


@cached_view(ttl=300, name="groups")
def groups(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(Group.objects.values_list("name", flat=True)))


@method_decorator(cached_view(ttl=300), name="dispatch")
class Languages(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.headers.get("Accept-Language", ""))


class Simple(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("simple")


def uncached(request: HttpRequest) -> HttpResponse:
    raise AssertionError("explaining runs no view")


urlpatterns = [
    path("themed/<int:pk>/", themed, name="themed"),
    path("plain/", plain, name="plain"),
    path("groups/", groups, name="groups"),
    path("languages/", Languages.as_view(), name="languages"),
    path("around/", cached_view(ttl=300)(Simple.as_view()), name="around"),
    path("uncached/", uncached),
    path("inner/", include(([path("", plain, name="plain")], "inner"))),
]


@pytest.fixture(autouse=True)
def _site(database: None) -> Iterator[None]:
    with override_settings(
        ROOT_URLCONF=__name__, MIDDLEWARE=["holdfast.django.middleware.RequestScope"]
    ):
        yield


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_command(*words: str) -> tuple[int, str, str]:
        status = cli.main(["cache", *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run_command


@pytest.fixture
def explained(run: Any) -> Callable[..., Any]:
    def explain(*words: str) -> Any:
        status, output, errors = run("explain", *words, "--json")
        assert not errors
        found = json.loads(output)
        assert status == (found["state"] == "missing")
        return found

    return explain


@pytest.mark.parametrize("url", ["/plain/", "/around/"])
def test_a_page_for_everybody(server: Server, explained: Any, run: Any, url: str) -> None:
    assert explained(url)["state"] == "missing"
    server.get(url)
    found = explained(url)
    assert found["state"] == "fresh"
    assert found["store"] == "cache"
    assert found["parts"] == {}
    assert "all visitors get this page" in run("explain", url)[1]


def test_the_parts_of_the_request_that_are_in_the_key(
    server: Server, explained: Any, run: Any
) -> None:
    server.get("/themed/7/?page=2", theme="dark")
    found = explained("/themed/7/?page=2", "--cookie", "theme=dark")
    assert found["state"] == "fresh"
    assert found["parts"] == {"cookie:theme": "'dark'", "query:page": "['2']"}
    assert found["permissions"]["stale"] == 30
    assert any(tag["tag"] == "view:themed" for tag in found["tags"])
    for other in (
        ("/themed/7/?page=2", "--cookie", "theme=light"),
        ("/themed/7/?page=3", "--cookie", "theme=dark"),
        ("/themed/8/?page=2", "--cookie", "theme=dark"),
    ):
        assert explained(*other)["state"] == "missing"
    assert (
        "cookie:theme = 'dark'" in run("explain", "/themed/7/?page=2", "--cookie", "theme=dark")[1]
    )


def test_a_page_of_a_class_and_a_header(explained: Any) -> None:
    ask_wsgi(wsgi_app(wrapped=True), "/languages/", headers={"accept-language": "de"})
    assert explained("/languages/", "--header", "Accept-Language: de")["state"] == "fresh"
    assert explained("/languages/", "--header", "Accept-Language: en")["state"] == "missing"


@pytest.mark.parametrize("first", [["holdfast.django.middleware.RequestScope"], []])
def test_the_request_that_explains_is_no_visitor_s_and_is_not_logged(
    run: Any, first: list[str]
) -> None:
    applied = configuration._applied
    holdfast.configure({**applied, "LOG": {"OUTPUT": (events := Events())}})
    try:
        with override_settings(MIDDLEWARE=[*first, "holdfast.django.middleware.RequestLog"]):
            assert "nothing is stored" in run("explain", "/plain/")[1]
            assert "404" in run("explain", "/nowhere/")[2]
            holdfast.log.flush()
            assert events == []
            ask_wsgi(wsgi_app(wrapped=False), "/plain/")
            assert events.one()["path"] == "/plain/"
    finally:
        holdfast.configure(applied)


def test_a_url_that_has_no_page(run: Any) -> None:
    status, _, errors = run("explain", "/uncached/")
    assert status == 1
    assert "isn't decorated with cached_view" in errors
    status, _, errors = run("explain", "/nowhere/")
    assert status == 1
    assert "404" in errors
    assert run("explain", "/plain/", "--cookie", "theme")[0] == 2
    assert run("explain", "/plain/", "and more")[0] == 2


def test_pages_are_made_untrue_by_view_and_arguments(
    server: Server, explained: Any, run: Any
) -> None:
    server.get("/themed/7/")
    server.get("/themed/8/")
    assert run("invalidate", "--view", "themed", "pk=7")[:2] == (
        0,
        "made untrue: pages of themed for pk=7\n",
    )
    found = explained("/themed/7/")
    assert found["state"] == "untrue"
    assert [tag["tag"] for tag in found["tags"] if tag["state"] == "changed"] == [
        tag["tag"] for tag in found["tags"] if tag["tag"].startswith("view:themed:")
    ]
    assert explained("/themed/8/")["state"] == "fresh"
    assert run("invalidate", "--view", "themed")[0] == 0
    assert explained("/themed/8/")["state"] == "untrue"
    assert run("invalidate", "--view", "themed", "nope=1")[0] == 2


@pytest.mark.parametrize("words", [("theemd",), ("theemd", "pk=7"), (f"{__name__}.theemd",)])
def test_a_view_that_there_is_not_is_said(run: Any, words: tuple[str, ...]) -> None:
    status, said, errors = run("invalidate", "--view", *words)
    assert (status, said) == (1, "")
    assert f"There is no view and no URL called '{words[0]}'." in errors
    assert "Did you mean" in errors


@pytest.mark.parametrize(
    "name", ["themed", "inner:plain", f"{__name__}.themed", f"{__name__}.Simple"]
)
def test_a_view_is_known_by_its_url_s_name_and_by_its_own(run: Any, name: str) -> None:
    assert run("invalidate", "--view", name)[0] == 0


def test_pages_of_another_urlconf_are_untrue_though_its_names_are_not_known_here(
    server: Server, explained: Any, run: Any
) -> None:
    server.get("/themed/7/")
    with override_settings(ROOT_URLCONF="tests.django.urls"):
        assert run("invalidate", "--view", "themed")[0] == 1
    assert explained("/themed/7/")["state"] == "untrue"


def test_a_model_without_its_app_is_told_how_to_be_written(run: Any) -> None:
    status, _, errors = run("invalidate", "--model", "Group")
    assert status == 2
    assert "--model: write app.Model, such as shop.Article." in errors


def test_what_was_made_of_a_model_or_a_row_is_made_untrue(
    server: Server, explained: Any, run: Any
) -> None:
    group = Group.objects.create(name="a")
    for words in (["auth.Group"], [f"auth.Group:{group.pk}"], ["auth.Group:4711"]):
        server.get("/groups/")
        assert explained("/groups/")["state"] == "fresh"
        assert run("invalidate", "--model", *words)[0] == 0
        # The listing shows all there are: so any row may be one of it.
        assert explained("/groups/")["state"] == "untrue"
    for wrong in ("auth.Nothing", "nothing", "auth.Group:x"):
        assert run("invalidate", "--model", wrong)[0] == 2


def test_queries_that_were_too_broad_are_named(server: Server, explained: Any) -> None:
    server.get("/groups/")
    [sql] = counts("groups").queries
    assert "auth_group" in sql


def test_pages_are_compared_too(server: Server) -> None:
    """A row that was changed past Django shows in a page."""
    import sqlite3

    from django.db import connection

    given = {**configuration._applied}
    given["CACHE"] = {**given["CACHE"], "VERIFY": {"groups": 1.0}, "PUBLISH": None}
    configuration.apply(given)
    group = Group.objects.create(name="old")
    server.get("/groups/")
    before = snapshot()["groups"]
    assert server.get("/groups/").text == "old"
    wait_for(lambda: snapshot()["groups"]["agreed"] == before["agreed"] + 1)
    other = sqlite3.connect(connection.settings_dict["NAME"])
    other.execute("UPDATE auth_group SET name = 'new' WHERE id = ?", [group.pk])
    other.commit()
    other.close()
    wait_for(lambda: not verifying._running)
    assert server.get("/groups/").text == "old"
    wait_for(lambda: snapshot()["groups"]["differed"] == before["differed"] + 1)
    assert counts("groups").reasons == {}
