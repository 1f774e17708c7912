"""`"holdfast.django.middleware.RequestLog"`: what Django knows of a request, for its log event.

Behind `holdfast.wsgi.RequestLog` or `holdfast.asgi.RequestLog` it adds route, view, exception and
identity to their event. Alone it makes the event itself, and ends it with the request scope; what
no middleware can see of an end is then missing: see "Without the wrapper" in the docs.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction, markcoroutinefunction
from django.core.signals import got_request_exception
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..log.ending import take_stop
from ..log.entry import (
    CANCELLED,
    CLIENT_GONE,
    COMPLETE,
    ERROR,
    Entry,
    note_exception,
    note_state,
    open_entries,
    outcome_of,
)
from ..log.from_environ import EnvironReader
from ..log.recorder import generation, recorder_for
from ..log.upload import keep
from ..scope.scope import scope_var
from . import lazy_objects
from .middleware import RequestScope

#: Where the plain wrappers leave the entry.
_ENTRY_KEY = "holdfast.log"
_ATTRIBUTE = "_holdfast_log_entry"

_get = scope_var.get


class RequestLog:
    """Writes one event for each request, or adds to the wrapper's what Django knows.

    Put it below `RequestScope`, or first where that isn't used. Settings: `HOLDFAST["LOG"]`. Sync
    and async by nature: it adds no thread switch to either.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        self.get_response: Callable[[HttpRequest], Any] = get_response
        self.is_async = iscoroutinefunction(get_response)
        inside: Any = self._respond_async if self.is_async else self._respond
        if self.is_async:
            markcoroutinefunction(self)
        # Opens a scope where nobody else did.
        self._scoped = RequestScope(inside)
        self._inside = inside
        self._reader: EnvironReader | None = None
        self._generation = -1
        take_stop()
        lazy_objects.tell()
        got_request_exception.connect(_note_exception, dispatch_uid="holdfast.log")

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Respond; what is returned is to be awaited where the next middleware is async."""
        scope = _get()
        if scope.usable and scope.request is request:
            return self._inside(request)  # type: ignore[no-any-return]
        return self._scoped(request)

    def _respond(self, request: HttpRequest) -> HttpResponseBase:
        entry = _wrappers_entry(request)
        own = None if entry is not None else self._begin(request)
        if own is not None:
            entry = own.entry
        assert entry is not None  # noqa: S101 - for the type checker
        vars(request)[_ATTRIBUTE] = entry
        entry.request = request
        try:
            if entry.recorder.note_span is not None:
                entry.recorder.note_span(entry)
            response: HttpResponseBase = self.get_response(request)
        except BaseException as error:
            if own is not None:
                own.fail(error)
            raise
        finally:
            _note_route(entry, request)
        identify = entry.recorder.identify
        if identify is not None:
            identify.now(entry, request, _run)
        if own is not None:
            own.leave_to(response)
        return response

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        entry = _wrappers_entry(request)
        own = None if entry is not None else self._begin(request)
        if own is not None:
            entry = own.entry
        assert entry is not None  # noqa: S101 - for the type checker
        vars(request)[_ATTRIBUTE] = entry
        entry.request = request
        try:
            if entry.recorder.note_span is not None:
                entry.recorder.note_span(entry)
            response: HttpResponseBase = await self.get_response(request)
        except BaseException as error:
            if own is not None:
                own.fail(error)
            raise
        finally:
            _note_route(entry, request)
        identify = entry.recorder.identify
        if identify is not None:
            await identify.soon(entry, request)
        if own is not None:
            own.leave_to(response)
        return response

    def _begin(self, request: HttpRequest) -> _Own:
        reader = self._reader
        if reader is None or self._generation != generation[0]:
            self._generation = generation[0]
            self._reader = reader = EnvironReader(recorder_for({}))
        entry = reader.entry(request.META, request.path)
        stream = getattr(request, "_stream", None)
        if stream is not None:
            # As the view reads it; Django under ASGI has received it by now.
            request._stream = reader.watched(stream, entry, request.META)  # noqa: SLF001
        scope = _get()
        scope.log = entry
        own = _Own(entry, reader.recorder.names)
        scope.on_close(own.end)
        return own


def _run(waiting: Any) -> Any:
    async def run() -> Any:
        return await waiting

    return async_to_sync(run)()


def _wrappers_entry(request: HttpRequest) -> Entry | None:
    """The entry that a wrapper made for this very request."""
    marks: Any = getattr(request, "scope", None)
    if marks is None:
        marks = getattr(request, "environ", None)
    entry: Entry | None = marks.get(_ENTRY_KEY) if marks is not None else None
    if entry is None or entry.request is not None or id(entry) not in open_entries:
        return None  # none, taken by the outer request, whose environ was copied, or over
    return entry


def _note_route(entry: Entry, request: HttpRequest) -> None:
    match = request.resolver_match
    if match is not None:
        entry.route = match.route or "/"
        entry.view = match._func_path  # noqa: SLF001 - what Django's own errors say
        if match.url_name:
            entry.route_name = match.view_name


def _note_exception(sender: object, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """At `got_request_exception`: Django makes an answer of what came out of view or middleware."""
    entry = vars(request).get(_ATTRIBUTE) if request is not None else None
    if entry is None and request is not None:
        entry = _wrappers_entry(request)  # raised above our middleware
    error = sys.exc_info()[1]
    if entry is not None and error is not None:
        note_exception(entry, error)


class _Own:
    """The end of an event that the middleware makes by itself: with the scope."""

    __slots__ = ("_body", "_names", "_response", "entry")

    def __init__(self, entry: Entry, names: tuple[str, ...]) -> None:
        self.entry = entry
        self._names = names
        self._response: HttpResponseBase | None = None
        self._body: _Counted | None = None

    def fail(self, error: BaseException) -> None:
        entry = self.entry
        outcome = outcome_of(error, entry)
        if outcome == CANCELLED and hasattr(entry.request, "scope"):
            outcome = CLIENT_GONE  # that is how Django tells it under ASGI
        elif not entry.exception:
            note_exception(entry, error)
        self._end(outcome)

    def leave_to(self, response: HttpResponseBase) -> None:
        self._response = response
        entry = self.entry
        recorder = entry.recorder
        if recorder.return_ids and recorder.id_header not in response:
            response[recorder.id_header] = entry.request_id
            if entry.traceparent:
                response["traceparent"] = entry.traceparent
        if recorder.response_size:
            self._watch(response)
        if response.streaming and getattr(response, "file_to_stream", None) is None:
            streaming: Any = response
            kind = _CountedAsync if streaming.is_async else _CountedSync
            # Not `streaming_content`: reading that wraps the view's generator once more.
            streaming._iterator = self._body = kind(streaming._iterator, entry)  # noqa: SLF001
        else:
            entry.first_byte_at = perf_counter()

    def _watch(self, response: HttpResponseBase) -> None:
        from ..log.bodies import wanted

        kind = response.get("Content-Type", "")
        if wanted(kind, self.entry.recorder.settings.body_types):
            self.entry.response_body, self.entry.response_type = bytearray(), kind
            self.entry.response_encoding = response.get("Content-Encoding", "")

    def end(self) -> None:
        """At the scope's end."""
        response, entry = self._response, self.entry
        outcome = COMPLETE
        if response is not None:
            entry.status = response.status_code
            if self._body is not None:
                if not self._body.done:
                    outcome = ERROR if entry.exception else CLIENT_GONE
            elif response.streaming:
                length = response.get("Content-Length", "0")
                entry.bytes_out = int(length) if length.isdigit() else 0
            else:
                chunks: Any = response
                for chunk in chunks:
                    entry.bytes_out += len(chunk)
                    keep(entry.response_body, chunk, entry.recorder.response_size)
        if entry.left:
            outcome = CLIENT_GONE
        elif entry.exception and outcome == COMPLETE:
            outcome = ERROR
        self._end(outcome)

    end.never_blocks = True  # type: ignore[attr-defined]  # see Scope.closes_at_once

    def _end(self, outcome: str) -> None:
        entry = self.entry
        try:
            if self._names:
                scope = _get()
                if scope.log is entry and scope.usable:
                    note_state(entry, self._names, vars(scope.state))
        finally:
            entry.recorder.end(entry, outcome)
            self._response = self._body = None


