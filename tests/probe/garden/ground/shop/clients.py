"""Clients that know nothing of greenlets."""

import ctypes

from django.http import HttpRequest, HttpResponse

MICROSECONDS = 200_000

_library = ctypes.CDLL(None)


def driver(request: HttpRequest) -> HttpResponse:
    """A driver in C waits for its server."""
    _library.usleep(MICROSECONDS)
    return HttpResponse("answered")


def unpatched(request: HttpRequest) -> HttpResponse:
    """Whoever took hold of the function before the patch has the one that blocks."""
    from eventlet.patcher import original

    original("time").sleep(MICROSECONDS / 1e6)
    return HttpResponse("answered")
