"""A page is found again by whom it is true for, and by nobody else."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import add_message
from django.contrib.sessions.backends.db import SessionStore
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views import View
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import condition

import holdfast
from holdfast import named_stores
from holdfast.cache.events import counts
from holdfast.cache.recording import current_recordings
from holdfast.django.pages.invalidation import view_tags
from tests.django.in_process import Answer, Server, asgi_app, ask_asgi, ask_wsgi, wsgi_app

cached_view = holdfast.django.cached_view

MIDDLEWARE = [
    "holdfast.django.middleware.RequestScope",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

served: list[str] = []


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    served.clear()
    with override_settings(
        ROOT_URLCONF=__name__,
        MIDDLEWARE=MIDDLEWARE,
        LANGUAGES=[("en", "English"), ("de", "German")],
    ):
        yield


def run(request: Any, text: object = "") -> HttpResponse:
    served.append(f"{request.path} {text}".strip())
    return HttpResponse(f"{len(served)} {text}".strip())


def change(*rows: str) -> None:
    """What a committed change to these rows does."""
    named_stores.store("cache").tags.bump([row.encode() for row in rows])


def depends_on(row: str) -> None:
    for recording in current_recordings()[:1]:
        recording.add(row.encode())


# Views


@cached_view(ttl=60)
def article(request: HttpRequest, pk: int) -> HttpResponse:
    depends_on(f"article {pk}")
    return run(request, request.GET.get("page"))


@cached_view(ttl=60)
async def async_article(request: HttpRequest, pk: int) -> HttpResponse:
    depends_on(f"article {pk}")
    await asyncio.sleep(0)
    return run(request, request.GET.get("page"))


@method_decorator(cached_view(ttl=60), name="dispatch")
class Decorated(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run(request, request.GET.get("page"))


@method_decorator(cached_view(ttl=60), name="dispatch")
class AsyncDecorated(View):
    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run(request, request.GET.get("page"))


class Method(View):
    @cached_view(ttl=60)
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run(request, request.GET.get("page"))


class AsyncMethod(View):
    @cached_view(ttl=60)
    async def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run(request, request.GET.get("page"))


class Plain(View):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return run(request, request.GET.get("page"))


@cached_view(ttl=60)
def who(request: Any) -> HttpResponse:
    return run(request, request.user.username or "nobody")


@cached_view(ttl=60)
async def async_who(request: Any) -> HttpResponse:
    return run(request, (await request.auser()).username or "nobody")


@cached_view(ttl=60)
def theme(request: HttpRequest) -> HttpResponse:
    return run(request, request.COOKIES.get("theme"))


@cached_view(ttl=60)
def cart(request: Any) -> HttpResponse:
    return run(request, request.session.get("cart"))


@cached_view(ttl=60)
def spoken(request: HttpRequest) -> HttpResponse:
    return run(request, gettext("Yes"))


@cached_view(ttl=60)
def sometimes(request: Any) -> HttpResponse:
    if request.COOKIES.get("member"):
        return run(request, request.GET.get("page"))
    return run(request, "stranger")


@cached_view(ttl=60)
def templated(request: HttpRequest) -> HttpResponse:
    served.append(request.path)
    return TemplateResponse(request, "page.html", {"more": Lazily(request)})


class Lazily:
    """Read when it is rendered."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __str__(self) -> str:
        depends_on("rendered")
        return str(self.request.GET.get("page"))


