"""`holdfast.asgi.RequestLog`: one event for each request, once the application has returned."""

from __future__ import annotations

from collections.abc import Awaitable, Generator, MutableMapping
from time import perf_counter, time
from types import coroutine
from typing import Any

from .. import startup
from ..log.bodies import wanted
from ..log.ending import take_stop
from ..log.entry import (
    CANCELLED,
    CLIENT_GONE,
    COMPLETE,
    ERROR,
    LONGEST,
    Entry,
    cut,
    note_exception,
    note_state,
    outcome_of,
)
from ..log.recorder import Recorder, generation, recorder_for, settings_of
from ..log.upload import keep
from ..scope.scope import Scope, scope_var
from . import SCOPE_KEY, Application, ASGIScope, Receive, RequestScope, Send

Message = MutableMapping[str, Any]

#: Where the wrapper leaves the entry for middleware of the same request.
ENTRY_KEY = "holdfast.log"

_get = scope_var.get
_set = scope_var.set


class RequestLog(RequestScope):
    """Writes one event for each request and websocket of an ASGI application, at its true end.

        application = holdfast.asgi.RequestLog(application)

    It is a `RequestScope`, too, and takes the place of one; inside of one it uses the scope that is
    there. The event says how the request ended: complete, client_gone, cancelled, error or
    time_out. What is written, and where, is set by `HOLDFAST["LOG"]`, or by the same keys in lower
    case here: `RequestLog(application, format="json", proxies=1)`. Lifespan messages pass by.

    Adds some microseconds to a request, no task and no switch to a thread; a thread of its own
    writes, which starts with the first request.

    Args:
        application: the ASGI application (version 3).
        settings: as in `HOLDFAST["LOG"]`, with lower-case names; they go before those.

    Raises:
        ConfigurationError: a setting is unknown, or its value is.
    """

    def __init__(self, application: Application, **settings: Any) -> None:
        if type(application) is RequestScope:
            application = application.application
        super().__init__(application)
        settings_of(settings)
        take_stop()
        self._settings = settings
        self._recorder: Recorder | None = None
        self._generation = -1

    def _prepared(self) -> Recorder:
        self._generation = generation[0]
        self._recorder = recorder = recorder_for(self._settings)
        self._places = {name.encode(): place for place, name in enumerate(recorder.header_names, 1)}
        self._id_header = recorder.id_header.lower().encode()
        forwarded = recorder.settings.forwarded if recorder.proxies else ""
        self._forwarded_header = forwarded.encode()
        return recorder

    # The parameters have the specification's names: daphne passes them by name.
    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Serve one request, websocket or lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self.application(scope, receive, send)
            return
        if startup.is_first_request:
            startup.log_problems_once()
        recorder = self._recorder
        if recorder is None or self._generation != generation[0]:
            recorder = self._prepared()
        entry = self._entry_of(scope, recorder)

        outer = _get()
        opened, owns = _scope_of(scope, entry)
        # A copy, as the specification asks for: what is above us must not see the marks.
        opened.request = scope = {**scope, SCOPE_KEY: opened, ENTRY_KEY: entry}
        opened.log = entry
        if owns:
            _set(opened)
        exchange = _Exchange(entry, receive, send)
        outcome = COMPLETE
        try:
            await self.application(scope, exchange.receive, exchange.send)
            outcome = exchange.outcome()
        except BaseException as error:
            outcome = exchange.outcome_after(error)
            raise
        finally:
            try:
                try:
                    await _note_who(entry, opened, outcome)
                finally:
                    if owns:
                        await opened.aclose()
            finally:
                recorder.end(entry, outcome)
                if owns and _get() is opened:
                    _set(outer)

    def _entry_of(self, scope: ASGIScope, recorder: Recorder) -> Entry:
        entry = Entry()
        entry.time = time()
        entry.began = perf_counter()
        entry.method = (scope.get("method") or scope["type"].upper())[:_LONGEST_METHOD]
        path = scope.get("path", "")
        entry.path = path if len(path) <= LONGEST else cut(path)
        query = scope.get("query_string", b"")
        entry.query = cut(query.decode("utf-8", "replace")) if query else ""
        client = scope.get("client")
        entry.peer = str(client[0]) if client and client[0] else ""
        given_id = traceparent = None
        kind = encoding = ""
        places = self._places
        headers: list[str | None] = [None] * len(places)
        for name, value in scope.get("headers", ()):
            if name in places:
                headers[places[name] - 1] = cut(value.decode("latin-1"))
            if name == self._id_header:
                given_id = value.decode("latin-1")
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
            elif name == b"content-type":
                kind = cut(value.decode("latin-1"))
            elif name == b"content-encoding":
                encoding = value.decode("latin-1")[:100]
            if name == self._forwarded_header:
                # Several of them are one list, in their order.
                before = f"{entry.forwarded}," if entry.forwarded else ""
                entry.forwarded = f"{before}{value.decode('latin-1')}"[-2 * LONGEST :]
        if places:
            entry.headers = tuple(headers)
        recorder.begin(entry, given_id, traceparent)
        if recorder.body_size and wanted(kind, recorder.settings.body_types):
            entry.body, entry.content_type = bytearray(), kind
            entry.content_encoding = encoding
        return entry


