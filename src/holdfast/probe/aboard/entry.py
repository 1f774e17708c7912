"""Where requests come in: around the application that a server calls, and to their true end."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from inspect import iscoroutinefunction
from typing import Any

from . import requests, writing
from .requests import ENVIRON_NAME, SCOPE_NAME, Request

Environ = dict[str, Any]
WsgiCall = Callable[[Environ, Any], Iterable[bytes]]
AsgiCall = Callable[[Any, Any, Any], Awaitable[None]]

#: Where an outer layer leaves the request for those further in.
KEY = "holdfast.probe.request"


class Wsgi:
    """A WSGI application whose requests are followed. It has the application's attributes."""

    def __init__(self, application: WsgiCall) -> None:
        self.__wrapped__ = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request, as PEP 3333 says."""
        return follow_wsgi(self.__wrapped__, environ, start_response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


class Asgi:
    """An ASGI application whose requests are followed. It has the application's attributes."""

    def __init__(self, application: AsgiCall) -> None:
        self.__wrapped__ = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection of the kind that `scope` names."""
        await follow_asgi(self.__wrapped__, scope, receive, send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def wsgi(application: Any) -> Any:
    """*application*, followed; as it is, where it is followed already."""
    if isinstance(application, Wsgi) or not callable(application):
        return application
    return Wsgi(application)


def asgi(application: Any) -> Any:
    """*application*, followed; as it is, where it is followed already."""
    return application if isinstance(application, Asgi) else Asgi(application)


def wsgi_method(original: Any) -> Any:
    """A class's `__call__(self, environ, start_response)`, followed."""

    @functools.wraps(original)
    def call(self: Any, environ: Environ, start_response: Any) -> Iterable[bytes]:
        return follow_wsgi(functools.partial(original, self), environ, start_response)

    return call


def asgi_method(original: Any) -> Any:
    """A class's `__call__(self, scope, receive, send, ...)`, followed."""
    if not iscoroutinefunction(original):
        return original

    @functools.wraps(original)
    async def call(self: Any, scope: Any, receive: Any, send: Any, *more: Any) -> None:
        def inner(scope: Any, receive: Any, send: Any) -> Any:
            return original(self, scope, receive, send, *more)

        await follow_asgi(inner, scope, receive, send)

    return call


def follow_wsgi(call: WsgiCall, environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Call it, and follow its request unless an outer layer does."""
    request = None
    try:
        if not _is_followed(environ.get(KEY), environ.get(ENVIRON_NAME, "")):
            request = environ[KEY] = requests.begin(environ.get(ENVIRON_NAME, ""))
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble("a request is not followed", error)
    if request is None:
        return call(environ, start_response)
    try:
        body = call(environ, start_response)
    except BaseException as error:
        requests.end(request, error)
        raise
    file_wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(file_wrapper, type) and isinstance(body, file_wrapper):
        # The server sends such a body by sendfile(), but only as it is.
        end = _End(body, request)
        try:
            body.close = end.close  # type: ignore[attr-defined]
        except AttributeError:
            end.disarm()  # it takes no attributes; then it is sent piece by piece
        else:
            return body
    return (_SizedBody if isinstance(body, list | tuple) else _Body)(body, request)


async def follow_asgi(call: AsgiCall, scope: Any, receive: Any, send: Any) -> None:
    """Call it, and follow its request unless an outer layer does."""
    request = None
    try:
        if scope["type"] == "http":
            name = _named(scope)
            if not _is_followed(scope.get(KEY), name):
                request = requests.begin(name)
                request.cpu = None  # others share the thread
                scope[KEY] = request
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble("a request is not followed", error)
    if request is None:
        await call(scope, receive, send)
        return
    try:
        await call(scope, receive, send)
    except BaseException as error:
        requests.end(request, error)
        raise
    requests.end(request)


def _named(scope: Any) -> str:
    for name, value in scope["headers"]:
        if name == SCOPE_NAME:
            found: str = value.decode("latin-1")
            return found
    return ""


def _is_followed(outer: Request | None, name: str) -> bool:
    """Whether an outer layer follows it: the same request, or one inside of a request's code."""
    if outer is not None:
        return not outer.ended
    # A server's own bridge between the interfaces makes a new environ.
    running = requests.current()
    return running is not None and (not name or running.name == name)


class _End:
    """Closes the application's body, and ends the request. Once."""

    __slots__ = ("_close_body", "_close_iterator", "_request")

    def __init__(self, body: Iterable[bytes], request: Request) -> None:
        self._request: Request | None = request
        self._close_body: Callable[[], object] | None = getattr(body, "close", None)
        self._close_iterator: Callable[[], object] | None = None

    def disarm(self) -> None:
        """Close nothing."""
        self._request = None

    def close(self) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        before = requests.enter(request)
        try:
            if self._close_iterator is not None:
                self._close_iterator()
            if self._close_body is not None:
                self._close_body()
        except BaseException as error:
            requests.end(request, error)
            raise
        finally:
            requests.end(request)
            if before is not request:
                requests.enter(before)

    def __del__(self) -> None:
        # Dropped with its body, by a server that did not close it.
        if self._request is not None:
            self.close()


class _Body(_End):
    """The application's body; each step of it belongs to the request."""

    __slots__ = ("__weakref__", "_body", "_next")

    def __init__(self, body: Iterable[bytes], request: Request) -> None:
        super().__init__(body, request)
        self._body = body
        self._next: Callable[[], bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        if self._next is None:
            iterator = self._inside(self._begin)
            if type(iterator) in _RUN_NO_CODE:
                found: Iterator[bytes] = iterator
                return found
        return self

    def __next__(self) -> bytes:
        if self._next is None:
            self._inside(self._begin)
        chunk: bytes = self._inside(self._next)
        return chunk

    def _begin(self) -> Iterator[bytes]:
        iterator = iter(self._body)
        if iterator is not self._body:
            self._close_iterator = getattr(iterator, "close", None)
        self._next = iterator.__next__
        return iterator

    def _inside(self, step: Any) -> Any:
        request = self._request
        if request is None:
            return step()
        before = requests.enter(request)
        try:
            return step()
        except StopIteration:
            raise
        except BaseException as error:
            request.error = repr(error)[:200]
            # granian does not close a body that raised.
            self.close()
            raise
        finally:
            if before is not request:
                requests.enter(before)


class _SizedBody(_Body):
    """A list or tuple: servers take the Content-Length from a body that has one item."""

    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        # More than once, perhaps: eventlet and gevent.pywsgi first add up its lengths.
        return iter(self._body)

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]


# Stepping through these runs nothing of the application's, so the server may do it by itself.
_RUN_NO_CODE: frozenset[type] = frozenset({type(iter([])), type(iter(()))})
