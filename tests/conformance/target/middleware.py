"""Two middlewares around ours: one marks the request, both look at what they can see."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.decorators import sync_and_async_middleware, sync_only_middleware

from target import subject
from target.bodies import slowly
from target.closing import watch_closing
from target.record import marker_in, record
from target.scope_end import watch_scope


# A request inside a request comes from the test client, which knows nothing of our WSGI and ASGI
# wrappers: above our middleware it has no scope yet, and what is read there is the outer one's.
def _is_inner(own: str) -> bool:
    return own.endswith(".inner")


def _enter_outside(request: HttpRequest) -> str:
    own = marker_in(request.path) or "?"
    if _is_inner(own):
        return own
    record("leftover", "start", own, subject.read())
    if subject.ABOVE_OURS:
        subject.put("early", own)
    return own


def _leave_outside(own: str) -> None:
    if _is_inner(own):
        return
    record("outside", "out", own, subject.read())
    subject.clear()


def _enter_inside(request: HttpRequest) -> str:
    own = marker_in(request.path) or "?"
    if subject.ABOVE_OURS and not _is_inner(own):
        record("outside", "in", own, subject.read("early"))
    subject.put("marker", own)
    record("inside", "in", own, subject.read())
    watch_scope(own)
    return own


def _mark_response(response: HttpResponseBase, own: str) -> None:
    watch_closing(response, own)
    if isinstance(response, HttpResponse):
        # Without it, some servers would close each connection, and none would be kept.
        response.headers["Content-Length"] = str(len(response.content))


def _leave_inside(own: str) -> None:
    record("inside", "out", own, subject.read())


@sync_and_async_middleware
def outside(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Above ours: sees the state of the wrapper on the way in, and everything on the way out."""
    if iscoroutinefunction(get_response):

        async def around_async(request: HttpRequest) -> HttpResponseBase:
            own = _enter_outside(request)
            try:
                response: HttpResponseBase = await get_response(request)
                if isinstance(response, StreamingHttpResponse) and "stream_left" in request.path:
                    if response.is_async:
                        response.streaming_content = slowly(response.streaming_content)
                return response
            finally:
                _leave_outside(own)

        return around_async

    def around(request: HttpRequest) -> HttpResponseBase:
        own = _enter_outside(request)
        try:
            response: HttpResponseBase = get_response(request)
            return response
        finally:
            _leave_outside(own)

    return around


@sync_and_async_middleware
def inside(
    get_response: Callable[[HttpRequest], Any],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    """Below ours: sets the marker that every place should read."""
    if iscoroutinefunction(get_response):

        async def around_async(request: HttpRequest) -> HttpResponseBase:
            own = _enter_inside(request)
            try:
                response: HttpResponseBase = await get_response(request)
                _mark_response(response, own)
                return response
            finally:
                _leave_inside(own)

        return around_async

    def around(request: HttpRequest) -> HttpResponseBase:
        own = _enter_inside(request)
        try:
            response: HttpResponseBase = get_response(request)
            _mark_response(response, own)
            return response
        finally:
            _leave_inside(own)

    return around


@sync_only_middleware
def only_sync(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware as most are: under ASGI, Django changes threads for it, twice a request."""

    def around(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    return around
