"""`holdfast.request` behaves as the request in all that Django and DRF do with one."""

import copy
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import Context, RequestContext, Template
from django.test import override_settings
from django.urls import path
from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import holdfast
from tests.django.in_process import Server


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


urlpatterns: list[Any] = []


def page(view: Any) -> Any:
    """Serve *view* under its own name."""
    urlpatterns.append(path(f"{view.__name__}/", view))
    return view


# Looked at


@page
def looked_at(request: HttpRequest) -> HttpResponse:
    assert isinstance(holdfast.request, HttpRequest)
    assert isinstance(holdfast.request, type(request))
    proxied: Any = holdfast.request
    assert proxied == request
    assert request == proxied
    assert hash(proxied) == hash(request)
    assert not callable(proxied)
    assert repr(proxied) == repr(request)
    assert f"{proxied}" == str(request)
    assert proxied.GET["a"] == "1"
    assert set(dir(request)) == set(dir(proxied))
    assert list(proxied) == list(request)  # a request is its body's lines
    assert vars(proxied) is vars(request)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        proxied.nothing  # noqa: B018
    proxied.tenant = "north"
    assert request.tenant == "north"  # type: ignore[attr-defined]
    del proxied.tenant
    assert not hasattr(request, "tenant")
    return HttpResponse("fine")


def test_looked_at_it_is_the_request(server: Server) -> None:
    assert server.get("/looked_at/?a=1").text == "fine"


@page
def copied(request: HttpRequest) -> HttpResponse:
    request.session["cart"] = [1]
    duplicate = copy.copy(holdfast.request)
    assert type(duplicate) is type(request)
    assert duplicate is not request
    assert duplicate.session is request.session
    with pytest.raises(TypeError, match=r"holdfast\.request can't be pickled"):
        pickle.dumps(holdfast.request)
    return HttpResponse("fine")


def test_a_copy_of_it_is_a_request_and_pickling_is_refused(database: None, server: Server) -> None:
    assert server.get("/copied/").text == "fine"


def test_outside_of_requests_looking_raises_nothing_and_reading_says_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert repr(holdfast.request) == "<holdfast.request: no request here>"
    assert not holdfast.request
    assert not isinstance(holdfast.request, HttpRequest)
    logging.getLogger("tests").warning("for %s", holdfast.request)
    assert caplog.messages == ["for <holdfast.request: no request here>"]
    with pytest.raises(holdfast.NoRequest, match="There is no request here"):
        holdfast.request.user  # noqa: B018
    with pytest.raises(holdfast.NoRequest, match="There is no request here"):
        holdfast.request.user = None


# In templates

TEMPLATE = Template(
    "{{ request.path }} {{ request.GET.a }} {{ request.method|lower }}"
    "{% if request %} there{% endif %}{% if request.user.is_authenticated %} known{% endif %}"
    "{% if request == other %} same{% endif %}{% with r=request %} {{ r.path }}{% endwith %}"
)


@page
def in_a_template(request: HttpRequest) -> HttpResponse:
    context = {"request": holdfast.request, "other": request}
    return HttpResponse(TEMPLATE.render(Context(context)))


def test_in_a_template_it_is_looked_up_and_never_called(database: None, server: Server) -> None:
    assert (
        server.get("/in_a_template/?a=1").text == "/in_a_template/ 1 get there same /in_a_template/"
    )


def test_in_a_template_outside_of_requests_it_is_false_and_reading_raises() -> None:
    context = {"request": holdfast.request}
    assert Template("{% if request %}there{% endif %}").render(Context(context)) == ""
    with pytest.raises(holdfast.NoRequest):
        Template("{{ request.path }}").render(Context(context))


@page
def rendered(request: HttpRequest) -> HttpResponse:
    context = {"request": holdfast.request, "more": "text"}
    in_context = Template("{{ user.is_anonymous }}").render(RequestContext(holdfast.request, {}))
    response = render(holdfast.request, "page.html", context)
    return HttpResponse(f"{response.content.decode()} {in_context}")


def test_render_and_request_context_take_it(database: None, server: Server) -> None:
    assert server.get("/rendered/").text == "GET /rendered/ text True"


# Sessions, messages, users


@page
def session(request: HttpRequest) -> HttpResponse:
    holdfast.request.session["visits"] = holdfast.request.session.get("visits", 0) + 1
    return HttpResponse(str(request.session["visits"]))


def cookie_of(answer: Any) -> str:
    """The session that a server has just given its client."""
    value: str = answer.headers["set-cookie"].partition("sessionid=")[2].partition(";")[0]
    return value


def test_a_session_is_read_and_written_by_it(database: None, server: Server) -> None:
    first = server.get("/session/")
    assert first.text == "1"
    assert server.get("/session/", sessionid=cookie_of(first)).text == "2"


