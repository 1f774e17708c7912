"""Whatever a run reads of its request is noted, by itself, and nothing else is."""

import copy
import enum
import json
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user, login
from django.contrib.auth.context_processors import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.messages import add_message, get_messages
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import formats, timezone, translation
from django.utils.functional import SimpleLazyObject

import holdfast
from holdfast.django.pages.canonical import NotCanonical, canonical
from holdfast.django.pages.observation import Observation
from holdfast.django.pages.parts import Parts
from holdfast.django.pages.watching import watching

Read = Callable[[Any], Any]


def asked(path: str = "/articles/7/?page=2&sort=name", **headers: Any) -> Any:
    """A request as middleware hands it to a view."""
    request: Any = RequestFactory().get(path, **headers)
    request.COOKIES.update({"theme": "dark", "seen": "1"})
    request.session = SessionStore()
    request.session.update({"cart": [1, 2], "visits": 3})
    request.session.modified = False
    AuthenticationMiddleware(lambda _: None).process_request(request)  # type: ignore[arg-type,return-value]
    MessageMiddleware(lambda _: None).process_request(request)  # type: ignore[arg-type,return-value]
    return request


def observed(read: Read, request: Any = None) -> Observation:
    request = asked() if request is None else request
    with watching(request) as observation:
        read(request)
    return observation


def template(source: str) -> Read:
    return lambda request: Template(source).render(RequestContext(request, {"request": request}))


PARTS: list[tuple[Read, set[str]]] = [
    (lambda r: r.path + r.path_info + r.method + str(r.resolver_match), set()),
    (lambda r: r.GET.get("page"), {"query:page"}),
    (lambda r: r.GET["page"] + r.GET["sort"], {"query:page", "query:sort"}),
    (lambda r: r.GET.getlist("page"), {"query:page"}),
    (lambda r: "page" in r.GET, {"query:page"}),
    (lambda r: r.GET.get("no"), {"query:no"}),
    (lambda r: dict(r.GET), {"query-items"}),
    (lambda r: {**r.GET}, {"query-items"}),
    (lambda r: r.GET.urlencode(), {"query-items"}),
    (lambda r: r.GET.copy()["page"], {"query-items"}),
    (lambda r: copy.deepcopy(r.GET), {"query-items"}),
    (lambda r: list(r.GET), {"query-items"}),
    (lambda r: bool(r.GET), {"query-items"}),
    (lambda r: r.GET.dict(), {"query-items"}),
    (lambda r: r.GET == {}, {"query-items"}),
    (lambda r: json.dumps(r.GET), {"query-items"}),
    (lambda r: json.dumps(r.GET, indent=1), {"query-items"}),
    (lambda r: r.GET | {"a": 1}, {"query-items"}),
    (lambda r: {"a": 1} | r.GET, {"query-items"}),
    (lambda r: r.GET != {}, {"query-items"}),
    (lambda r: [r.GET[key] for key in r.GET], {"query-items"}),
    (lambda r: r.META["QUERY_STRING"] + r.GET["page"], {"meta:QUERY_STRING", "query:page"}),
    (lambda r: r.get_full_path(), {"meta:QUERY_STRING"}),
    (lambda r: r.COOKIES.get("theme"), {"cookie:theme"}),
    (lambda r: r.COOKIES["theme"], {"cookie:theme"}),
    (lambda r: "no" in r.COOKIES, {"cookie:no"}),
    (lambda r: r.get_signed_cookie("theme", None), {"cookie:theme"}),
    (lambda r: r.META.get("REMOTE_ADDR"), {"meta:REMOTE_ADDR"}),
    (lambda r: r.environ["REMOTE_ADDR"], {"meta:REMOTE_ADDR"}),
    (lambda r: r.headers.get("Accept-Language"), {"meta:HTTP_ACCEPT_LANGUAGE"}),
    (lambda r: r.headers.get("accept_language"), {"meta:HTTP_ACCEPT_LANGUAGE"}),
    (lambda r: "X-No" in r.headers, {"meta:HTTP_X_NO"}),
    (lambda r: r.headers.get("Content-Type"), {"meta:CONTENT_TYPE"}),
    (lambda r: r.accepts("text/html"), {"meta:HTTP_ACCEPT"}),
    (lambda r: r.content_type, {"meta:CONTENT_TYPE"}),
    (
        lambda r: r.get_host(),
        {"meta:HTTP_HOST", "meta:SERVER_NAME", "meta:SERVER_PORT", "meta:wsgi.url_scheme"},
    ),
    (lambda r: r.scheme, {"meta:wsgi.url_scheme"}),
    (lambda r: r.is_secure(), {"meta:wsgi.url_scheme"}),
    (lambda r: r.session["cart"], {"session:cart"}),
    (lambda r: r.session.get("no"), {"session:no"}),
    (lambda r: "visits" in r.session, {"session:visits"}),
    (lambda r: r.session.session_key, {"session-key"}),
    (lambda r: list(r.session.keys()), {"session-items"}),
    (lambda r: dict(r.session.items()), {"session-items"}),
    (lambda r: r.user, set()),
    (auth, set()),
    (lambda r: r.user.is_authenticated, {"attribute:_cached_user", "session:_auth_user_id"}),
    (template("{{ user.username }}"), {"attribute:_cached_user", "session:_auth_user_id"}),
    (
        template("{% if perms.auth %}x{% endif %}"),
        {"attribute:_cached_user", "session:_auth_user_id"},
    ),
    (get_messages, set()),
    (template("{% for m in messages %}{{ m }}{% endfor %}"), {"cookie:messages"}),
    (
        template("{% if messages %}x{% endif %}{{ request.GET.page }}"),
        {"cookie:messages", "query:page"},
    ),
    (template("plain"), set()),
    (lambda _: Template("{{ a }}").render(Context({"a": "text"})), set()),
    (lambda _: translation.get_language(), {"language"}),
    (lambda _: translation.gettext("Yes"), {"language"}),
    (lambda _: formats.localize(1.5), {"language"}),
    (template("{% load i18n %}{% translate 'Yes' %}"), {"language"}),
    (template("{% load i18n %}{% get_current_language as L %}"), {"language"}),
    (lambda _: timezone.get_current_timezone(), {"timezone"}),
    (lambda _: timezone.localtime(), {"timezone"}),
    (lambda r: getattr(r, "tenant", None), {"attribute:tenant"}),
    (lambda r: hasattr(r, "tenant"), {"attribute:tenant"}),
]


