"""How a request enters on a WSGI server: open the scope, close it at the true end."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from .. import startup
from ..scope.scope import NOWHERE, Scope, scope_var

if TYPE_CHECKING:
    from .request_log import RequestLog as RequestLog

_T = TypeVar("_T")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Where the wrapper leaves the scope for middleware of the same request.
ENVIRON_KEY = "holdfast.scope"

# The wrappers that were made in this process: the system checks ask whether there are any.
wrappers: weakref.WeakSet[RequestScope] = weakref.WeakSet()

_get = scope_var.get
_set = scope_var.set


class RequestScope:
    """Gives every request of a WSGI application a scope of its own.

        application = holdfast.wsgi.RequestScope(application)

    Put it outermost. The scope is open while the application is called and while the body is
    produced, to its `close()`; it is closed on errors and on `BaseException`, too, and when a
    server drops the body without closing it. A request inside of a request (a mounted application,
    a test client in a view) has a scope of its own; the outer one is current again after it.

    `holdfast.request` is the environ, until middleware or the application sets
    `holdfast.current().request`.

    Adds about two microseconds to a request of a bare function, and five or six to one of Django,
    where the processor's caches are full of other things; never blocks, starts nothing.

    Args:
        application: the WSGI application.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        startup.note_forks()
        wrappers.add(self)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, as PEP 3333 says."""
        if startup.is_first_request:
            startup.log_problems_once()
        get = environ.get
        name = (get("REQUEST_METHOD", ""), " ", get("SCRIPT_NAME", ""), get("PATH_INFO", ""))
        scope = Scope(environ, name)
        environ[ENVIRON_KEY] = scope
        outer = _get()
        if outer is not NOWHERE and not outer.usable:
            outer = NOWHERE
        _set(scope)
        try:
            body = self.application(environ, start_response)
        except BaseException:
            _set(outer)
            scope.close()
            raise
        if outer is not NOWHERE:
            # A request inside of a request. Otherwise the scope stays where the server itself can
            # see it: gunicorn writes its access log between the last chunk and close().
            _set(outer)
        file_wrapper = get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            # The server sends such a body by sendfile(), but only as it is.
            end = _End(body, scope, outer)
            try:
                body.close = end.close  # type: ignore[attr-defined]
            except AttributeError:
                end.disarm()  # it takes no attributes; then it is sent piece by piece
            else:
                return body
        kind = _SizedBody if isinstance(body, list | tuple) else _Body
        return kind(body, scope, outer)


class _End:
    """Closes the application's body, inside the scope, and then the scope. Once."""

    __slots__ = ("_close_body", "_close_iterator", "_outer", "_scope")

    def __init__(self, body: Iterable[bytes], scope: Scope, outer: Scope) -> None:
        self._scope: Scope | None = scope
        self._outer = outer
        self._close_body: Callable[[], object] | None = getattr(body, "close", None)
        self._close_iterator: Callable[[], object] | None = None

    def disarm(self) -> None:
        """Close nothing."""
        self._scope = None

    def close(self) -> None:
        scope, self._scope = self._scope, None
        if scope is None:
            return
        before = _get()
        if before is not scope:
            _set(scope)
        try:
            if self._close_iterator is not None:
                self._close_iterator()
            if self._close_body is not None:
                self._close_body()
        finally:
            try:
                scope.close()
            finally:
                _set(self._outer if before is scope else before)

    def __del__(self) -> None:
        # Dropped with its body, by a server that did not close it.
        if self._scope is not None:
            self.close()


class _Body(_End):
    """The application's body; each step of it runs inside the scope."""

    __slots__ = ("__weakref__", "_body", "_next")

    def __init__(self, body: Iterable[bytes], scope: Scope, outer: Scope) -> None:
        super().__init__(body, scope, outer)
        self._body = body
        self._next: Callable[[], bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._next is None:
            iterator = self._inside(self._begin)
            if type(iterator) in _RUN_NO_CODE:
                return iterator
        return self

    def __next__(self) -> bytes:
        if self._next is None:
            self._inside(self._begin)
        return self._inside(self._next)  # type: ignore[arg-type]

    def _begin(self) -> Iterator[bytes]:
        iterator = iter(self._body)
        if iterator is not self._body:
            # Such as the generator of an __iter__; its `finally` belongs to the request.
            self._close_iterator = getattr(iterator, "close", None)
        self._next = iterator.__next__
        return iterator

    def _inside(self, step: Callable[[], _T]) -> _T:
        scope = self._scope
        before = _get()
        elsewhere = scope is not None and before is not scope
        if elsewhere:
            _set(scope)  # type: ignore[arg-type]
        try:
            return step()
        except StopIteration:
            raise
        except BaseException:
            # granian does not close a body that raised.
            self.close()
            raise
        finally:
            if elsewhere:
                _set(before)


class _SizedBody(_Body):
    """A list or tuple: servers take the Content-Length from a body that has one item."""

    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        # Again, perhaps: eventlet and gevent add up the lengths before they send anything.
        return iter(self._body) if type(self._body) in {list, tuple} else super().__iter__()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]


# Stepping through these runs nothing of the application's, so the server may do it by itself: the
# iterators of a plain list, and of Django's HttpResponse.
_RUN_NO_CODE: frozenset[type] = frozenset({type(iter([])), type(iter(()))})


def __getattr__(name: str) -> Any:
    # Who writes no request log doesn't load it.
    if name == "RequestLog":
        return import_module(".request_log", __name__).RequestLog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=None)
