"""Django's real handlers, driven in this process as WSGI and ASGI servers drive them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import copy_context
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import FileWrapper

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

import holdfast
from holdfast.django.asgi import ASGIHandler as OurHandler

Message = MutableMapping[str, Any]


@dataclass
class Answer:
    """What a client has received."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode()


@dataclass
class Server:
    """Asks Django for a page, as one kind of server does it: "wsgi", "asgi" or "our asgi".

    Made and used while the settings that it is to see are in force.
    """

    kind: str
    wrapped: bool

    def get(self, path: str, **cookies: str) -> Answer:
        """Ask for *path* in a fresh context, as a server's worker would."""
        return self._ask("GET", path, b"", cookies)

    def post(self, path: str, data: dict[str, str] | None = None, **cookies: str) -> Answer:
        return self._ask("POST", path, urlencode(data or {}).encode(), cookies)

    def head(self, path: str) -> Answer:
        return self._ask("HEAD", path, b"", {})

    def _ask(self, method: str, path: str, body: bytes, cookies: dict[str, str]) -> Answer:
        headers = {"host": "testserver"}
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if body:
            headers["content-type"] = "application/x-www-form-urlencoded"
            headers["content-length"] = str(len(body))
        if self.kind == "wsgi":
            return copy_context().run(ask_wsgi, wsgi_app(self.wrapped), path, method, headers, body)
        app = asgi_app(self.wrapped, OurHandler if self.kind == "our asgi" else ASGIHandler)
        return copy_context().run(asyncio.run, ask_asgi(app, path, method, headers, body))


def wsgi_app(wrapped: bool) -> Any:  # noqa: FBT001
    handler: Any = WSGIHandler()
    return holdfast.wsgi.RequestScope(handler) if wrapped else handler


def asgi_app(wrapped: bool, make: type[ASGIHandler] = ASGIHandler) -> Any:  # noqa: FBT001
    handler: Any = make()
    return holdfast.asgi.RequestScope(handler) if wrapped else handler


def environ_of(path: str, method: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.file_wrapper": FileWrapper,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
    return environ


def ask_wsgi(  # noqa: PLR0913 - a request has as many parts
    app: Callable[..., Iterable[bytes]],
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    leave_after: int | None = None,
) -> Answer:
    """One request; the client leaves after so many chunks, if it is told to."""
    answer = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        answer.status = int(status.partition(" ")[0])
        answer.headers = {name.lower(): value for name, value in headers}

    produced: Any = app(environ_of(path, method, headers or {}, body), start_response)
    try:
        for chunk in produced:
            answer.chunks.append(chunk)
            if len(answer.chunks) == leave_after:
                break
    finally:
        produced.close()
    return answer


async def ask_asgi(  # noqa: PLR0913 - as above
    app: Callable[..., Any],
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    leave_after: int | None = None,
    leave: asyncio.Event | None = None,
    sent: Callable[[Message], Awaitable[None]] | None = None,
) -> Answer:
    """One request; the client leaves after so many chunks, or when *leave* is set.

    *sent* is awaited with each message.
    """
    answer = Answer()
    left = leave or asyncio.Event()
    asked = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if asked:
            return asked.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }
        elif message.get("body"):
            answer.chunks.append(message["body"])
            if len(answer.chunks) == leave_after:
                left.set()
        await (asyncio.sleep(0) if sent is None else sent(message))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path.partition("?")[0],
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }
    await app(scope, receive, send)
    return answer
