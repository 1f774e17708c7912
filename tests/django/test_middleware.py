"""The middleware makes the request known, and gives it one scope: alone and behind a wrapper."""

import asyncio
import copy
import gc
import threading
import weakref
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import path

import holdfast
from holdfast.django.middleware import RequestScope
from tests.django.conftest import MIDDLEWARE
from tests.django.in_process import Server, asgi_app, ask_asgi, ask_wsgi, environ_of, wsgi_app


class Interrupt(BaseException):
    """Stands for what ends workers."""


seen: list[Any] = []


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield
    seen.clear()


# Pages


def who(request: HttpRequest) -> HttpResponse:
    scope = holdfast.current()
    seen.append(scope)
    assert scope.request is request
    assert isinstance(holdfast.request, HttpRequest)
    scope.on_close(lambda: seen.append("closed"))
    return HttpResponse(f"{scope.name} {holdfast.request.GET.get('user', '')}".strip())


async def who_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return who(request)


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404(holdfast.current().name)


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied(holdfast.current().name)


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError(holdfast.current().name)


async def broken_async(request: HttpRequest) -> HttpResponse:
    raise ValueError(holdfast.current().name)


def interrupted(request: HttpRequest) -> HttpResponse:
    raise Interrupt


async def interrupted_async(request: HttpRequest) -> HttpResponse:
    raise Interrupt


def inside(request: HttpRequest) -> HttpResponse:
    """Asks for a page by the test client, handing on everything of its own request."""
    outer = holdfast.current()
    holdfast.state.user_id = 7
    environ = getattr(request, "environ", {})
    response = Client().get("/who/?user=inner", **{**environ, "PATH_INFO": "/who/"})
    assert holdfast.current() is outer
    assert holdfast.request.path == "/inside/"
    assert not outer.closed
    return HttpResponse(f"{response.content.decode()} in {outer.name}")


async def inside_async(request: HttpRequest) -> HttpResponse:
    outer = holdfast.current()
    response = await AsyncClient().get("/who-async/?user=inner")
    assert holdfast.current() is outer
    return HttpResponse(f"{response.content.decode()} in {outer.name}")


def other_handler(request: HttpRequest) -> HttpResponse:
    outer = holdfast.current()
    answer = async_to_sync(ask_asgi)(
        asgi_app(wrapped=True), "/who-async/", headers={"host": "testserver"}
    )
    assert holdfast.current() is outer
    return HttpResponse(f"{answer.text} in {outer.name}")


async def threads(request: HttpRequest) -> HttpResponse:
    def name() -> str:
        return holdfast.current().name

    names = {
        await sync_to_async(name)(),
        await sync_to_async(name, thread_sensitive=False)(),
        await asyncio.to_thread(name),
        await asyncio.create_task(sync_to_async(async_to_sync(sync_to_async(name)))()),
    }
    return HttpResponse(" ".join(sorted(names)))


async def where_async(request: HttpRequest) -> HttpResponse:
    return where(request)


def where(request: HttpRequest) -> HttpResponse:
    seen.append(threading.get_ident())
    return HttpResponse()


def keep(request: HttpRequest) -> HttpResponse:
    seen.append(weakref.ref(request))
    holdfast.state.request = request
    return HttpResponse()


def copying(get_response: Any) -> Any:
    """Middleware that copies the request before its view is known, which Django can't copy."""

    def respond(request: HttpRequest) -> HttpResponse:
        copied = copy.deepcopy(request)
        seen.append((type(copied), copied.path))
        return get_response(request)  # type: ignore[no-any-return]

    return respond


def handle_404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(f"404 in {holdfast.current().name}", status=404)


def handle_403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(f"403 in {holdfast.current().name}", status=403)


def handle_500(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"500 in {holdfast.current().name}", status=500)


handler404, handler403, handler500 = handle_404, handle_403, handle_500

urlpatterns = [
    path("who/", who),
    path("who-async/", who_async),
    path("missing/", missing),
    path("denied/", denied),
    path("broken/", broken),
    path("broken-async/", broken_async),
    path("interrupted/", interrupted),
    path("interrupted-async/", interrupted_async),
    path("inside/", inside),
    path("inside-async/", inside_async),
    path("other-handler/", other_handler),
    path("threads/", threads),
    path("keep/", keep),
    path("where/", where),
    path("where-async/", where_async),
]

# One scope