def _refused(name: str, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @cached_view(ttl=60, negative_ttl=None, name=name)
    def view(request: Any) -> Any:
        served.append(request.path)
        return make(request)

    return view


def _with_header(**headers: str) -> Callable[[Any], HttpResponse]:
    def make(request: Any) -> HttpResponse:
        return HttpResponse(
            "x", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return make


def sets_cookie(request: Any) -> HttpResponse:
    response = HttpResponse("x")
    response.set_cookie("a", "b")
    return response


def tells_what_cannot_be_stored(request: Any) -> HttpResponse:
    response: Any = HttpResponse("x")
    response._csp_config = {"script-src": object()}
    return response  # type: ignore[no-any-return]


def sets_session(request: Any) -> HttpResponse:
    request.session["a"] = 1
    return HttpResponse("x")


def adds_message(request: Any) -> HttpResponse:
    add_message(request, 20, "hello")
    return HttpResponse("x")


def not_found(request: Any) -> HttpResponse:
    raise Http404("there is none")


def fails(request: Any) -> HttpResponse:
    raise RuntimeError("broken")


REFUSED: dict[str, Callable[[Any], Any]] = {
    "cookie": sets_cookie,
    "session": sets_session,
    "message": adds_message,
    "csrf": lambda request: HttpResponse(get_token(request)),
    "csrf-in-template": lambda request: render(request, "form.html"),
    "private": _with_header(Cache_Control="private, max-age=60"),
    "no-store": _with_header(Cache_Control="No-Store"),
    "no-cache": _with_header(Cache_Control='max-age=60, no-cache="Set-Cookie"'),
    "max-age": _with_header(Cache_Control="max-age=0"),
    "vary": _with_header(Vary="Accept, *"),
    "streamed": lambda _: StreamingHttpResponse([b"x"]),
    "redirect": lambda _: HttpResponseRedirect("/elsewhere/"),
    "told": tells_what_cannot_be_stored,
    "error": lambda _: HttpResponse("x", status=500),
    "404": lambda _: HttpResponse("x", status=404),
    "body": lambda request: HttpResponse(request.body),
    "http404": not_found,
}


@cached_view(ttl=60, negative_ttl=30)
def absent(request: Any, pk: int) -> HttpResponse:
    depends_on(f"article {pk}")
    served.append(request.path)
    if request.GET.get("how") == "raise":
        raise Http404(f"no article {pk}")
    return HttpResponse("gone", status=404, reason="Gone Fishing")


@cached_view(ttl=60)
def rich(request: Any) -> HttpResponse:
    served.append(request.path)
    return HttpResponse(
        "ä".encode("latin-1"),
        content_type="text/plain; charset=latin-1",
        headers={
            "Last-Modified": "Sat, 01 Jan 2022 00:00:00 GMT",
            "Cache-Control": "max-age=60",
            "X-Own": "here",
            "Vary": "Accept",
        },
        reason="Very OK",
    )


@cached_view(ttl=60)
@xframe_options_exempt
def exempt(request: Any) -> HttpResponse:
    response: Any = run(request)
    response._csp_config = {"default-src": ["a", "b"], "script-src": ["c"]}
    return response  # type: ignore[no-any-return]


@cached_view(ttl=60)
def not_exempt(request: Any) -> HttpResponse:
    return run(request)


@cached_view(ttl=60)
@condition(etag_func=lambda _: '"own"')
def conditioned(request: Any) -> HttpResponse:
    return run(request)


@cached_view(ttl=60)
def inner(request: Any) -> HttpResponse:
    depends_on("inner")
    return run(request, request.COOKIES.get("theme"))


@cached_view(ttl=60)
def outer(request: Any) -> HttpResponse:
    depends_on("outer")
    served.append("outer")
    return HttpResponse(b"outer " + inner(request).content)


slow = threading.Event()


@cached_view(ttl=60)
def slowly(request: Any) -> HttpResponse:
    served.append(request.path)
    slow.wait(10)
    return HttpResponse(str(request.COOKIES.get("theme")))


tenant = "a"


@cached_view(ttl=60, key=lambda _: tenant)
def of_tenant(request: Any) -> HttpResponse:
    return run(request, tenant)


@cached_view(ttl=0.2, stale=60, jitter=0, early=0)
def aging(request: Any) -> HttpResponse:
    served.append(f"{threading.get_ident()}")
    return HttpResponse(f"{len(served)} {request.user.username} {request.session.get('cart')}")


urlpatterns = [
    path("article/<int:pk>/", article, name="article"),
    path("async_article/<int:pk>/", async_article, name="async_article"),
    path("decorated/<int:pk>/", Decorated.as_view(), name="decorated"),
    path("async_decorated/<int:pk>/", AsyncDecorated.as_view(), name="async_decorated"),
    path("method/<int:pk>/", Method.as_view(), name="method"),
    path("async_method/<int:pk>/", AsyncMethod.as_view(), name="async_method"),
    path("twice/<int:pk>/", cached_view(ttl=60)(Decorated.as_view()), name="twice"),
    path(
        "async_twice/<int:pk>/",
        cached_view(ttl=60)(AsyncDecorated.as_view()),
        name="async_twice",
    ),
    path("in_urlconf/<int:pk>/", cached_view(ttl=60)(Plain.as_view()), name="in_urlconf"),
    path("who/", who),
    path("async_who/", async_who),
    path("theme/", theme),
    path("cart/", cart),
    path("spoken/", spoken),
    path("sometimes/", sometimes),
    path("templated/", templated),
    path("absent/<int:pk>/", absent),
    path("rich/", rich),
    path("conditioned/", conditioned),
    path("exempt/", exempt),
    path("not_exempt/", not_exempt),
    path("outer/", outer),
    path("slowly/", slowly),
    path("of_tenant/", of_tenant),
    path("aging/", aging),
    *(path(f"refused/{name}/", _refused(name, make)) for name, make in REFUSED.items()),
    path("fails/", cached_view(ttl=60)(fails)),
]

KINDS = [
    "article",
    "async_article",
    "decorated",
    "async_decorated",
    "method",
    "async_method",
    "in_urlconf",
    "twice",
    "async_twice",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_of_any_kind_runs_once_for_each_url_and_what_it_reads(
    server: Server, kind: str
) -> None:
    first = server.get(f"/{kind}/1/").text
    assert server.get(f"/{kind}/1/").text == first == "1 None"
    assert server.get(f"/{kind}/2/").text == "2 None"
    assert server.get(f"/{kind}/1/?page=3").text == "3 3"
    # Nobody reads that one.
    assert server.get(f"/{kind}/1/?page=3&utm_source=mail").text == "3 3"
    assert server.get(f"/{kind}/1/?utm_source=mail").text == "1 None"
    assert len(served) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_by_name_all_pages_of_a_view_are_made_untrue_or_those_of_some_arguments(
    server: Server, kind: str
) -> None:
    for pk in (1, 2):
        server.get(f"/{kind}/{pk}/")
        server.get(f"/{kind}/{pk}/?page=2")
    tags = named_stores.store("cache").tags
    tags.bump(view_tags(kind, [2]))
    assert server.get(f"/{kind}/1/").text == "1 None"
    assert server.get(f"/{kind}/2/").text == "5 None"
    assert server.get(f"/{kind}/2/?page=2").text == "6 2"
    assert view_tags(kind, [], {"pk": "2"}) == view_tags(kind, [2])
    tags.bump(view_tags(kind))
    assert server.get(f"/{kind}/1/").text == "7 None"


def test_a_view_is_known_by_its_dotted_name_too(server: Server) -> None:
    tags = named_stores.store("cache").tags
    server.get("/article/1/")
    tags.bump(view_tags(f"{__name__}.article"))
    server.get("/article/1/")
    tags.bump(view_tags(article))
    server.get("/article/1/")
    tags.bump(view_tags(article, [1]))
    server.get("/article/1/")
    server.get("/decorated/1/")
    tags.bump(view_tags(Decorated))
    server.get("/decorated/1/")
    assert len(served) == 6


@pytest.mark.parametrize("kind", ["article", "async_article"])
def test_a_change_of_what_it_was_made_of_makes_a_page_untrue(server: Server, kind: str) -> None:
    assert server.get(f"/{kind}/1/").text == "1 None"
    assert server.get(f"/{kind}/2/").text == "2 None"
    change("article 2")
    assert server.get(f"/{kind}/1/").text == "1 None"
    assert server.get(f"/{kind}/2/").text == "3 None"
    assert server.get(f"/{kind}/2/").text == "3 None"


def test_what_a_template_reads_counts(server: Server) -> None:
    assert server.get("/templated/?page=2").text.strip() == "2"
    assert server.get("/templated/?page=2&utm=1").text.strip() == "2"
    assert server.get("/templated/?page=3").text.strip() == "3"
    assert len(served) == 2
    change("rendered")
    server.get("/templated/?page=2")
    assert len(served) == 3


def sign_in(name: str) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    user, _ = User.objects.get_or_create(username=name)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session["cart"] = f"of {name}"
    session.save()
    assert session.session_key
    return session.session_key


@pytest.mark.parametrize("view", ["who", "async_who"])
def test_a_private_page_is_served_to_nobody_else(server: Server, view: str, database: None) -> None:
    ann, bob = sign_in("ann"), sign_in("bob")
    url = f"/{view}/"
    assert server.get(url).text == "1 nobody"
    assert server.get(url, sessionid=ann).text == "2 ann"
    assert server.get(url, sessionid=bob).text == "3 bob"
    assert server.get(url, sessionid=ann).text == "2 ann"
    assert server.get(url, sessionid=bob).text == "3 bob"
    # More is known of the view by now, so the page of nobody was made once more, or will be.
    again = server.get(url).text
    assert again in {"1 nobody", "4 nobody"}
    assert server.get(url).text == again
    assert server.get(url, other="cookie").text == again
    # Another session of hers.
    assert server.get(url, sessionid=sign_in("ann")).text == "2 ann"
    assert "Cookie" in server.get(url, sessionid=ann).headers["vary"]


def test_a_public_page_is_stored_once_for_all(server: Server, database: None) -> None:
    ann = sign_in("ann")
    for cookies in ({}, {"sessionid": ann}, {"theme": "dark"}):
        answer = server.get("/article/1/", **cookies)
        assert answer.text == "1 None"
        assert "Cookie" not in answer.headers.get("vary", "")


def test_a_page_is_stored_once_for_each_value_of_what_it_reads(
    server: Server, database: None
) -> None:
    assert [server.get("/theme/", theme=each).text for each in "aba"] == ["1 a", "2 b", "1 a"]
    ann, bob = sign_in("ann"), sign_in("bob")
    carts = [server.get("/cart/", sessionid=each).text for each in (ann, bob, ann)]
    assert carts == ["3 of ann", "4 of bob", "3 of ann"]
    assert "Cookie" in server.get("/theme/", theme="a").headers["vary"]


def test_the_language_is_in_the_key_of_pages_that_speak(server: Server) -> None:
    app = wsgi_app(True) if server.kind == "wsgi" else asgi_app(True)

    def ask(path: str, language: str) -> Answer:
        headers = {"host": "testserver", "accept-language": language}
        if server.kind == "wsgi":
            return ask_wsgi(app, path, headers=headers)
        return asyncio.run(ask_asgi(app, path, headers=headers))

    assert [ask("/spoken/", each).text for each in ("en", "de", "en")] == ["1 Yes", "2 Ja", "1 Yes"]
    assert [ask("/article/1/", each).text for each in ("en", "de")] == ["3 None", "3 None"]
    assert ask("/spoken/", "de").headers["vary"] == "Accept-Language"


def test_what_only_some_runs_read_is_learned(server: Server) -> None:
    ask = server.get
    assert ask("/sometimes/").text == "1 stranger"
    assert ask("/sometimes/?page=1", member="1").text == "2 1"
    assert ask("/sometimes/?page=2", member="1").text == "3 2"
    assert ask("/sometimes/?page=1", member="1").text == "2 1"
    assert ask("/sometimes/").text in {"1 stranger", "4 stranger"}
    again = len(served)
    ask("/sometimes/")
    ask("/sometimes/?page=2", member="1")
    assert len(served) == again


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@pytest.mark.parametrize("what", REFUSED)
def test_what_must_not_be_shared_is_not_stored(server: Server, what: str) -> None:
    first, second = server.get(f"/refused/{what}/"), server.get(f"/refused/{what}/")
    assert len(served) == 2
    assert first.status == second.status


def test_an_error_is_raised_and_not_stored(server: Server) -> None:
    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False):
        for _ in range(2):
            assert server.get("/fails/").status == 500


@pytest.mark.parametrize("how", ["raise", "return"])
def test_what_is_not_there_is_remembered_if_wanted(server: Server, how: str) -> None:
    answers = [server.get(f"/absent/1/?how={how}") for _ in range(3)]
    assert [answer.status for answer in answers] == [404] * 3
    assert len({answer.text for answer in answers}) == 1
    assert len(served) == 1
    change("article 1")
    server.get(f"/absent/1/?how={how}")
    assert len(served) == 2


def test_a_page_comes_back_as_it_was(server: Server) -> None:
    first, second = server.get("/rich/"), server.get("/rich/")
    assert served == ["/rich/"]
    assert first.headers == second.headers
    assert b"".join(second.chunks) == "ä".encode("latin-1")
    assert second.headers["content-type"] == "text/plain; charset=latin-1"
    assert second.headers["cache-control"] == "max-age=60"
    assert second.headers["x-own"] == "here"
    assert second.headers["etag"].startswith('"')
    # Said by the view: no other request than one that accepts the same gets it.
    assert second.headers["vary"].split(", ")[0] == "Accept"
    assert "age" not in second.headers


class TellingMiddleware(XFrameOptionsMiddleware):
    """Adds a header that decorators configure."""

    def process_response(self, request: Any, response: Any) -> Any:
        response = super().process_response(request, response)
        response["X-Policy"] = str(sorted(getattr(response, "_csp_config", {}).items()))
        return response


@pytest.mark.parametrize("page", ["exempt", "not_exempt"])
def test_what_a_view_tells_middleware_is_told_each_time(server: Server, page: str) -> None:
    with override_settings(MIDDLEWARE=[*MIDDLEWARE, f"{__name__}.TellingMiddleware"]):
        first, second = server.get(f"/{page}/"), server.get(f"/{page}/")
    assert served == [f"/{page}/"]
    assert first.headers == second.headers
    assert ("x-frame-options" in second.headers) == (page == "not_exempt")
    policy = {"exempt": "[('default-src', ['a', 'b']), ('script-src', ['c'])]"}
    assert second.headers["x-policy"] == policy.get(page, "[]")


def test_the_first_and_the_next_visitor_are_told_that_nothing_has_changed() -> None:
    client = Client()
    for _ in range(3):
        etag = client.get("/article/1/").headers["ETag"]
        unchanged = client.get("/article/1/", headers={"If-None-Match": etag})
        assert unchanged.status_code == 304
        assert unchanged.content == b""
        assert unchanged.headers["ETag"] == etag
        changed = client.get("/article/1/", headers={"If-None-Match": '"other"'})
        assert changed.content == b"1 None"
        failed = client.get("/article/1/", headers={"If-Match": '"other"'})
        assert failed.status_code == 412
    modified = {"If-Modified-Since": "Sat, 01 Jan 2022 00:00:00 GMT"}
    for _ in range(2):
        assert client.get("/rich/", headers=modified).status_code == 304
    # A page is made whole, whoever comes first.
    change("article 1")
    assert client.get("/article/1/", headers={"If-None-Match": '"x"'}).content == b"3 None"
    assert served == ["/article/1/ None", "/rich/", "/article/1/ None"]


def test_a_view_with_an_etag_of_its_own_keeps_it() -> None:
    client = Client()
    for _ in range(2):
        assert client.get("/conditioned/").headers["ETag"] == '"own"'
        unchanged = client.get("/conditioned/", headers={"If-None-Match": '"own"'})
        assert unchanged.status_code == 304
    assert served == ["/conditioned/"]


def test_head_is_answered_from_the_page_and_stores_none() -> None:
    client = Client()
    assert client.head("/article/1/").status_code == 200
    assert client.head("/article/1/").status_code == 200
    assert len(served) == 2
    page = client.get("/article/1/")
    head = client.head("/article/1/")
    assert len(served) == 3
    assert head.headers == page.headers


def test_other_methods_reach_the_view() -> None:
    client = Client()
    for _ in range(2):
        assert client.post("/article/1/").status_code == 200
    assert len(served) == 2


def test_a_page_within_a_page_is_part_of_both(server: Server) -> None:
    assert server.get("/outer/", theme="a").text == "outer 2 a"
    assert server.get("/outer/", theme="b").text == "outer 4 b"
    assert server.get("/outer/", theme="a").text == "outer 2 a"
    assert len(served) == 4
    change("inner")
    assert server.get("/outer/", theme="a").text == "outer 6 a"
    # The inner one is found, and what it has read belongs to the outer one all the same.
    change("outer")
    assert server.get("/outer/", theme="a").text == "outer 6 a"
    assert server.get("/outer/", theme="c").text == "outer 9 c"
    change("inner")
    assert server.get("/outer/", theme="c").text == "outer 11 c"


def wait_for_run(number: int) -> None:
    deadline = time.monotonic() + 10
    while len(served) < number and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(served) >= number


def test_one_run_serves_all_who_ask_at_once_for_the_same_page() -> None:
    slow.clear()
    with ThreadPoolExecutor(20) as pool:
        asking = [pool.submit(Client().get, "/slowly/") for _ in range(20)]
        wait_for_run(1)
        time.sleep(0.2)
        slow.set()
        pages = {each.result().content for each in asking}
    assert pages == {b"None"}
    assert len(served) == 1


def test_who_waits_for_a_page_gets_none_that_is_not_his() -> None:
    """Nothing is known of the view yet, so all of them wait for one run."""
    slow.clear()

    def ask(theme: str) -> tuple[str, bytes]:
        client = Client()
        client.cookies["theme"] = theme
        return theme, client.get("/slowly/").content

    with ThreadPoolExecutor(20) as pool:
        asking = [pool.submit(ask, theme) for theme in "abcd" * 5]
        wait_for_run(1)
        time.sleep(0.2)
        slow.set()
        answers = [each.result() for each in asking]
    assert all(theme.encode() == content for theme, content in answers)
    assert len(served) <= 5  # one of each, and maybe the one that nothing was known at


def test_what_no_request_shows_can_be_added_to_the_key(server: Server) -> None:
    global tenant
    tenant = "a"
    assert server.get("/of_tenant/").text == "1 a"
    tenant = "b"
    assert server.get("/of_tenant/").text == "2 b"
    tenant = "a"
    assert server.get("/of_tenant/").text == "1 a"


def test_a_stale_page_is_served_while_another_is_made_for_the_same_visitor(database: None) -> None:
    client = Client()
    client.cookies["sessionid"] = sign_in("ann")
    assert client.get("/aging/").content == b"1 ann of ann"
    time.sleep(0.3)
    assert client.get("/aging/").content == b"1 ann of ann"
    deadline = time.monotonic() + 10
    while (content := client.get("/aging/").content) == b"1 ann of ann":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert content.endswith(b" ann of ann")
    # Not in a thread that serves requests.
    assert served[0] == str(threading.get_ident())
    assert served[1] != served[0]


def test_a_new_version_begins_with_new_pages() -> None:
    def view(request: Any) -> HttpResponse:
        return run(request)

    request = RequestFactory().get("/x/")
    for version, runs in ((1, 1), (1, 1), (2, 2)):
        cached_view(ttl=60, version=version, name="x")(view)(request)
        assert len(served) == runs


def test_figures_are_counted_by_name() -> None:
    client = Client()
    events = counts(f"view:{__name__}.article")
    before = events.loads, events.tier_hits
    for _ in range(3):
        client.get("/article/1/")
    assert (events.loads - before[0], events.tier_hits - before[1]) == (1, 2)


def test_a_call_with_other_arguments_than_the_urls_is_another_page() -> None:
    request = RequestFactory().get("/x/")
    assert article(request, 1).content == b"1 None"
    assert article(request, pk=2).content == b"2 None"
    assert article(request, 1).content == b"1 None"
    assert article(request, object()).content == b"3 None"
    assert article(request, object()).content == b"4 None"


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"ttl": 0}, ValueError, "ttl"),
        ({"ttl": "60"}, TypeError, "ttl"),
        ({"ttl": str}, TypeError, r"needs a ttl in seconds: @cached_view\("),
        ({"ttl": 60, "negative_ttl": -1}, ValueError, "negative_ttl"),
        ({"ttl": 60, "key": "tenant"}, TypeError, "key"),
        (
            {"ttl": 60, "stail": 5},
            TypeError,
            "'stail'. Known: .*key, .*store, .*ttl, version",
        ),
        ({"ttl": 60, "may_store": bool}, TypeError, "may_store"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        cached_view(**options)


def test_what_is_no_view_is_told_so() -> None:
    view: Any = cached_view(ttl=60, name="none")(lambda _: None)
    with pytest.raises(TypeError, match="HttpRequest"):
        view("request")
    with pytest.raises(TypeError, match="NoneType in place of a response"):
        view(RequestFactory().get("/"))
