"""Requests to plain applications in this process, and the events that they leave."""

import io
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults

import holdfast
from holdfast.wsgi import RequestLog


class Events(list[dict[str, Any]]):
    """Takes events, as the setting OUTPUT allows for a function."""

    def __call__(self, event: dict[str, Any]) -> None:
        self.append(event)

    __hash__ = object.__hash__  # type: ignore[assignment]

    def one(self) -> dict[str, Any]:
        """The only event there is by now."""
        holdfast.log.flush()
        [event] = self
        return event


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def reads_all(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    while environ["wsgi.input"].read(65536):
        pass
    return hello(environ, start_response)


class Answer:
    def __init__(self) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.body = b""

    def start_response(self, status: str, headers: Any, *_: object) -> Callable[[bytes], object]:
        self.status, self.headers = status, dict(headers)
        return lambda data: None


def ask(application: Any, body: bytes = b"", **environ: Any) -> Answer:
    """One request, read to its end and closed."""
    environ.setdefault("REMOTE_ADDR", "127.0.0.1")
    environ.setdefault("QUERY_STRING", "")
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.setdefault("wsgi.input", io.BytesIO(body))
    setup_testing_defaults(environ)
    answer = Answer()
    produced: Any = application(environ, answer.start_response)
    try:
        answer.body = b"".join(produced)
    finally:
        if hasattr(produced, "close"):
            produced.close()
    return answer


def event_of(application: Any = hello, body: bytes = b"", /, **environ: Any) -> dict[str, Any]:
    """The event of one request; arguments in small letters are settings of the log."""
    settings = {name: environ.pop(name) for name in list(environ) if name.islower()}
    settings = {name: value for name, value in settings.items() if "." not in name}
    events = Events()
    ask(RequestLog(application, output=events, **settings), body, **environ)
    return events.one()