@pytest.mark.parametrize("page", ["/who/", "/who-async/"])
def test_the_request_is_djangos_own_and_one_scope_holds_it_to_the_end(
    server: Server, page: str
) -> None:
    assert server.get(f"{page}?user=ann").text == f"GET {page} ann"
    scope, closed = seen
    assert closed == "closed"
    assert scope.closed
    assert holdfast.live_scopes() == 0


def test_behind_a_wrapper_the_middleware_uses_the_wrappers_scope() -> None:
    opened: list[holdfast.Scope] = []

    def noting(environ: Any, start_response: Any) -> Any:
        opened.append(holdfast.current())
        return wsgi_app(wrapped=False)(environ, start_response)

    copy_context().run(
        ask_wsgi, holdfast.wsgi.RequestScope(noting), "/who/", headers={"host": "testserver"}
    )
    assert seen[0] is opened[0]
    assert seen[1] == "closed"


@pytest.mark.parametrize(
    ("client", "page"), [(Client, "/who/"), (Client, "/who-async/"), (AsyncClient, "/who-async/")]
)
def test_djangos_test_clients_have_a_scope_for_each_request(client: Any, page: str) -> None:
    async def ask() -> HttpResponse:
        response = client().get(page)
        return await response if asyncio.iscoroutine(response) else response  # type: ignore[no-any-return]

    response = asyncio.run(ask()) if client is AsyncClient else client().get(page)
    assert response.content.decode() == f"GET {page}"
    assert seen[1] == "closed"


def test_a_request_made_by_hand_has_a_scope_until_its_response_is_closed() -> None:
    middleware: Any = RequestScope(who)
    request = RequestFactory().get("/made/")
    response = copy_context().run(middleware, request)
    assert response.content == b"GET /made/"
    assert not seen[0].closed
    copy_context().run(response.close)
    assert seen[0].closed
    assert seen[1] == "closed"


def test_a_bare_request_without_environ_or_asgi_scope_is_served_too() -> None:
    middleware: Any = RequestScope(lambda _: HttpResponse(holdfast.current().name))
    request = HttpRequest()
    request.method, request.path = "GET", "/bare/"
    response = copy_context().run(middleware, request)
    assert response.content == b"GET /bare/"
    copy_context().run(response.close)


def test_a_response_may_be_closed_twice() -> None:
    middleware: Any = RequestScope(who)
    response = copy_context().run(middleware, RequestFactory().get("/made/"))
    copy_context().run(response.close)
    copy_context().run(response.close)
    assert seen[1:] == ["closed"]


# Every end is the end


@pytest.mark.parametrize(
    ("page", "answered"),
    [
        ("/missing/", "404 in GET /missing/"),
        ("/nowhere/", "404 in GET /nowhere/"),
        ("/denied/", "403 in GET /denied/"),
        ("/broken/", "500 in GET /broken/"),
        ("/broken-async/", "500 in GET /broken-async/"),
    ],
)
def test_an_error_page_is_rendered_inside_the_scope_which_ends_with_it(
    server: Server, page: str, answered: str
) -> None:
    assert server.get(page).text == answered
    assert holdfast.live_scopes() == 0


# Django itself leaves the body's file open then.
@pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")
@pytest.mark.parametrize("page", ["/interrupted/", "/interrupted-async/"])
def test_a_view_that_is_interrupted_ends_the_scope(server: Server, page: str) -> None:
    with pytest.raises(Interrupt):
        server.get(page)
    assert holdfast.live_scopes() == 0


def test_head_ends_the_scope_like_any_request(server: Server) -> None:
    assert server.head("/who/").status == 200
    assert seen[1] == "closed"


def test_afterwards_nothing_keeps_the_request(server: Server) -> None:
    server.get("/keep/")
    gc.collect()
    assert seen[0]() is None


# A request inside of a request


def test_a_test_client_in_a_view_has_its_own_scope_and_the_outer_one_is_back_after_it(
    server: Server,
) -> None:
    assert server.get("/inside/").text == "GET /who/ inner in GET /inside/"


def test_the_same_in_an_async_view(server: Server) -> None:
    assert server.get("/inside-async/").text == "GET /who-async/ inner in GET /inside-async/"


def test_another_handler_called_from_a_sync_view_has_its_own_scope(server: Server) -> None:
    assert server.get("/other-handler/").text == "GET /who-async/ in GET /other-handler/"


# What a server left in the context


