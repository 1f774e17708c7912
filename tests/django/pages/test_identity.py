"""Views that answer at one URL have pages of their own, whoever has chosen between them."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.vary import vary_on_headers

import holdfast
from holdfast.cache.loading import loader
from holdfast.django.pages.explaining import NotExplained, explained
from holdfast.values import MISSING
from tests.cache.conftest import wait_for
from tests.django.in_process import Server

cached_view = holdfast.django.cached_view

runs: list[str] = []


@pytest.fixture(autouse=True)
def _site() -> Iterator[None]:
    runs.clear()
    middleware = ["holdfast.django.middleware.RequestScope", f"{__name__}.AccountMiddleware"]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=middleware):
        yield


def said(text: object) -> HttpResponse:
    runs.append(str(text))
    return HttpResponse(str(text))


def who(request: Any) -> str:
    return str(request.COOKIES.get("who"))


class AccountMiddleware:
    """Tells views by their arguments who asks."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: dict[str, Any]) -> None:
        if request.path.startswith("/told/"):
            kwargs["account"] = who(request)


@cached_view(ttl=60)
def told(request: HttpRequest, slug: str, account: str) -> HttpResponse:
    return said(f"{slug} {account}")


@cached_view(ttl=60)
def included(request: HttpRequest, team: str, pk: int, kind: str) -> HttpResponse:
    return said(f"{team} {pk} {kind}")


# Class-based views that are told before the run


@method_decorator(cached_view(ttl=60), name="dispatch")
class InSetup(View):
    account: str

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.account = who(request)

    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.account)


class Told(View):
    account: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.account = who(request)
        return super().dispatch(request, *args, **kwargs)


class InDispatch(Told):
    @method_decorator(cached_view(ttl=60))
    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.account)


class InDispatchPlainly(Told):
    @cached_view(ttl=60)
    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.account)


class InDispatchAsync(Told):
    @cached_view(ttl=60)
    async def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.account)


@method_decorator([cached_view(ttl=60), vary_on_headers("Accept")], name="dispatch")
class Parent(View):
    account = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.account)


class Child(Parent):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.account = who(request)
        return super().dispatch(request, *args, **kwargs)


class InKwargs(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.kwargs["account"] = who(request)
        return super().dispatch(request, *args, **kwargs)

    @cached_view(ttl=60)
    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.kwargs["account"])


class Holding(View):
    """Holds what no key can be made of."""

    thing: Callable[[], str]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        account = who(request)
        self.thing = lambda: account

    @method_decorator(cached_view(ttl=60, name="holding"))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.thing())


class Lazily(View):
    account: Any

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.account = SimpleLazyObject(lambda: who(request))

    @cached_view(ttl=60)
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(self.account))


@cached_view(ttl=60)
def around_it(request: HttpRequest) -> HttpResponse:
    return said(Lazily.as_view()(request).content.decode())  # type: ignore[attr-defined]


# Views of one name, chosen between by who asks


def chosen(members: Any, public: Any) -> Callable[..., Any]:
    def view(request: HttpRequest) -> Any:
        return (members if who(request) == "ann" else public)(request)

    return view


class Text(View):
    text: Any = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        return said(self.text)


@method_decorator(cached_view(ttl=60), name="dispatch")
class CachedText(Text):
    pass


def texts(request: HttpRequest, text: str) -> HttpResponse:
    return said(text)


def made(text: str) -> Callable[..., Any]:
    @cached_view(ttl=60, name=text)
    def view(request: HttpRequest) -> HttpResponse:
        return said(text)

    return view


class Feed:
    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return said(self.text)

    def method(self, request: HttpRequest) -> HttpResponse:
        return said(self.text)

    def members(self, request: HttpRequest) -> HttpResponse:
        return said("members")

    def public(self, request: HttpRequest) -> HttpResponse:
        return said("public")