@pytest.mark.parametrize(("read", "parts"), PARTS, ids=map(str, range(len(PARTS))))
def test_just_what_was_read_is_noted(read: Read, parts: set[str]) -> None:
    observation = observed(read)
    assert set(observation.parts) == parts
    assert observation.refusal is None
    # And reads the same once more, from a request that nobody watches.
    known = Parts(parts)
    assert known.key("place", asked()) == known.key_of("place", observation.parts)


async def _session_items(request: Any) -> None:
    assert await request.session.aget("visits") == 3
    assert (await request.auser()).is_anonymous


def test_what_is_awaited_is_noted_as_well() -> None:
    import asyncio

    observation = observed(lambda request: asyncio.run(_session_items(request)))
    assert set(observation.parts) == {
        "session:visits",
        "attribute:_acached_user",
        "session:_auth_user_id",
    }


REFUSED: list[tuple[Read, str]] = [
    (lambda r: dict(r.META), "as a whole"),
    (lambda r: list(r.headers), "as a whole"),
    (lambda r: list(r.headers.items()), "as a whole"),
    (lambda r: [*r.META], "as a whole"),
    (lambda r: r.COOKIES.copy(), "COOKIES as a whole"),
    (lambda r: {**r.COOKIES}, "COOKIES as a whole"),
    (lambda r: vars(r).items(), "as a whole"),
    (copy.copy, "copies the request"),
    (lambda r: r.body, "body"),
    (lambda r: r.read(), "body"),
    (lambda r: r.META["wsgi.input"], "wsgi.input"),
    (get_token, "CSRF"),
    (template("{% csrf_token %}"), "CSRF"),
    (lambda r: add_message(r, 20, "hello"), "message"),
    (lambda r: r.session.update({"a": 1}), "changes the session"),
    (lambda r: r.session.pop("cart"), "changes the session"),
    (lambda r: r.session.flush(), "changes the session"),
    (lambda r: [r.GET.get(str(number)) for number in range(100)], "more than 64"),
]


EMPTY: list[Read] = [
    json.dumps,
    lambda d: d | {"a": ["1"]},
    lambda d: {"a": ["1"]} | d,
    lambda d: d != {},
    lambda d: d == {},
    copy.copy,
    dict,
    list,
    len,
    bool,
    repr,
    lambda d: list(reversed(d)),
    lambda d: (list(d.keys()), list(d.values()), list(d.items())),
    lambda d: {**d},
]


