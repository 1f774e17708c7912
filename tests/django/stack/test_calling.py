"""Middleware that isn't what it says: those that are doubted fail, and the others don't."""

import asyncio
import functools
import gc
import logging
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from holdfast.django.stack.chain import load
from tests.django.in_process import ask_asgi, ask_wsgi


class Middleware:
    """What all have in common."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)


def noted(response: Any) -> Any:
    response["X-Noted"] = "yes"
    return response


# They don't work under ASGI


class InheritsAbility(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return noted(self.get_response(request))


class NeverUsesAcall(Middleware):
    async_capable = True

    def __call__(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        return noted(response)

    async def __acall__(self, request: HttpRequest) -> Any:
        return noted(await self.get_response(request))


class InheritsThat(NeverUsesAcall):
    pass


class Unmarked(Middleware):
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    async def __call__(self, request: HttpRequest) -> Any:
        return noted(await self.get_response(request))


class ForgetsSuper(MiddlewareMixin):
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response


@sync_and_async_middleware
def only_sync(get_response: Any) -> Any:
    def respond(request: HttpRequest) -> Any:
        response = get_response(request)
        return noted(response)

    return respond


class Coroutine(Middleware):
    """Is async, and doesn't say so."""

    async def __call__(self, request: HttpRequest) -> Any:
        return noted(await self.get_response(request))


# They work


def logged(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapped(self: Any, request: HttpRequest) -> Any:
        return call(self, request)

    return wrapped


class PassesOn(Middleware):
    async_capable = True

    def __call__(self, request: HttpRequest) -> Any:
        request.seen = True  # type: ignore[attr-defined]
        return self.get_response(request)


class Hybrid(Middleware):
    async_capable = True

    @logged
    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self.later(request)
        return noted(self.get_response(request))

    async def later(self, request: HttpRequest) -> Any:
        return noted(await self.get_response(request))


class InheritsHybrid(Hybrid):
    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request)


class UsesAcall(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        if self.async_mode:
            return self.__acall__(request)
        return noted(self.get_response(request))

    async def __acall__(self, request: HttpRequest) -> Any:
        return noted(await self.get_response(request))


class SyncOnly(Middleware):
    def __call__(self, request: HttpRequest) -> Any:
        return noted(self.get_response(request))


@sync_and_async_middleware
def of_both_kinds(get_response: Any) -> Any:
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            return noted(await get_response(request))

        return respond_async

    def respond(request: HttpRequest) -> Any:
        return noted(get_response(request))

    return respond


async def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("", view)]

FAIL_UNDER_ASGI = [InheritsAbility, NeverUsesAcall, InheritsThat, only_sync]
FAIL = [Unmarked, ForgetsSuper, Coroutine]
WORK = [PassesOn, Hybrid, InheritsHybrid, UsesAcall, SyncOnly, of_both_kinds]


def answers(interface: str) -> bool:
    """Whether a request, with one of Django's middleware in front, is answered."""
    # What is logged holds the traceback, and with it the coroutine that nobody awaited: it is to go
    # within this test, where that is expected.
    logging.disable(logging.CRITICAL)
    try:
        return _answers(interface)
    finally:
        logging.disable(logging.NOTSET)
        gc.collect()


def _answers(interface: str) -> bool:
    headers = {"host": "testserver"}
    try:
        if interface == "asgi":
            status = asyncio.run(ask_asgi(ASGIHandler(), "/", "GET", headers)).status
        else:
            status = copy_context().run(ask_wsgi, WSGIHandler(), "/", "GET", headers).status
    except Exception:
        return False
    return bool(status == 200)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize("middleware", [*FAIL_UNDER_ASGI, *FAIL, *WORK], ids=lambda m: m.__name__)
def test_those_that_fail_are_doubted_and_no_others(middleware: Any, interface: str) -> None:
    stack = [
        "django.middleware.security.SecurityMiddleware",
        f"{__name__}.{middleware.__name__}",
    ]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=stack):
        doubts = [bool(layer.doubt) for layer in load(is_async=interface == "asgi").layers]
        works = answers(interface)
    fails = middleware in FAIL or (interface == "asgi" and middleware in FAIL_UNDER_ASGI)
    assert works is not fails
    assert doubts == [False, fails]


def test_a_method_that_is_never_used_is_told_also_where_nothing_fails() -> None:
    class Forgotten(SyncOnly):
        async def __acall__(self, request: HttpRequest) -> Any:
            return noted(await self.get_response(request))

    globals()["Forgotten"] = Forgotten
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.Forgotten"]):
        (layer,) = load(is_async=True).layers
        assert "__acall__ that is never used" in str(layer.doubt)
        assert answers("asgi")
