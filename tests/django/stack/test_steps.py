"""The steps are what Django does: each switch that is foretold is made, and no other."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import AsyncToSync, SyncToAsync, iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler as DjangosHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware, sync_only_middleware
from django.utils.deprecation import MiddlewareMixin

from holdfast.django.asgi import ASGIHandler
from holdfast.django.stack import receivers
from holdfast.django.stack.causes import switches_of
from holdfast.django.stack.chain import load
from holdfast.django.stack.step import Place, Setting, Step, Switch, When
from holdfast.django.stack.steps import steps
from tests.django.in_process import ask_asgi, ask_wsgi

HOST = {"host": "testserver"}


# Middleware of each kind


class SyncOnly:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


class AsyncOnly:
    sync_capable = False
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        return await self.get_response(request)


@sync_and_async_middleware
def both(get_response: Any) -> Any:
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            return await get_response(request)

        return respond_async

    def respond(request: HttpRequest) -> Any:
        return get_response(request)

    return respond


@sync_only_middleware
def sync_only(get_response: Any) -> Any:
    def respond(request: HttpRequest) -> Any:
        return get_response(request)

    return respond


class Mixin(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        pass

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        return response


class HalfMixin(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: Any) -> Any:
        return response


class OwnWay(Mixin):
    async def __acall__(self, request: HttpRequest) -> Any:
        return await self.get_response(request)


class CallsSuper(Mixin):
    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request)


class AcallsSuper(CallsSuper):
    async def __acall__(self, request: HttpRequest) -> Any:
        return await super().__acall__(request)


class SyncHooks(MiddlewareMixin):
    def process_view(self, request: HttpRequest, *view: Any) -> None:
        pass

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        pass

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        return response


class AsyncHooks(MiddlewareMixin):
    async def process_view(self, request: HttpRequest, *view: Any) -> None:
        pass

    async def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        return response


class NotUsed:
    def __init__(self, get_response: Any) -> None:
        raise MiddlewareNotUsed


KINDS = [
    f"{__name__}.{kind.__name__}"
    for kind in (
        *(SyncOnly, AsyncOnly, both, sync_only, Mixin, HalfMixin, OwnWay),
        *(SyncHooks, AsyncHooks, CallsSuper, AcallsSuper, NotUsed),
    )
]


# The site


def sync_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def async_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def template(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, engines["django"].from_string("rendered"))


async def failing(request: HttpRequest) -> HttpResponse:
    raise ValueError


urlpatterns = [
    path("sync/", sync_view),
    path("async/", async_view),
    path("template/", template),
    path("failing/", failing),
]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[Switch]:
    """Counts the switches that are made."""
    counts: Counter[Switch] = Counter()
    to_thread, to_loop = SyncToAsync.__call__, AsyncToSync.__call__

    async def counted_to_thread(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._thread_sensitive:
            counts[Switch.TO_THREAD] += 1
        return await to_thread(self, *args, **kwargs)

    def counted_to_loop(self: Any, *args: Any, **kwargs: Any) -> Any:
        # One that was closed long ago may still be there.
        loop = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
        has_loop = loop is not None and loop.is_running()
        counts[Switch.TO_LOOP if has_loop else Switch.NEW_LOOP] += 1
        return to_loop(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counted_to_thread)
    monkeypatch.setattr(AsyncToSync, "__call__", counted_to_loop)
    return counts


@pytest.fixture(params=["Django's ASGI", "our ASGI", "WSGI"])
def handler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def foretold(handler: str, *, view_is_async: bool) -> list[Step]:
    sender: Any = WSGIHandler if handler == "WSGI" else DjangosHandler
    setting = Setting(receivers.of_sender(sender), view_is_async, ours=handler == "our ASGI")
    return steps(load(is_async=handler != "WSGI"), setting)


def ask(handler: str, path: str) -> int:
    if handler == "WSGI":
        return copy_context().run(ask_wsgi, WSGIHandler(), path, "GET", HOST).status
    made = ASGIHandler() if handler == "our ASGI" else DjangosHandler()
    return asyncio.run(ask_asgi(made, path, "GET", HOST)).status


def compare(made: Counter[Switch], handler: str, stack: tuple[str, ...]) -> None:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=list(stack)):
        for kind in ("sync", "async"):
            promised = Counter(
                way for way, _ in switches_of(foretold(handler, view_is_async=kind == "async"))
            )
            made.clear()
            assert ask(handler, f"/{kind}/") == 200
            assert made == promised, (stack, kind)


def stacks() -> Iterator[tuple[str, ...]]:
    for length in (0, 1, 2):
        yield from itertools.product(KINDS, repeat=length)
    chosen = random.Random(5)
    for _ in range(60):
        yield tuple(chosen.choices(KINDS, k=chosen.randint(3, 6)))


def test_each_switch_that_is_foretold_is_made_and_no_other(
    made: Counter[Switch], handler: str
) -> None:
    for stack in stacks():
        compare(made, handler, stack)


@pytest.mark.parametrize("kinds", [("sync",), ("async",), ("sync", "async")])
@pytest.mark.parametrize("signals", [("started",), ("finished",), ("started", "finished")])
def test_receivers_switch_as_foretold(
    made: Counter[Switch], handler: str, kinds: tuple[str, ...], signals: tuple[str, ...]
) -> None:
    def receiver(**kwargs: Any) -> None:
        pass

    async def receiver_async(**kwargs: Any) -> None:
        pass

    named = {"started": request_started, "finished": request_finished}
    by_kind = {"sync": receiver, "async": receiver_async}
    connected = [(named[signal], by_kind[kind]) for signal in signals for kind in kinds]
    for signal, listener in connected:
        signal.connect(listener)
    try:
        for stack in ((), (KINDS[0],), (KINDS[1],), (KINDS[4],)):
            compare(made, handler, stack)
    finally:
        for signal, listener in connected:
            signal.disconnect(listener)


@pytest.mark.parametrize(
    ("page", "when"), [("template", When.TEMPLATE), ("failing", When.EXCEPTION)]
)
def test_what_only_some_requests_pass_is_foretold_as_well(
    made: Counter[Switch], page: str, when: When, handler: str
) -> None:
    for stack in ([], [KINDS[7]], [KINDS[8]], [KINDS[7], KINDS[8]]):
        with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=stack):
            passed = foretold(handler, view_is_async=True)
            made.clear()
            ask(handler, f"/{page}/")
            promised = Counter(
                way
                for step in passed
                if step.when in {When.ALWAYS, when}
                for way, _ in step.switches
            )
            if handler == "our ASGI" and promised[Switch.TO_THREAD]:
                # The closing of the response, which is in the thread as soon as there is one.
                already = any(step.what.startswith("request_finished") for step in passed)
                promised[Switch.TO_THREAD] += not already
            assert made == promised, (stack, passed)


# In which thread


def places(stack: list[str], *, is_async: bool = True) -> dict[str, Place]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.{n}" for n in stack]):
        passed = foretold("Django's ASGI" if is_async else "WSGI", view_is_async=is_async)
    return {step.what.replace(f"{__name__}.", ""): step.place for step in passed}


def test_a_sync_middleware_takes_those_above_it_along_to_the_thread() -> None:
    found = places(["both", "Mixin", "SyncOnly", "both"])
    assert found["Mixin"] is found["SyncOnly"] is Place.THREAD
    assert found["process_request of Mixin"] is Place.THREAD
    # The lower one is the later of two alike.
    assert found["both"] is Place.LOOP
    assert found["the view (async)"] is Place.LOOP
    assert places(["both", "SyncOnly"])["both"] is Place.THREAD


def test_it_is_blamed_for_them() -> None:
    stack = [f"{__name__}.{name}" for name in ("both", "Mixin", "SyncOnly", "both")]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=stack):
        found = switches_of(foretold("our ASGI", view_is_async=True))
    blamed = [(cause.kind, cause.name.rpartition(".")[2]) for _, cause in found]
    assert blamed == [*[("sync-only", "SyncOnly")] * 2, ("closing", "the thread")]


def test_an_async_middleware_under_wsgi_has_an_event_loop_of_its_own() -> None:
    found = places(["both", "AsyncOnly"], is_async=False)
    assert found["AsyncOnly"] is found["both"] is Place.OWN_LOOP


def test_what_takes_itself_out_is_told() -> None:
    with override_settings(MIDDLEWARE=[KINDS[0], f"{__name__}.NotUsed", KINDS[2]]):
        chain = load(is_async=True)
    assert [layer.path for layer in chain.layers] == [KINDS[0], KINDS[2]]
    assert chain.unused == (f"{__name__}.NotUsed",)
    for stack in ([KINDS[0], KINDS[-1]], [KINDS[-1], KINDS[0]], [KINDS[-1]], [KINDS[-1]] * 2):
        with override_settings(MIDDLEWARE=stack):
            assert load(is_async=True).unused == tuple(p for p in stack if p == KINDS[-1])