@pytest.mark.parametrize("read", EMPTY, ids=map(str, range(len(EMPTY))))
def test_that_there_is_nothing_is_noted_as_well(read: Read) -> None:
    request = RequestFactory().get("/")
    plain: list[object] = []
    seen: list[object] = []
    for name, part in (("GET", "query-items"), ("COOKIES", None)):
        plain.append(read(getattr(request, name)))
        observation = observed(lambda r, name=name: seen.append(read(getattr(r, name))), request)
        if part is None:
            assert observation.refusal is not None
        else:
            assert set(observation.parts) == {part}
            assert Parts({part}).key_of("", observation.parts) == Parts({part}).key("", request)
    assert seen == plain


def test_what_was_emptied_is_noted_as_well() -> None:
    request = RequestFactory().get("/?page=2")
    request.COOKIES["theme"] = "dark"

    def read(request: Any) -> None:
        request.GET._mutable = True
        request.GET.pop("page")
        del request.COOKIES["theme"]
        assert json.dumps([request.GET, request.COOKIES]) == "[{}, {}]"

    observation = observed(read, request)
    assert observation.parts["query-items"] == "{'page':['2']}"
    assert observation.refusal is not None


def test_a_query_that_middleware_has_put_there_is_noted_by_value() -> None:
    def asked_by(name: str) -> Any:
        request = RequestFactory().get("/?page=2")
        request.GET = request.GET.copy()
        request.GET["who"] = name
        return request

    for read in (lambda r: r.GET.urlencode(), lambda r: r.META["QUERY_STRING"] + r.GET["who"]):
        observation = observed(read, asked_by("ann"))
        known = Parts(observation.parts)
        assert known.key("", asked_by("ann")) == known.key_of("", observation.parts)
        assert known.key("", asked_by("bob")) != known.key_of("", observation.parts)