class _Counted:
    """A streamed body, counted as it is produced."""

    def __init__(self, iterator: Any, entry: Entry) -> None:
        self._iterator = iterator
        self._entry = entry
        self.done = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)  # close, aclose, ag_running: what there is

    def _count(self, chunk: Any) -> Any:
        entry = self._entry
        if chunk:
            if not entry.first_byte_at:
                entry.first_byte_at = perf_counter()
            data = chunk if isinstance(chunk, bytes) else str(chunk).encode()
            entry.bytes_out += len(data)
            keep(entry.response_body, data, entry.recorder.response_size)
        return chunk

    def _finish(self) -> None:
        self.done = True
        self._entry.ended_at = perf_counter()

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, Exception) and not self._entry.exception:
            note_exception(self._entry, error)


class _CountedSync(_Counted):
    def __iter__(self) -> _CountedSync:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._finish()
            raise
        except BaseException as error:
            self._fail(error)
            raise
        return self._count(chunk)


class _CountedAsync(_Counted):
    def __aiter__(self) -> _CountedAsync:
        return self

    def __anext__(self) -> Awaitable[Any]:
        # Asked for here and not in the coroutine: who set a finalizer for the generator did so
        # around this call.
        return self._counted(self._iterator.__anext__())

    async def _counted(self, step: Awaitable[Any]) -> Any:
        try:
            chunk = await step
        except StopAsyncIteration:
            self._finish()
            raise
        except BaseException as error:
            self._fail(error)
            raise
        return self._count(chunk)