_LONGEST_METHOD = 32


def _scope_of(scope: ASGIScope, entry: Entry) -> tuple[Scope, bool]:
    """The scope that a wrapper above opened for this very request, or one of our own."""
    found: Scope | None = scope.get(SCOPE_KEY)
    if found is not None and found.usable and found.request is scope:
        return found, False
    return Scope(None, (entry.method, " ", entry.path), may_await=True), True


async def _note_who(entry: Entry, opened: Scope, outcome: str) -> None:
    recorder = entry.recorder
    if recorder.names and opened.usable:
        note_state(entry, recorder.names, vars(opened.state))
    if recorder.identify is not None and entry.who is None and outcome != CANCELLED:
        await recorder.identify.soon(entry, opened.request)


@coroutine
def _waited(sending: Awaitable[None]) -> Generator[Any, Any, bool]:
    """Await *sending*; whether it was suspended."""
    # Those of `types.coroutine` are awaited as they are.
    begin = getattr(sending, "__await__", None)
    steps: Any = sending if begin is None else begin()
    step: Any = steps.__next__
    given: tuple[Any, ...] = ()
    waited = False
    while True:
        try:
            asked = step(*given)
        except StopIteration:
            return waited
        waited = True
        try:
            answer = yield asked
        except BaseException as error:  # noqa: BLE001 - it is its business
            step, given = steps.throw, (error,)
        else:
            step, given = (steps.__next__, ()) if answer is None else (steps.send, (answer,))


# An answer, and one that refuses a websocket.
_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
_BODIES = frozenset({"http.response.body", "websocket.http.response.body"})
_WITHOUT_BODY = (204, 304)


def _size_of(frame: Message) -> int:
    """How many bytes a websocket's *frame* has."""
    data = frame.get("bytes") or frame.get("text") or b""
    return len(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)


