"""Where each server has the application that it calls, and frameworks, where it can't be seen."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import entry, writing
from .settings import Settings


def install(settings: Settings) -> None:
    """Follow the requests of whatever server is imported here."""
    for name, act in _SERVERS.items():
        on_import(name, functools.partial(_guarded, act))


def _guarded(act: Callable[[ModuleType], object], module: ModuleType) -> None:
    try:
        act(module)
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble(f"requests of {module.__name__} are not followed", error)


def _after(kind: Any, name: str, attribute: str, wrap: Callable[[Any], Any]) -> None:
    """After the method *name*, have the object's *attribute* wrapped."""
    original = getattr(kind, name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        found = getattr(self, attribute, None)
        if found is not None:
            setattr(self, attribute, wrap(found))
        return result

    setattr(kind, name, method)


def _gunicorn_worker(module: ModuleType) -> None:
    original = module.Worker.load_wsgi

    @functools.wraps(original)
    def load_wsgi(self: Any) -> None:
        original(self)
        # uvicorn's worker gives the application to uvicorn, which judges by it what it is.
        if not hasattr(self, "CONFIG_KWARGS"):
            self.wsgi = entry.wsgi(self.wsgi)

    module.Worker.load_wsgi = load_wsgi


def _hypercorn(module: ModuleType) -> None:
    # The bridge to WSGI, too: there the wait for a thread belongs to the request.
    for kind in (module.ASGIWrapper, module.WSGIWrapper):
        kind.__call__ = entry.asgi_method(kind.__call__)


def _granian(wrap: Callable[[Any], Any]) -> Callable[[ModuleType], None]:
    def act(module: ModuleType) -> None:
        original = module._callback_wrapper

        @functools.wraps(original)
        def callback_wrapper(callback: Any, *args: Any, **kwargs: Any) -> Any:
            return original(wrap(callback), *args, **kwargs)

        module._callback_wrapper = callback_wrapper  # type: ignore[attr-defined]

    return act


def _call(kind: str, wrap: Callable[[Any], Any]) -> Callable[[ModuleType], None]:
    def act(module: ModuleType) -> None:
        found = getattr(module, kind)
        found.__call__ = wrap(found.__call__)

    return act


def _init(
    kind: str, attribute: str, wrap: Callable[[Any], Any], name: str = "__init__"
) -> Callable[[ModuleType], None]:
    return lambda module: _after(getattr(module, kind), name, attribute, wrap)


_SERVERS: dict[str, Callable[[ModuleType], None]] = {
    "gunicorn.workers.base": _gunicorn_worker,
    "gunicorn.workers.gasgi": _init("ASGIWorker", "asgi", entry.asgi, "load_wsgi"),
    "uvicorn.config": _init("Config", "loaded_app", entry.asgi, "load"),
    "hypercorn.app_wrappers": _hypercorn,
    "granian.wsgi": _granian(entry.wsgi),
    "granian.asgi": _granian(entry.asgi),
    "daphne.server": _init("Server", "application", entry.asgi),
    "waitress.server": _init("BaseWSGIServer", "application", entry.wsgi),
    "wsgiref.simple_server": _init("WSGIServer", "application", entry.wsgi, "set_app"),
    "werkzeug.serving": _init("BaseWSGIServer", "app", entry.wsgi),
    "eventlet.wsgi": _init("Server", "app", entry.wsgi),
    "gevent.pywsgi": _init("WSGIServer", "application", entry.wsgi),
    "cheroot.wsgi": _init("Server", "wsgi_app", entry.wsgi),
    # Under uWSGI, and servers that aren't known here, requests are seen from here on.
    "django.core.handlers.wsgi": _call("WSGIHandler", entry.wsgi_method),
    "django.core.handlers.asgi": _call("ASGIHandler", entry.asgi_method),
    "flask.app": _call("Flask", entry.wsgi_method),
    "starlette.applications": _call("Starlette", entry.asgi_method),
}
