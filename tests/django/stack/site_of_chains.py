"""One process that serves several middleware chains, and tells where all that they call has run.

Which chain is meant stands in the header `X-Chain`; `HANDLER` says whose handler runs it.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

CHAINS = {
    "async all through": "both both",
    "a sync one above the others": "SyncOnly both Mixin",
    "a sync one below the others": "both Mixin SyncOnly",
    "hooks alone": "Mixin both Mixin",
    "calls the hooks by super": "CallsSuper both",
}

#: (path, what, thread, whether it runs in an event loop)
notes: list[tuple[str, str, int, bool]] = []
#: The paths of requests for which a thread was asked for.
with_threads: set[str] = set()
asked_for: ContextVar[str] = ContextVar("asked_for", default="-")


def note(what: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        in_loop = False
    else:
        in_loop = True
    notes.append((asked_for.get(), what, threading.get_ident(), in_loop))


class SyncOnly:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        note("__call__ SyncOnly")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        note("process_view SyncOnly")


@sync_and_async_middleware
def both(get_response: Any) -> Any:
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> Any:
            note("__call__ both")
            return await get_response(request)

        return respond_async

    def respond(request: HttpRequest) -> Any:
        note("__call__ both")
        return get_response(request)

    return respond


class Mixin(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        note("process_request Mixin")

    async def process_view(self, request: HttpRequest, *view: Any) -> None:
        note("process_view Mixin")

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        note("process_response Mixin")
        return response


class CallsSuper(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        note("__call__ CallsSuper")
        return super().__call__(request)

    def process_request(self, request: HttpRequest) -> None:
        note("process_request CallsSuper")


async def seen_async(request: HttpRequest) -> HttpResponse:
    note("the view")
    return HttpResponse()


def seen_sync(request: HttpRequest) -> HttpResponse:
    note("the view")
    return HttpResponse()


async def noted(request: HttpRequest) -> JsonResponse:
    found = {
        "notes": [one for one in notes if one[0] != "/noted/"],
        "with_threads": sorted(with_threads),
        "main": threading.main_thread().ident,
    }
    notes.clear()
    with_threads.clear()
    return JsonResponse(found)


urlpatterns = [
    path("async/", seen_async),
    path("sync/", seen_sync),
    path("noted/", noted),
    path("health/", noted),
]

settings.configure(
    SECRET_KEY="of no worth",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    INSTALLED_APPS=["holdfast.django"],
)


def choose(chain: str) -> None:
    """Have what is made next be of this chain."""
    settings.MIDDLEWARE = [f"{__name__}.{name}" for name in CHAINS[chain].split()]


def _made() -> Any:
    if os.environ["HANDLER"] == "Holdfast's":
        from holdfast.django.asgi import get_asgi_application as ours

        return ours()
    if os.environ["HANDLER"] == "WSGI":
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


applications: dict[str, Any] = {}
for each in CHAINS:
    choose(each)
    applications[each] = _made()

_submit = ThreadPoolExecutor.submit


def _noted_submit(pool: ThreadPoolExecutor, *args: Any, **kwargs: Any) -> Any:
    if pool._max_workers == 1:  # such as a request has
        with_threads.add(asked_for.get())
    return _submit(pool, *args, **kwargs)


ThreadPoolExecutor.submit = _noted_submit  # type: ignore[method-assign]


async def application(scope: Any, receive: Any, send: Any) -> None:
    asked_for.set(scope["path"])
    chain = dict(scope["headers"]).get(b"x-chain", next(iter(CHAINS)).encode()).decode()
    await applications[chain](scope, receive, send)


def wsgi_application(environ: Any, start_response: Any) -> Any:
    asked_for.set(environ["PATH_INFO"])
    chain = environ.get("HTTP_X_CHAIN", next(iter(CHAINS)))
    return applications[chain](environ, start_response)