@pytest.mark.parametrize("usable", [True, False], ids=["open", "ended"])
def test_an_inherited_scope_is_replaced_and_not_adopted(
    usable: bool,  # noqa: FBT001
    wrapped: bool,  # noqa: FBT001
) -> None:
    with holdfast.open_scope(user_id=7) as stale:
        context = copy_context()
        if usable:
            context.run(ask_wsgi, wsgi_app(wrapped), "/who/", headers={"host": "testserver"})
            assert not stale.closed
            assert context.run(holdfast.current) is stale
    if not usable:
        context.run(ask_wsgi, wsgi_app(wrapped), "/who/", headers={"host": "testserver"})
        assert context.run(holdfast.current, None) is None
    assert seen[0] is not stale
    assert seen[1] == "closed"


def test_requests_that_follow_each_other_in_one_context_do_not_share(
    wrapped: bool,  # noqa: FBT001
) -> None:
    app = wsgi_app(wrapped)

    def one_worker() -> None:
        for user in ("ann", "bob"):
            answer = ask_wsgi(app, f"/who/?user={user}", headers={"host": "testserver"})
            assert answer.text == f"GET /who/ {user}"
            assert holdfast.current(None) is None

    copy_context().run(one_worker)


def test_interleaved_async_requests_see_their_own(wrapped: bool) -> None:  # noqa: FBT001
    async def main() -> list[str]:
        app = asgi_app(wrapped)
        answers = await asyncio.gather(
            *(
                ask_asgi(app, f"/who-async/?user={user}", headers={"host": "testserver"})
                for user in range(30)
            )
        )
        return [answer.text for answer in answers]

    assert asyncio.run(main()) == [f"GET /who-async/ {user}" for user in range(30)]


# Around it


class Above:
    """Answers itself what it is asked to, and notes what it sees of the scope."""

    sync_capable = async_capable = True

    def __new__(cls, get_response: Any) -> Any:
        if iscoroutinefunction(get_response):

            async def respond(request: HttpRequest) -> HttpResponse:
                seen.append(threading.get_ident())
                if "short" in request.GET:
                    return HttpResponse("short")
                return await get_response(request)  # type: ignore[no-any-return]

            return respond

        def respond_sync(request: HttpRequest) -> HttpResponse:
            seen.append(threading.get_ident())
            if "short" in request.GET:
                return HttpResponse("short")
            return get_response(request)  # type: ignore[no-any-return]

        return respond_sync


ABOVE = f"{__name__}.Above"


def test_a_short_circuit_above_leaves_nothing_behind(server: Server) -> None:
    with override_settings(MIDDLEWARE=[ABOVE, *MIDDLEWARE]):
        assert server.get("/who/?short").text == "short"
    assert holdfast.live_scopes() == 0


def test_between_async_middleware_and_an_async_view_it_adds_no_thread(
    wrapped: bool,  # noqa: FBT001
) -> None:
    with override_settings(MIDDLEWARE=[ABOVE, MIDDLEWARE[0], ABOVE]):
        Server("asgi", wrapped=wrapped).get("/where-async/")
    assert seen == [threading.get_ident()] * 3


def test_between_sync_middleware_and_a_sync_view_it_adds_no_thread(
    wrapped: bool,  # noqa: FBT001
) -> None:
    with override_settings(MIDDLEWARE=[ABOVE, MIDDLEWARE[0], ABOVE]):
        Server("wsgi", wrapped=wrapped).get("/where/")
    assert seen == [threading.get_ident()] * 3


def test_it_is_async_where_the_next_one_is_and_sync_where_the_next_one_is() -> None:
    assert iscoroutinefunction(RequestScope(where_async))
    assert not iscoroutinefunction(RequestScope(who))


def test_threads_and_loops_that_django_starts_for_a_view_belong_to_the_request(
    server: Server,
) -> None:
    assert server.get("/threads/").text == "GET /threads/"


def test_behind_a_wrapper_a_request_can_be_copied_deeply_as_without() -> None:
    with override_settings(MIDDLEWARE=[MIDDLEWARE[0], f"{__name__}.copying"]):
        Server("wsgi", wrapped=True).get("/where/")
    assert seen[0] == (WSGIRequest, "/where/")


def test_an_environ_that_came_from_an_earlier_request_brings_no_scope_with_it() -> None:
    environ = environ_of("/who/", "GET", {"host": "testserver"}, b"")
    for _ in range(2):
        body: Any = copy_context().run(wsgi_app(wrapped=True), environ, lambda *_: None)
        copy_context().run(body.close)
    copy_context().run(ask_wsgi, lambda _, start: wsgi_app(wrapped=False)(environ, start), "/")
    first, second, third = seen[::2]
    assert len({id(first), id(second), id(third)}) == 3
    assert first.closed
    assert third.closed
