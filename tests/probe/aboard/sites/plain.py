"""Applications without a framework."""

import asyncio
import threading
import time

from asgiref.sync import sync_to_async


def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/sleep":
        time.sleep(0.1)
    if environ["PATH_INFO"] == "/stream":
        return _chunks()
    return [b"hello"]


def _chunks():
    for _ in range(3):
        time.sleep(0.05)
        yield b"chunk "


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    if scope["path"] == "/sleep":
        await asyncio.sleep(0.1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/stream":
        for _ in range(3):
            await asyncio.sleep(0.05)
            await send({"type": "http.response.body", "body": b"chunk ", "more_body": True})
    await send({"type": "http.response.body", "body": b"hello"})


def _slow():
    time.sleep(0.3)


async def sensitive(scope, receive, send):
    if scope["type"] != "http":
        return
    await sync_to_async(_slow)()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def strict(scope, receive, send):
    """Servers' own functions are for the thread of their loop."""
    here = threading.get_ident()

    async def checked(message):
        if threading.get_ident() != here and message["type"] == "http.response.body":
            message = {**message, "body": b"sent from another thread"}
        await send(message)

    await asgi(scope, receive, checked)
