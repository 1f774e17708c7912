"""Where each server has the application that it calls, and frameworks, where it can't be seen.

Observers that want to see requests wrap the application there. Nothing is imported for it: what a
server doesn't use isn't touched.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ..on_import import on_import
from . import uwsgi

Wrap = Callable[[Any], Any]
Act = Callable[[ModuleType], object]


@dataclass(frozen=True, slots=True)
class Wrappers:
    """What an observer puts around applications. Each gives back what is to be called instead.

    Attributes:
        wsgi: around a WSGI application.
        asgi: around an ASGI application.
        wsgi_method: around a class's `__call__(self, environ, start_response)`.
        asgi_method: around a class's `__call__(self, scope, receive, send, ...)`.
        bridged: around a WSGI application that an ASGI server calls in a thread, for observers to
            which the thread doesn't tell whose request it works for.
    """

    wsgi: Wrap
    asgi: Wrap
    wsgi_method: Wrap
    asgi_method: Wrap
    bridged: Wrap | None = None


def follow(wrappers: Wrappers, trouble: Callable[[str, Exception], object]) -> None:
    """Wrap the applications of whatever server is imported here, now or later.

    Args:
        wrappers: a request may pass several: that of its server, and that of its framework.
        trouble: told, in words and by the error, if a server can't be followed.
    """
    for name, act in _acts(wrappers).items():
        on_import(name, functools.partial(_guarded, act, trouble))
    uwsgi.follow(wrappers.wsgi, trouble)


def _guarded(act: Act, trouble: Callable[[str, Exception], object], module: ModuleType) -> None:
    try:
        act(module)
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        trouble(f"requests of {module.__name__} are not followed", error)


def _acts(wrap: Wrappers) -> Mapping[str, Act]:
    return {
        "gunicorn.workers.base": functools.partial(_gunicorn_worker, wrap.wsgi),
        "gunicorn.workers.gasgi": _init("ASGIWorker", "asgi", wrap.asgi, "load_wsgi"),
        "uvicorn.config": _init("Config", "loaded_app", wrap.asgi, "load"),
        "hypercorn.app_wrappers": functools.partial(_hypercorn, wrap),
        "granian.wsgi": functools.partial(_granian, wrap.wsgi),
        "granian.asgi": functools.partial(_granian, wrap.asgi),
        "daphne.server": _init("Server", "application", wrap.asgi),
        "waitress.server": _init("BaseWSGIServer", "application", wrap.wsgi),
        "wsgiref.simple_server": _init("WSGIServer", "application", wrap.wsgi, "set_app"),
        "werkzeug.serving": _init("BaseWSGIServer", "app", wrap.wsgi),
        "eventlet.wsgi": _init("Server", "app", wrap.wsgi),
        "gevent.pywsgi": _init("WSGIServer", "application", wrap.wsgi),
        "cheroot.wsgi": _init("Server", "wsgi_app", wrap.wsgi),
        # Under servers that aren't known here, requests are seen from here on.
        "django.core.handlers.wsgi": _call("WSGIHandler", wrap.wsgi_method),
        "django.core.handlers.asgi": _call("ASGIHandler", wrap.asgi_method),
        "flask.app": _call("Flask", wrap.wsgi_method),
        "starlette.applications": _call("Starlette", wrap.asgi_method),
    }


def _gunicorn_worker(wrap: Wrap, module: ModuleType) -> None:
    original = module.Worker.load_wsgi

    @functools.wraps(original)
    def load_wsgi(self: Any) -> None:
        original(self)
        # uvicorn's worker gives the application to uvicorn, which judges by it what it is; and
        # tornado's serves what is no WSGI application, too.
        if not hasattr(self, "CONFIG_KWARGS") and not _is_tornados(self.wsgi):
            self.wsgi = wrap(self.wsgi)

    module.Worker.load_wsgi = load_wsgi


def _is_tornados(application: object) -> bool:
    return type(application).__module__.startswith("tornado.")


def _hypercorn(wrap: Wrappers, module: ModuleType) -> None:
    # The bridge to WSGI, too: there the wait for a thread belongs to the request.
    for kind in (module.ASGIWrapper, module.WSGIWrapper):
        kind.__call__ = wrap.asgi_method(kind.__call__)
    if wrap.bridged is not None:
        _init("WSGIWrapper", "app", wrap.bridged)(module)


def _granian(wrap: Wrap, module: ModuleType) -> None:
    original = module._callback_wrapper  # noqa: SLF001 - where it takes the application

    @functools.wraps(original)
    def callback_wrapper(callback: Any, *args: Any, **kwargs: Any) -> Any:
        return original(wrap(callback), *args, **kwargs)

    module._callback_wrapper = callback_wrapper  # type: ignore[attr-defined]  # noqa: SLF001


def _call(kind: str, wrap: Wrap) -> Act:
    def act(module: ModuleType) -> None:
        found = getattr(module, kind)
        found.__call__ = wrap(found.__call__)

    return act


def _init(kind: str, attribute: str, wrap: Wrap, name: str = "__init__") -> Act:
    """After the method *name*, have the object's *attribute* wrapped."""

    def act(module: ModuleType) -> None:
        found = getattr(module, kind)
        original = getattr(found, name)

        @functools.wraps(original)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            application = getattr(self, attribute, None)
            if application is not None:
                setattr(self, attribute, wrap(application))
            return result

        setattr(found, name, method)

    return act
