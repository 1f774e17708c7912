"""The views await, and nothing else: no thread is needed for any of this."""

import asyncio
import contextlib
import threading

from django.http import HttpRequest, HttpResponse, JsonResponse

LONGEST_SECONDS = 10.0


async def quote(request: HttpRequest) -> JsonResponse:
    """Asks the partner. `?seconds=0.5` has them answer sooner."""
    seconds = 1.0
    with contextlib.suppress(ValueError):
        seconds = float(request.GET.get("seconds", seconds))
    await asyncio.sleep(min(max(seconds, 0.0), LONGEST_SECONDS))
    return JsonResponse({"price": 7, "seconds": seconds})


async def now(request: HttpRequest) -> HttpResponse:
    """Awaits nothing."""
    return HttpResponse("now")


async def threads(request: HttpRequest) -> JsonResponse:
    """How many threads this worker has."""
    return JsonResponse({"threads": threading.active_count()})
