"""What some put around Django, and applications beside it."""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.wsgi import WsgiToAsgi

from shop.asgi import application as django_application
from shop.wsgi import application as wsgi_application

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SECONDS = 0.2

#: Django's WSGI application, for an ASGI server.
wrapped = WsgiToAsgi(wsgi_application)


def is_banned(address: str) -> bool:
    """Looks into a database."""
    time.sleep(SECONDS)
    return False


class Bans:
    """A plain ASGI middleware: outside of Django, where all share one thread."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not await sync_to_async(is_banned)(scope["client"][0]):
            await self.app(scope, receive, send)


guarded = Bans(django_application)


def _load(path: str) -> bytes:
    time.sleep(SECONDS)
    return path.encode()


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    """No framework."""
    if scope["type"] != "http":
        return
    body = await sync_to_async(_load)(scope["path"])
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
