"""One request's way through a WSGI application that is logged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, TypeVar

from ..log.bodies import wanted
from ..log.entry import (
    CLIENT_GONE,
    COMPLETE,
    ERROR,
    Entry,
    cut,
    note_exception,
    note_state,
    outcome_of,
)
from ..log.recorder import Recorder
from ..log.upload import keep
from ..scope.scope import Scope, scope_var
from . import _RUN_NO_CODE, Environ, StartResponse

_T = TypeVar("_T")

_get = scope_var.get
_set = scope_var.set


class Exchange:
    """One request's way through the application: its `start_response`, its body, and its end."""

    __slots__ = (
        "__weakref__",
        "_body",
        "_close_body",
        "_close_iterator",
        "_done",
        "_entry",
        "_length",
        "_next",
        "_outer",
        "_owns",
        "_plain",
        "_scope",
        "_start",
        "_write_to",
    )

    _body: Iterable[bytes]
    _write_to: Callable[[bytes], object]

    def __init__(
        self,
        entry: Entry,
        scope: Scope,
        outer: Scope,
        start: StartResponse,
        *,
        owns: bool,
    ) -> None:
        self._entry = entry
        self._scope: Scope | None = scope
        self._outer = outer
        self._owns = owns
        self._start = start
        self._next: Callable[[], bytes] | None = None
        self._close_body: Callable[[], object] | None = None
        self._close_iterator: Callable[[], object] | None = None
        self._plain: Any = None
        self._done = False
        self._length = -1  # what Content-Length says

    # What the application calls.

    def start_response(self, status: str, headers: Any, *exc_info: Any) -> Callable[[bytes], Any]:
        """As PEP 3333 says; notes the status, and adds the ids."""
        entry = self._entry
        recorder = entry.recorder
        try:
            entry.status = int(status[:3])
        except (ValueError, TypeError):
            pass  # the server will say so
        id_header, id_name = recorder.returned_header
        has_id = False
        for name, value in headers:
            size = len(name)
            if size == _CONTENT_LENGTH and name.lower() == "content-length":
                self._length = int(value) if value.isdigit() else -1
            elif size == len(id_name) and name.lower() == id_name:
                has_id = True
        if id_header and not has_id:
            headers = [*headers, (id_header, entry.request_id)]
            if entry.traceparent:
                headers.append(("traceparent", entry.traceparent))
        if recorder.response_size:
            self._watch_response(headers, recorder)
        self._write_to = self._start(status, headers, *exc_info)
        return self._write

    def _watch_response(self, headers: Any, recorder: Recorder) -> None:
        found = {name.lower(): value for name, value in headers}
        kind = found.get("content-type", "")
        if wanted(kind, recorder.settings.body_types):
            entry = self._entry
            entry.response_body, entry.response_type = bytearray(), cut(kind)
            entry.response_encoding = found.get("content-encoding", "")[:100]

    def _write(self, data: bytes) -> object:
        self._sends(data)
        return self._write_to(data)

    def _sends(self, data: bytes) -> None:
        entry = self._entry
        if data:
            if not entry.first_byte_at:
                entry.first_byte_at = perf_counter()
            entry.bytes_out += len(data)
            if entry.response_body is not None:
                keep(entry.response_body, data, entry.recorder.response_size)

    def fail(self, error: BaseException) -> None:
        """The application raised instead of answering."""
        scope, self._scope = self._scope, None
        assert scope is not None  # noqa: S101 - for the type checker
        entry = self._entry
        if not entry.status and isinstance(error, Exception):
            entry.status = 500  # what servers answer then
        if not entry.exception:
            note_exception(entry, error)
        self._finish(scope, outcome_of(error, entry), self._outer if self._owns else scope)

    # What the server gets.

    def returned(self, body: Iterable[bytes], environ: Environ) -> Iterable[bytes]:
        """What to hand to the server for the application's *body*."""
        self._body = body
        self._close_body = getattr(body, "close", None)
        if isinstance(body, _LISTS):
            # Servers take the Content-Length from a body that has one item.
            self.__class__ = _SizedExchange
            return self
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            # The server sends such a body by sendfile(), but only as it is.
            try:
                body.close = self.close  # type: ignore[attr-defined]
            except AttributeError:
                return self  # it takes no attributes; then it is sent piece by piece
            entry = self._entry
            entry.bytes_out, entry.first_byte_at = max(0, self._length), perf_counter()
            self._done = True
            return body
        return self

    def __iter__(self) -> Iterator[bytes]:
        if self._plain is not None:
            # Again: eventlet and gevent add up the lengths before they send anything.
            self._plain = again = iter(self._body)
            return again
        if self._next is not None:
            return self
        if _get() is self._scope:
            # As `_inside` and `_begin` do, without their calls: nearly all bodies come by here.
            try:
                iterator = iter(self._body)
            except BaseException as error:
                self.close(error)
                raise
        else:
            iterator = self._inside(self._begin)
        if type(iterator) not in _RUN_NO_CODE:
            if self._next is None:
                self._steps_through(iterator)
            return self
        # The server may step through it by itself: we look at it before and after.
        self._plain = iterator
        entry = self._entry
        if not entry.first_byte_at:
            entry.first_byte_at = perf_counter()
        chunks: Any = iterator.__reduce__()[1][0]
        entry.bytes_out += _size(chunks)
        if entry.response_body is not None:
            for chunk in chunks:
                keep(entry.response_body, chunk, entry.recorder.response_size)
        return iterator

    def __next__(self) -> bytes:
        if self._next is None:
            self._inside(self._begin)
        chunk = self._inside(self._next)  # type: ignore[arg-type]
        self._sends(chunk)
        return chunk

    def _begin(self) -> Iterator[bytes]:
        iterator = iter(self._body)
        self._steps_through(iterator)
        return iterator

    def _steps_through(self, iterator: Iterator[bytes]) -> None:
        if iterator is not self._body:
            # Such as the generator of an __iter__; its `finally` belongs to the request.
            self._close_iterator = getattr(iterator, "close", None)
        self._next = iterator.__next__

    def _inside(self, step: Callable[[], _T]) -> _T:
        scope = self._scope
        before = _get()
        elsewhere = before is not scope and scope is not None
        if elsewhere:
            _set(scope)  # type: ignore[arg-type]
        try:
            return step()
        except StopIteration:
            self._done = True
            if self._scope is not None:
                entry = self._entry
                entry.ended_at = perf_counter()
                if not entry.first_byte_at:
                    entry.first_byte_at = entry.ended_at
            raise
        except BaseException as error:
            # granian does not close a body that raised.
            self.close(error)
            raise
        finally:
            if elsewhere:
                _set(before)

    def close(self, error: BaseException | None = None) -> None:
        """The request is over, because of *error* if that is given. Only the first call counts."""
        scope, self._scope = self._scope, None
        if scope is None:
            return
        entry = self._entry
        if not entry.ended_at:
            entry.ended_at = perf_counter()
        if (
            error is None
            and self._plain is not None
            and len(self._plain.__reduce__()) < _STEP_OF_AN_ITERATOR
            and not entry.left
            and not entry.exception
            and sys.exc_info()[1] is None
        ):
            outcome = COMPLETE  # as nearly all end: the server has gone through the list
        else:
            outcome = self._outcome(error)
        before = _get()
        if before is not scope:
            _set(scope)
        try:
            if self._close_iterator is not None:
                self._close_iterator()
            if self._close_body is not None:
                self._close_body()
        except BaseException as raised:
            if not entry.exception:
                note_exception(entry, raised)
            if outcome is COMPLETE:
                outcome = outcome_of(raised, entry)
            raise
        finally:
            ends_here = before is scope and self._owns
            self._finish(scope, outcome, self._outer if ends_here else before)

    def _outcome(self, error: BaseException | None) -> str:
        entry = self._entry
        if error is not None:
            if not entry.exception:
                note_exception(entry, error)
            return outcome_of(error, entry)
        if entry.left or not self._all_was_taken():
            return CLIENT_GONE
        # Of an exception that is known the framework made an answer.
        return ERROR if entry.exception else COMPLETE

    def _all_was_taken(self) -> bool:
        """Whether the server asked for the whole body, and could send it."""
        entry = self._entry
        failure = sys.exc_info()[1]
        if failure is not None and isinstance(failure, OSError):
            return False  # it closes the body because it could not write
        if self._done or entry.method == "HEAD" or entry.status in _WITHOUT_BODY:
            return True
        if self._plain is not None:
            state = self._plain.__reduce__()
            if len(state) < _STEP_OF_AN_ITERATOR:
                return True  # it was asked for more than it has
            entry.bytes_out = _size(state[1][0][: state[2]])
        return False

    def _finish(self, scope: Scope, outcome: str, then: Scope) -> None:
        entry = self._entry
        recorder = entry.recorder
        try:
            try:
                if recorder.asks:
                    if recorder.names:
                        note_state(entry, recorder.names, vars(scope.state))
                    if recorder.identify is not None and entry.who is None:
                        recorder.identify.now(entry, scope.request)
            finally:
                if self._owns:
                    scope.close()
        finally:
            _set(then)
            recorder.end(entry, outcome)

    def __del__(self) -> None:
        # Dropped by a server that did not close it.
        if self._scope is not None:
            self.close()


class _SizedExchange(Exchange):
    """For a body that is a list or tuple."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]


_CONTENT_LENGTH = len("content-length")
_LISTS = (list, tuple)
# iter, (what it goes through,), where it is: until it was asked for more than it has. Not its
# length hint: who could not write the last piece asks for no more, either.
_STEP_OF_AN_ITERATOR = 3
_WITHOUT_BODY = (204, 304)


def _size(chunks: Any) -> int:
    try:
        # Nearly all bodies are of one piece.
        return len(chunks[0]) if len(chunks) == 1 else sum(map(len, chunks))
    except TypeError:
        return 0  # no bytes: the server will say so