class _Exchange:
    """What a request's messages say about it."""

    __slots__ = ("_accepted", "_entry", "_gone", "_receive", "_send", "_whole")

    def __init__(self, entry: Entry, receive: Receive, send: Send) -> None:
        self._entry = entry
        self._receive = receive
        self._send = send
        self._whole = False  # whether the answer was sent to its end
        self._gone = False  # whether the server has said that the connection is closed
        self._accepted = False

    async def receive(self) -> Message:
        message = await self._receive()
        kind = message["type"]
        entry = self._entry
        if kind == "http.request":
            data = message.get("body", b"")
            if data:
                entry.bytes_in += len(data)
                keep(entry.body, data, entry.recorder.body_size)
        elif kind == "http.disconnect":
            self._gone = True
            if entry.status and (entry.method == "HEAD" or entry.status in _WITHOUT_BODY):
                self._whole = True  # with the headers it had all that it asked for
            if not self._whole:
                entry.left = True
        elif kind == "websocket.receive":
            entry.bytes_in += _size_of(message)
        elif kind == "websocket.disconnect":
            self._whole = True
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        entry = self._entry
        if kind in _BODIES:
            data = message.get("body", b"")
            more = message.get("more_body", False)
            now = perf_counter()
            if not entry.first_byte_at and (data or not more):
                entry.first_byte_at = now
            if data:
                keep(entry.response_body, data, entry.recorder.response_size)
            waited = await self._passed_on(message, last=not more)
            if not entry.left:
                entry.bytes_out += len(data)
            if not more:
                # Who has just written is often kept waiting by who reads it, or by other threads:
                # what the client has by then took no longer for that.
                entry.ended_at = perf_counter() if waited else now
            return
        if kind in _STARTS:
            message = self._started(message)
        elif kind == "http.response.pathsend":
            self._whole = True
            entry.first_byte_at = perf_counter()
        elif kind.startswith("websocket."):
            self._websocket(kind, message)
        await self._passed_on(message)

    async def _passed_on(self, message: Message, *, last: bool = False) -> bool:
        """Hand *message* to the server; whether that had to wait, as for a slow client."""
        before = self._whole
        if last and not self._entry.left:
            # Some servers close the connection while they take the last piece, and tell that as
            # they tell of a client that leaves: it has all by then, unless the taking fails.
            self._whole = True
        try:
            return await _waited(self._send(message))
        except BaseException as error:
            if last:
                self._whole = before
            # OSError: as the specification says, the client is gone.
            if isinstance(error, OSError) or (self._gone and not self._whole):
                self._entry.left = True
            raise

    def _started(self, message: Message) -> Message:
        entry = self._entry
        recorder = entry.recorder
        entry.status = message["status"]
        headers = message.get("headers", ())
        if recorder.return_ids or recorder.response_size:
            # An iterable, which may be one that can be read once.
            message = {**message, "headers": (headers := list(headers))}
        if recorder.return_ids:
            wanted_name = recorder.id_header.lower().encode()
            if not any(name == wanted_name for name, _ in headers):
                headers.append((wanted_name, entry.request_id.encode()))
                if entry.traceparent:
                    headers.append((b"traceparent", entry.traceparent.encode()))
        if recorder.response_size:
            found = {bytes(name).lower(): bytes(value).decode("latin-1") for name, value in headers}
            kind = found.get(b"content-type", "")
            if wanted(kind, recorder.settings.body_types):
                entry.response_body, entry.response_type = bytearray(), cut(kind)
                entry.response_encoding = found.get(b"content-encoding", "")[:100]
        return message

    def _websocket(self, kind: str, message: Message) -> None:
        entry = self._entry
        if kind == "websocket.accept":
            self._accepted = True
            entry.status, entry.first_byte_at = 101, perf_counter()
        elif kind == "websocket.send":
            entry.bytes_out += _size_of(message)
        elif kind == "websocket.close":
            self._whole = True
            if not self._accepted and not entry.status:
                entry.status = 403  # what servers answer then

    def outcome(self) -> str:
        """How the request ended whose application has returned."""
        entry = self._entry
        if entry.left:
            return CLIENT_GONE
        if entry.exception or not self._whole:
            return ERROR  # of it, the framework made an answer; or none was given
        return COMPLETE

    def outcome_after(self, error: BaseException) -> str:
        """How the request ended whose application has raised."""
        entry = self._entry
        found = outcome_of(error, entry)
        if found == CANCELLED and self._is_gone():
            found = CLIENT_GONE
        if not entry.exception and found != CLIENT_GONE:
            note_exception(entry, error)
        if not entry.status and found == ERROR:
            entry.status = 500  # what servers answer then
        if found == CANCELLED and self._whole:
            return COMPLETE  # the answer was out; what went on after it was called off
        return found

    def _is_gone(self) -> bool:
        """Whether the server would tell now that the client has left.

        Some cancel the application at once, before it has heard of it.
        """
        waiting: Any = self._receive()
        try:
            waiting.send(None)
        except StopIteration as message:
            return bool(message.value.get("type") == "http.disconnect") and not self._whole
        except BaseException:  # noqa: BLE001 - it can't tell
            return False
        finally:
            if hasattr(waiting, "close"):
                waiting.close()
        return False