@pytest.mark.parametrize(("read", "reason"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_what_makes_a_page_one_visitors_own_is_refused(read: Read, reason: str) -> None:
    observation = observed(read)
    assert observation.refusal is not None
    assert reason in observation.refusal


def test_messages_that_wait_are_refused_and_seen_in_the_key() -> None:
    request = asked()
    add_message(request, 20, "hello")
    shows = template("{% for m in messages %}{{ m }}{% endfor %}")
    refusal = observed(shows, request).refusal
    assert refusal is not None
    assert "messages" in refusal


def test_the_request_is_itself_again_afterwards() -> None:
    request = asked()
    before, session = type(request), type(request.session)

    def view(request: Any) -> None:
        assert request.META.get("REQUEST_METHOD") == "GET"
        assert isinstance(request, before)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        observed(view, request)
    assert type(request) is before
    assert type(request.session) is session
    assert type(request.META) is dict
    assert type(request.COOKIES) is dict
    assert not [
        name for name in {*request.__dict__, *request.session.__dict__} if "holdfast" in name
    ]


def test_what_the_run_sets_is_its_own() -> None:
    def view(request: Any) -> None:
        request.META["HTTP_X_OWN"] = "1"
        request.COOKIES["own"] = "1"
        request.article = object()
        holdfast.state.own = object()
        assert request.META["HTTP_X_OWN"] == request.COOKIES["own"] == "1"
        assert request.article
        assert holdfast.state.own

    request = asked()
    with holdfast.open_scope(request=request):
        observation = observed(view, request)
        assert request.environ["HTTP_X_OWN"] == "1"
        assert holdfast.state.own
    assert observation.parts == {}
    assert observation.refusal is None


def test_what_middleware_has_set_is_noted_by_value() -> None:
    class Plan(enum.Enum):
        FREE = 1

    class Details:
        def __init__(self, request: HttpRequest) -> None:
            self.request = request
            self.plan = Plan.FREE

    for value in ("a", 7, None, uuid.UUID(int=1), {"a": [1, (2, {3})]}, Plan.FREE, Details):
        request = asked()
        request.tenant = value(request) if value is Details else value
        known = observed(lambda r: r.tenant, request)
        assert set(known.parts) == {"attribute:tenant"}
        assert known.refusal is None
        request.other = value
        again = Parts(known.parts).key("place", request)
        assert again == Parts(known.parts).key_of("place", known.parts)


@pytest.mark.parametrize(
    "value",
    [object(), threading.Lock(), (n for n in "a"), lambda: 7, partial(print), [object()], open],
)
def test_what_is_no_key_is_refused(value: object) -> None:
    request = asked()
    request.tenant = value
    refusal = observed(lambda r: r.tenant, request).refusal
    assert refusal is not None
    assert "attribute:tenant" in refusal
    with pytest.raises(NotCanonical):
        canonical(value)


def test_different_values_are_different_texts() -> None:
    values: list[Any] = [
        None,
        "None",
        0,
        False,
        0.0,
        "0",
        b"0",
        (),
        [],
        {},
        set(),
        [1, [2]],
        [1, 2],
        [[1], 2],
        ["1, 2"],
        ["1", "2"],
        ("1", "2"),
        {"a": "b"},
        {"a": {"b": 1}},
        uuid.UUID(int=1),
        str(uuid.UUID(int=1)),
        ["'", "'"],
        ["','"],
        SimpleLazyObject(lambda: 7),
    ]
    assert len({canonical(value) for value in values}) == len(values)
    assert canonical(SimpleLazyObject(lambda: 7)) == canonical(7)


@pytest.fixture
def ann(database: None) -> User:
    return User.objects.create_user("ann", password="secret")


def test_a_user_is_what_the_session_says_and_her_rows(ann: User) -> None:
    request = asked()
    login(request, ann)
    request.session.modified = False
    AuthenticationMiddleware(lambda _: None).process_request(request)  # type: ignore[arg-type,return-value]
    observation = observed(lambda r: r.user.username, request)
    assert set(observation.parts) == {
        "attribute:_cached_user",
        "session:_auth_user_id",
        "session:_auth_user_backend",
        "session:_auth_user_hash",
    }
    assert observation.refusal is None


def test_a_user_that_was_loaded_before_the_run_is_all_that_she_holds(ann: User) -> None:
    def texts() -> dict[str, str]:
        request = asked()
        request.user = SimpleLazyObject(lambda: User.objects.get(pk=ann.pk))
        assert request.user.is_authenticated
        observation = observed(lambda r: r.user.username, request)
        assert observation.refusal is None
        return observation.parts

    before = texts()
    assert set(before) == {"attribute:user"}
    assert texts() == before
    User.objects.update(first_name="Ann")
    assert texts() != before


def test_an_anonymous_user_is_nobody() -> None:
    request = asked()
    request.user = AnonymousUser()
    assert observed(lambda r: get_user(r) and r.user.is_staff, request).refusal is None


def test_state_that_middleware_has_set_is_noted() -> None:
    with holdfast.open_scope():
        holdfast.state.tenant = "a"
        observation = observed(lambda _: (holdfast.state.tenant, holdfast.state.get("no")))
        known = Parts(observation.parts)
        key = known.key_of("place", observation.parts)
        assert known.names == ("state:no", "state:tenant")
        assert known.key("place", asked()) == key
        holdfast.state.tenant = "b"
        assert known.key("place", asked()) != key


def test_what_was_remembered_before_the_run_is_read_anew() -> None:
    calls: list[int] = []

    @holdfast.per_request
    def page_number() -> str:
        calls.append(1)
        return str(holdfast.request.GET["page"])

    request = asked()
    with holdfast.open_scope(request=request):
        page_number()
        observation = observed(lambda _: page_number() + page_number(), request)
        assert set(observation.parts) == {"query:page"}
        page_number()
    assert len(calls) == 2


def test_a_run_inside_of_a_run_is_noted_by_both() -> None:
    def view(request: Any) -> None:
        assert request.GET["page"]
        with watching(request) as inner:
            assert request.COOKIES["theme"]
            assert request.session["cart"]
            assert translation.get_language()
        assert set(inner.parts) == {"cookie:theme", "session:cart", "language"}
        assert request.GET["sort"]

    observation = observed(view)
    assert set(observation.parts) == {
        "query:page",
        "query:sort",
        "cookie:theme",
        "session:cart",
        "language",
    }


def test_what_is_active_counts_as_it_was_when_the_run_began() -> None:
    def view(request: Any) -> None:
        with translation.override("fr"), timezone.override("Asia/Tokyo"):
            assert translation.get_language() == "fr"
            assert timezone.get_current_timezone_name() == "Asia/Tokyo"

    with translation.override("de"), timezone.override("UTC"):
        observation = observed(view)
        known = Parts(observation.parts)
        assert known.key("place", asked()) == known.key_of("place", observation.parts)
    assert observation.parts["language"] == "'de'"


def test_conditions_of_the_client_are_not_there_for_the_view() -> None:
    request = asked(headers={"If-None-Match": '"x"', "Range": "bytes=1-2"})

    def view(request: Any) -> None:
        assert request.META.get("HTTP_IF_NONE_MATCH") is None
        assert request.headers.get("Range") is None

    assert observed(view, request).refusal is None
    assert request.headers["Range"] == "bytes=1-2"
