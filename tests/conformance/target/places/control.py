"""What the client needs to know and to say: gates, collections, the report."""

import gc
import os
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse

from target import gates, subject


def is_waiting(request: HttpRequest, marker: str, held: str) -> HttpResponse:
    return HttpResponse("yes" if held in gates.reached else "no")


def let_go(request: HttpRequest, marker: str, held: str) -> HttpResponse:
    gates.opened.add(held)
    return HttpResponse("ok")


def collect(request: HttpRequest, marker: str) -> HttpResponse:
    """The garbage collector runs in the middle of a request that has nothing to do with it."""
    gc.collect()
    return HttpResponse(subject.read() or "")


def report(request: HttpRequest, marker: str) -> JsonResponse:
    """How many scopes and request objects this process still holds, this request not counted."""
    # uWSGI has the interpreter print what a view raised, which keeps it, for debuggers, until the
    # next one: the frames, and with them the request.
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    gc.collect()
    scopes = 0
    if subject.HOLDFAST:
        import holdfast

        scopes = holdfast.live_scopes() - 1
    requests = sum(issubclass(type(thing), HttpRequest) for thing in gc.get_objects()) - 1
    return JsonResponse({"pid": os.getpid(), "scopes": scopes, "requests": requests})