@method_decorator([cached_view(ttl=60), vary_on_headers("Accept")], name="dispatch")
class Members(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return said("members")


@method_decorator([cached_view(ttl=60), vary_on_headers("Accept")], name="dispatch")
class Public(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return said("public")


class Inside:
    class View(Text):
        text = "members"


class Beside:
    class View(Text):
        text = "public"


class Choosing(View):
    def get(self, request: HttpRequest) -> Any:
        return self.members(request) if who(request) == "ann" else self.public(request)

    @cached_view(ttl=60)
    def members(self, request: HttpRequest) -> HttpResponse:
        return said("members")

    @cached_view(ttl=60)
    def public(self, request: HttpRequest) -> HttpResponse:
        return said("public")


def two_of(make: Callable[[str], Any]) -> Any:
    return chosen(make("members"), make("public"))


around = cached_view(ttl=60)
feed = Feed("")
TOLD = {
    "setup": InSetup,
    "dispatch": InDispatch,
    "plainly": InDispatchPlainly,
    "parent": Child,
    "kwargs": InKwargs,
    "holding": Holding,
}
CHOSEN = {
    "as_view": two_of(lambda text: around(Text.as_view(text=text))),
    "decorated": two_of(lambda text: CachedText.as_view(text=text)),
    "partial": two_of(lambda text: around(functools.partial(texts, text=text))),
    "made": two_of(made),
    "callable": two_of(lambda text: around(Feed(text))),
    "bound": two_of(lambda text: around(Feed(text).method)),
    "methods": chosen(around(feed.members), around(feed.public)),
    "classes": chosen(Members.as_view(), Public.as_view()),
    "nested": chosen(around(Inside.View.as_view()), around(Beside.View.as_view())),
    "one_class": Choosing.as_view(),
}
ONCE = {
    "plain": around(Text.as_view()),
    "arguments": around(Text.as_view(text="x")),
    "lazy": around(Text.as_view(text=gettext_lazy("Yes"))),
    "function": around(Text.as_view(text=texts)),
    "query": around(Text.as_view(text=Group.objects.filter(name="x"))),
    "query_of_instance": CachedText.as_view(text=Group.objects.filter(name="x")),
    "class": CachedText.as_view(text="x"),
    "kwargs": InKwargs.as_view(),
}

urlpatterns = [
    path("told/<slug:slug>/", told, name="told"),
    path("teams/<slug:team>/", include([path("<int:pk>/", included)]), {"kind": "x"}),
    *(path(f"view/{name}/", view.as_view()) for name, view in TOLD.items()),
    path("view/async/", InDispatchAsync.as_view()),
    path("around/", around_it),
    *(path(f"chosen/{name}/", view) for name, view in CHOSEN.items()),
    *(path(f"once/{name}/", view) for name, view in ONCE.items()),
]


@pytest.mark.parametrize("name", [*TOLD, "async"])
def test_what_an_instance_was_told_before_the_run_is_in_the_key(server: Server, name: str) -> None:
    for _ in range(2):
        for account in ("ann", "bob"):
            assert server.get(f"/view/{name}/", who=account).text == account
    if name != "holding":
        assert runs == ["ann", "bob"]


def test_why_there_is_no_page_of_what_an_instance_holds_is_told() -> None:
    with pytest.raises(NotExplained, match=r"self\.thing of its view, the function"):
        explained("/view/holding/", {}, {})


def test_what_an_instance_was_told_is_explained() -> None:
    server = Server("wsgi", wrapped=True)
    server.get("/view/setup/", who="ann")
    keys = [explained("/view/setup/", {}, {"who": each}).key for each in ("ann", "bob")]
    assert keys[0] != keys[1]
    found = explained("/view/setup/", {}, {"who": "ann"})
    assert loader(found.store).peek(found.key, found.policy) is not MISSING


def test_what_is_read_for_a_key_is_noted_by_the_page_around(server: Server) -> None:
    for account in ("ann", "bob", "ann"):
        assert server.get("/around/", who=account).text == account
    assert runs == ["ann", "bob"]


def test_what_middleware_has_told_a_view_by_arguments_is_in_the_key(server: Server) -> None:
    for _ in range(2):
        for account in ("ann", "bob"):
            assert server.get("/told/x/", who=account).text == f"x {account}"
    assert runs == ["x ann", "x bob"]


def test_pages_of_which_middleware_has_changed_the_arguments_are_known_by_the_urls() -> None:
    server = Server("wsgi", wrapped=True)
    server.get("/told/x/", who="ann")
    server.get("/told/y/", who="ann")
    holdfast.django.invalidate("told", slug="x")
    server.get("/told/x/", who="ann")
    server.get("/told/y/", who="ann")
    assert runs == ["x ann", "y ann", "x ann"]


def test_what_an_include_captures_is_one_page_and_is_found_by_it(server: Server) -> None:
    for _ in range(2):
        assert server.get("/teams/a/7/").text == "a 7 x"
    assert runs == ["a 7 x"]


@pytest.mark.parametrize("name", CHOSEN)
def test_two_views_at_one_url_share_no_page(server: Server, name: str) -> None:
    for _ in range(2):
        assert server.get(f"/chosen/{name}/", who="ann").text == "members"
        assert server.get(f"/chosen/{name}/", who="bob").text == "public"
    assert runs == ["members", "public"]


@pytest.mark.parametrize("name", ONCE)
def test_a_view_is_known_again_by_what_it_was_made_with(
    server: Server, name: str, database: None
) -> None:
    first = server.get(f"/once/{name}/").text
    assert server.get(f"/once/{name}/").text == first
    assert len(runs) == 1


def made_in_a_function(text: str) -> list[Any]:
    def view(request: HttpRequest) -> HttpResponse:
        return said(text)

    class Local(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return said(text)

    class Other(View):
        @method_decorator(around)
        def get(self, request: HttpRequest) -> HttpResponse:
            return said(text)

    return [around(view), around(lambda _: said(text)), around(Local.as_view()), Other.as_view()]


@pytest.mark.parametrize("kind", range(4))
def test_views_that_are_made_in_one_place_are_told_apart(server: Server, kind: int) -> None:
    views = [made_in_a_function(text)[kind] for text in ("one", "other")]
    for _ in range(2):
        answers = [view(RequestFactory().get("/")).content for view in views]
        assert answers == [b"one", b"other"]
    assert runs == ["one", "other"]


def test_views_that_are_made_in_a_function_have_pages_for_all_processes_by_a_name(
    server: Server,
) -> None:
    for _ in range(2):
        view = cached_view(ttl=60, name="same")(lambda _: said("x"))
        view(RequestFactory().get("/"))
    assert runs == ["x"]


def test_what_a_view_was_made_with_may_be_told_by_a_name(server: Server) -> None:
    thing = functools.partial(texts, text=object())
    assert around(thing)(RequestFactory().get("/")).content
    assert around(thing)(RequestFactory().get("/")).content
    assert len(runs) == 2
    for _ in range(2):
        cached_view(ttl=60, name="named")(thing)(RequestFactory().get("/"))
    assert len(runs) == 3


curious = False


@method_decorator(cached_view(ttl=0.2, stale=60, jitter=0, early=0), name="dispatch")
class Aging(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return said(who(self.request) if curious else "nobody")


def test_what_an_instance_reads_of_its_request_is_seen_when_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    client.cookies["who"] = "ann"
    assert client.get("/aging/").content == b"nobody"
    monkeypatch.setitem(globals(), "curious", True)
    # Made anew for ann, in the background, as soon as her page is stale.
    wait_for(lambda: client.get("/aging/").content == b"ann")
    client.cookies["who"] = "bob"
    assert client.get("/aging/").content != b"ann"


urlpatterns.append(path("aging/", Aging.as_view()))
