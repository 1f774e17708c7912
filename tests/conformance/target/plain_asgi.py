"""An ASGI application without a framework: only our wrapper around it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import holdfast.asgi
from target import gates, subject
from target.access_log import watch_access_log
from target.bodies import aproduce
from target.record import record
from target.scope_end import watch_scope


async def async_view(marker: str, request: "Request") -> bytes:
    for part in ("first", "second", "third"):
        await gates.apause(marker)
        record("async_view", part, marker, subject.read())
    return (subject.read() or "").encode()


async def async_stream(marker: str, request: "Request") -> AsyncIterator[bytes]:
    return aproduce("async_stream", marker)


async def async_stream_error(marker: str, request: "Request") -> AsyncIterator[bytes]:
    return aproduce("async_stream_error", marker, fails=True)


async def error(marker: str, request: "Request") -> bytes:
    await gates.apause(marker)
    record("error", "view", marker, subject.read())
    raise RuntimeError(marker)


async def to_thread(marker: str, request: "Request") -> bytes:
    await asyncio.to_thread(_look, "to_thread", "thread", marker)
    return b"ok"


async def run_in_executor(marker: str, request: "Request") -> bytes:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, subject.carry(_look), "run_in_executor", "thread", marker)
    return b"ok"


async def create_task(marker: str, request: "Request") -> bytes:
    async def look() -> None:
        await gates.apause(marker)
        record("create_task", "task", marker, subject.read())

    await asyncio.create_task(look())
    return b"ok"


async def post(marker: str, request: "Request") -> bytes:
    size, more = 0, True
    while more:
        message = await request.receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    record("post", "view", marker, subject.read())
    return str(size).encode()


async def pipelined(marker: str, request: "Request") -> bytes:
    await gates.apause(marker)
    record("pipelined", "view", marker, subject.read())
    return (subject.read() or "").encode()


async def is_waiting(marker: str, request: "Request") -> bytes:
    return b"yes" if request.third in gates.reached else b"no"


async def let_go(marker: str, request: "Request") -> bytes:
    gates.opened.add(request.third)
    return b"ok"


async def collect(marker: str, request: "Request") -> bytes:
    return b"ok"


async def report(marker: str, request: "Request") -> bytes:
    scopes = holdfast.live_scopes() - 1
    return json.dumps({"pid": os.getpid(), "scopes": scopes, "requests": 0}).encode()


def _look(place: str, part: str, marker: str) -> None:
    gates.pause(marker)
    record(place, part, marker, subject.read())


class Request:
    """The path's words, and what may be received."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self.name, self.marker, self.third = (*scope["path"].split("/")[2:5], "")[:3]
        self.receive = receive


PLACES: dict[str, Any] = {
    view.__name__: view
    for view in (
        *(async_view, async_stream, async_stream_error, error, to_thread, run_in_executor),
        *(create_task, post, pipelined, is_waiting, let_go, collect, report),
    )
}


async def _application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    request = Request(scope, receive)
    record("leftover", "start", request.marker, subject.read())
    subject.put("marker", request.marker)
    watch_scope(request.marker)
    body = await PLACES[request.name](request.marker, request)
    headers = [(b"content-type", b"text/plain")]
    if isinstance(body, bytes):
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
        return
    async for chunk in body:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


watch_access_log()
application = holdfast.asgi.RequestScope(_application)
