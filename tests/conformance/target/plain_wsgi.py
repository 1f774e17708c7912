"""A WSGI application without a framework: only our wrapper around it."""

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import holdfast.wsgi
from target import gates, subject
from target.access_log import watch_access_log
from target.bodies import produce
from target.record import record
from target.scope_end import watch_scope


def sync_view(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    for part in ("first", "second", "third"):
        gates.pause(marker)
        record("sync_view", part, marker, subject.read())
    return [(subject.read() or "").encode()]


def stream(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    return produce("stream", marker)


def stream_error(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    return produce("stream_error", marker, fails=True)


def stream_left(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    return produce("stream_left", marker, chunks=60)


def error(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    gates.pause(marker)
    record("error", "view", marker, subject.read())
    raise RuntimeError(marker)


def thread(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    def look() -> None:
        gates.pause(marker)
        record("thread", "child", marker, subject.read())

    child = threading.Thread(target=subject.carry(look))
    child.start()
    child.join()
    return [b"ok"]


def post(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    record("post", "view", marker, subject.read())
    return [str(len(body)).encode()]


def pipelined(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    gates.pause(marker)
    record("pipelined", "view", marker, subject.read())
    return [(subject.read() or "").encode()]


def is_waiting(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    return [b"yes" if _third(environ) in gates.reached else b"no"]


def let_go(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    gates.opened.add(_third(environ))
    return [b"ok"]


def collect(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    return [b"ok"]


def report(marker: str, environ: dict[str, Any]) -> Iterable[bytes]:
    scopes = holdfast.live_scopes() - 1
    return [json.dumps({"pid": os.getpid(), "scopes": scopes, "requests": 0}).encode()]


def _third(environ: dict[str, Any]) -> str:
    return str(environ["PATH_INFO"].split("/")[4])


PLACES = {
    view.__name__: view
    for view in (
        *(sync_view, stream, stream_error, stream_left, error, thread, post, pipelined),
        *(is_waiting, let_go, collect, report),
    )
}


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    name, marker = environ["PATH_INFO"].split("/")[2:4]
    record("leftover", "start", marker, subject.read())
    subject.put("marker", marker)
    watch_scope(marker)
    body = PLACES[name](marker, environ)
    headers = [("Content-Type", "text/plain")]
    if isinstance(body, list):
        headers.append(("Content-Length", str(len(body[0]))))
    start_response("200 OK", headers)
    return body


watch_access_log()
application = holdfast.wsgi.RequestScope(_application)
