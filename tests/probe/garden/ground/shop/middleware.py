"""Middleware of the shop's own."""

import threading
import time
from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

SECONDS = 0.2
RATE_SECONDS = 0.2

_statistics_lock = threading.RLock()


class Statistics:
    """Writes to a file that all share, so there is a lock. It is held too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with _statistics_lock:
            return self.get_response(request)


class Quota:
    """Asks a service whether this customer may, and nobody else may ask meanwhile."""

    asking = threading.Lock()

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with self.asking:
            time.sleep(SECONDS)
        return self.get_response(request)


class Prices:
    """Async, but the client that it uses is not."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        request.rate = self._rate()
        return await self.get_response(request)

    def _rate(self) -> float:
        time.sleep(RATE_SECONDS)
        return 1.1


class ApiLogger:
    """The well-known one: sync, under an ASGI server. Today's Django gives it a thread for each."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.monotonic()
        response = self.get_response(request)
        response["X-Seconds"] = f"{time.monotonic() - begun:.3f}"
        return response


class Stamp(MiddlewareMixin):
    """Both kinds, as Django's own."""

    def process_request(self, request: HttpRequest) -> None:
        request.begun = time.monotonic()

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response["X-Seconds"] = f"{time.monotonic() - request.begun:.3f}"
        return response
