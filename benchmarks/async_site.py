"""What `async_stack` compares: `benchmarks.async_site:application`, by a variable.

The API of the example (`example/quotes`), behind one handler or the other, with a log or without;
and beside them an ASGI application that is no more than it has to be.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from typing import Any
from urllib.parse import parse_qs

SUBJECT_VARIABLE = "HOLDFAST_BENCHMARK_SUBJECT"

RAW = "raw ASGI application"
BARE = "bare Django"
USUAL = "Django, the usual log"
OURS_ON_DJANGOS = "Django, holdfast's log"
HANDLER = "holdfast's handler"
OURS = "holdfast's handler and log"

SUBJECTS = (RAW, BARE, USUAL, OURS_ON_DJANGOS, HANDLER, OURS)


async def raw(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers as the API does."""
    body = b"now"
    if scope["path"] == "/quote/":
        seconds = float(parse_qs(scope["query_string"].decode())["seconds"][0])
        await asyncio.sleep(seconds)
        body = json.dumps({"price": 7, "seconds": seconds}).encode()
    elif scope["path"] == "/threads/":
        body = json.dumps({"threads": threading.active_count()}).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def made(subject: str) -> Any:
    """The application that *subject* names. Configures Django, so once in a process."""
    if subject == RAW:
        return raw
    settings = "before.quotes_settings" if subject == USUAL else "quotes.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    from django.conf import settings as django_settings

    if subject in {BARE, HANDLER}:
        django_settings.MIDDLEWARE = []
    if subject in {BARE, USUAL, OURS_ON_DJANGOS}:
        from django.core.asgi import get_asgi_application
    else:
        from holdfast.django.asgi import get_asgi_application
    application: Any = get_asgi_application()
    if subject in {OURS, OURS_ON_DJANGOS}:
        import holdfast.asgi

        return holdfast.asgi.RequestLog(application)
    return application


if SUBJECT_VARIABLE in os.environ:
    application = made(os.environ[SUBJECT_VARIABLE])
