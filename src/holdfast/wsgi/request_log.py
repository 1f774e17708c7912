"""`holdfast.wsgi.RequestLog`: one event for each request, at the end of its body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import startup
from ..log.ending import take_stop
from ..log.from_environ import EnvironReader
from ..log.recorder import generation, recorder_for, settings_of
from ..scope.scope import NOWHERE, Scope, scope_var
from . import ENVIRON_KEY, Application, Environ, RequestScope, StartResponse
from .exchange import Exchange

#: Where the wrapper leaves the entry for middleware of the same request.
ENTRY_KEY = "holdfast.log"

_get = scope_var.get
_set = scope_var.set


class RequestLog(RequestScope):
    """Writes one event for each request of a WSGI application, at its true end.

        application = holdfast.wsgi.RequestLog(application)

    It is a `RequestScope`, too, and takes the place of one; inside of one it uses the scope that is
    there. The event says how the request ended: complete, client_gone, cancelled, error or
    time_out. What is written, and where, is set by `HOLDFAST["LOG"]`, or by the same keys in lower
    case here: `RequestLog(application, format="json", proxies=1)`.

    Adds some microseconds to a request and blocks for nothing: a thread of its own writes. Starts
    that thread with the first request.

    Args:
        application: the WSGI application.
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
        self._reader: EnvironReader | None = None
        self._generation = -1

    def _prepared(self) -> EnvironReader:
        self._generation = generation[0]
        self._reader = reader = EnvironReader(recorder_for(self._settings))
        return reader

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, as PEP 3333 says."""
        if startup.is_first_request:
            startup.log_problems_once()
        reader = self._reader
        if reader is None or self._generation != generation[0]:
            reader = self._prepared()
        entry = reader.entry(environ)
        get = environ.get
        if get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = reader.watched(environ["wsgi.input"], entry, environ)

        scope = get(ENVIRON_KEY)
        outer = _get()
        owns = scope is None or not scope.usable or scope.request is not environ
        if owns:
            if outer is not NOWHERE and not outer.usable:
                outer = NOWHERE
            scope = Scope(environ, (entry.method, " ", entry.path))
            environ[ENVIRON_KEY] = scope
            _set(scope)
        scope.log = entry  # type: ignore[union-attr]
        environ[ENTRY_KEY] = entry
        exchange = Exchange(entry, scope, outer, start_response, owns=owns)  # type: ignore[arg-type]
        try:
            body = self.application(environ, exchange.start_response)
        except BaseException as error:
            exchange.fail(error)
            raise
        if owns and outer is not NOWHERE:
            _set(outer)
        return exchange.returned(body, environ)
