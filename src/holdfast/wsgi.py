"""How a request enters on a WSGI server: open the scope, close it at the true end."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from . import startup
from .scope.scope import NOWHERE, Scope, scope_var

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

    Adds about two microseconds to a request; never blocks, starts nothing.

    Args:
        application: the WSGI application.
    """

    def __init__(self, application: Application) -> None:
        self.application = application
        startup.note_forks()
        wrappers.add(self)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if startup.is_first_request:
            startup.log_problems_once()
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        scope = Scope(environ, (environ.get("REQUEST_METHOD", ""), path))
        environ[ENVIRON_KEY] = scope
        outer = _get()
        if not outer.usable:
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
        file_wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
            # The server sends such a body by sendfile(), but only as it is.
            if _end_with(body, scope, outer):
                return body
        kind = _SizedBody if hasattr(type(body), "__len__") else _Body
        return kind(body, scope, outer)


def _end_with(body: Any, scope: Scope, outer: Scope) -> bool:
    """Have the body's own close() end the scope. False, if it can't be told to."""
    close = getattr(body, "close", None)
    end = _Body(_Closing(close), scope, outer).close
    try:
        body.close = end
    except AttributeError:
        return False
    return True


class _Closing:
    """An empty body that is there to be closed."""

    def __init__(self, close: Callable[[], object] | None) -> None:
        if close is not None:
            self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


class _Body:
    """The application's body; each step and its close() run inside the scope."""

    __slots__ = ("__weakref__", "_body", "_next", "_outer", "_scope")

    def __init__(self, body: Iterable[bytes], scope: Scope, outer: Scope) -> None:
        self._body = body
        self._scope = scope
        self._outer = outer
        self._next: Callable[[], bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        scope = self._scope
        before = _get()
        if before is not scope:
            _set(scope)
        try:
            if self._next is None:
                self._next = iter(self._body).__next__
            return self._next()
        except StopIteration:
            raise
        except BaseException:
            # granian does not close a body that raised.
            self.close()
            raise
        finally:
            if before is not scope:
                _set(before)

    def close(self) -> None:
        """Close the application's body, then the scope. Idempotent."""
        scope = self._scope
        if scope.closed:
            return
        before = _get()
        if before is not scope:
            _set(scope)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            try:
                scope.close()
            finally:
                _set(self._outer if before is scope else before)

    def __del__(self) -> None:
        scope = getattr(self, "_scope", None)
        if scope is not None and not scope.closed:
            self.close()


class _SizedBody(_Body):
    """A list or tuple: servers take the Content-Length from a body that has one item."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]