@page
def message(request: HttpRequest) -> HttpResponse:
    messages.success(holdfast.request, "Saved.")
    messages.add_message(holdfast.request, messages.ERROR, "Not saved.")
    return HttpResponse(" ".join(str(one) for one in messages.get_messages(holdfast.request)))


def test_messages_take_it(database: None, server: Server) -> None:
    assert server.get("/message/").text == "Saved. Not saved."


@page
def logged_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(holdfast.request, username="ann", password="secret")
    assert user is not None
    login(holdfast.request, user)
    assert request.user == user
    return HttpResponse(holdfast.request.user.username)


@page
def me(request: HttpRequest) -> HttpResponse:
    return HttpResponse(holdfast.request.user.get_username() or "nobody")


@page
def logged_out(request: HttpRequest) -> HttpResponse:
    logout(holdfast.request)
    assert request.user.is_anonymous
    return HttpResponse("bye")


def test_login_and_logout_take_it(database: None, server: Server) -> None:
    User.objects.create_user("ann", password="secret")
    answer = server.get("/logged_in/")
    assert answer.text == "ann"
    assert server.get("/me/").text == "nobody"
    assert server.get("/me/", sessionid=cookie_of(answer)).text == "ann"
    assert server.get("/logged_out/", sessionid=cookie_of(answer)).text == "bye"
    assert server.get("/me/", sessionid=cookie_of(answer)).text == "nobody"


@page
async def logged_in_async(request: HttpRequest) -> HttpResponse:
    from django.contrib.auth import aauthenticate, alogin

    user = await aauthenticate(holdfast.request, username="ann", password="secret")
    assert user is not None
    await alogin(holdfast.request, user)
    return HttpResponse((await holdfast.request.auser()).get_username())


def test_async_login_takes_it(database: None, server: Server) -> None:
    User.objects.create_user("ann", password="secret")
    assert server.get("/logged_in_async/").text == "ann"


@page
def token(request: HttpRequest) -> HttpResponse:
    assert get_token(holdfast.request)
    assert request.META["CSRF_COOKIE"]
    html = Template("{% csrf_token %}").render(RequestContext(holdfast.request, {}))
    assert "csrfmiddlewaretoken" in html
    return HttpResponse("fine")


def test_csrf_tokens_are_made_for_it(database: None, server: Server) -> None:
    assert server.get("/token/").text == "fine"


# Forms, views


class Name(forms.Form):
    name = forms.CharField()


@page
def form(request: HttpRequest) -> HttpResponse:
    bound = Name(holdfast.request.POST, holdfast.request.FILES)
    sign_in = AuthenticationForm(holdfast.request, data={"username": "ann", "password": "secret"})
    return HttpResponse(f"{bound.is_valid()} {bound.cleaned_data['name']} {sign_in.is_valid()}")


def test_forms_take_it_and_its_data(database: None, server: Server) -> None:
    User.objects.create_user("ann", password="secret")
    assert server.post("/form/", {"name": "Bob"}).text == "True Bob True"


class Greeting(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        assert self.request == holdfast.request
        numbers = Paginator(range(10), 3).get_page(holdfast.request.GET.get("page"))
        site = get_current_site(holdfast.request).domain
        return HttpResponse(f"{list(numbers)} {site} {holdfast.request.build_absolute_uri()}")


urlpatterns.append(path("greeting/", Greeting.as_view()))


@page
def handed_on(request: HttpRequest) -> HttpResponse:
    return Greeting.as_view()(holdfast.request)  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["greeting", "handed_on"])
def test_class_based_views_take_it(server: Server, name: str) -> None:
    expected = f"[3, 4, 5] testserver http://testserver/{name}/?page=2"
    assert server.get(f"/{name}/?page=2").text == expected


# Django REST framework


class Known(BasePermission):
    def has_permission(self, request: Any, view: Any) -> bool:
        if "name" not in holdfast.request.GET:
            raise PermissionDenied
        return True


class Api(APIView):
    permission_classes = (Known,)

    def get(self, request: Request) -> Response:
        assert request._request == holdfast.request
        wrapping = Request(holdfast.request)
        assert wrapping.query_params == request.query_params
        return Response({"name": holdfast.request.GET["name"], "path": wrapping.path})

    def post(self, request: Request) -> Response:
        data: Any = request.data
        return Response({"data": data["name"], "post": holdfast.request.POST["name"]})


urlpatterns.append(path("api/", Api.as_view()))


@page
def api_handed_on(request: HttpRequest) -> HttpResponse:
    response: HttpResponse = Api.as_view()(holdfast.request)
    return response


@pytest.mark.parametrize("name", ["api", "api_handed_on"])
def test_rest_framework_serves_it_and_wraps_it(database: None, server: Server, name: str) -> None:
    if name == "api":
        assert server.get("/api/").status == 403
        assert server.post("/api/?name=x", {"name": "Bob"}).text == '{"data":"Bob","post":"Bob"}'
    assert server.get(f"/{name}/?name=Ann").text == f'{{"name":"Ann","path":"/{name}/"}}'
