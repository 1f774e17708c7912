"""Gives the server more workers, or more threads, than its command says: at least as many as asked.

Where a server has a setting for it, the setting is raised after it was read. Servers of a single
process are started several times, and share their port. uWSGI reads its settings before Python
begins: it takes them from `variables`.
"""

from __future__ import annotations

import functools
import inspect
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ...on_import import on_import
from ..change import Change
from . import process
from .settings import Settings

#: In the environment of a server that was started once more, so that it starts none itself.
_COPY = "HOLDFAST_PROBE_COPY"
#: Servers that are one process, whatever their command says.
_SINGLE = frozenset({"daphne", "waitress", "eventlet", "gevent", "runserver", "wsgiref"})


def variables(change: Change) -> Mapping[str, str]:
    """For the environment of the server's command: uWSGI's options, which it reads there."""
    wanted = {"UWSGI_PROCESSES": change.workers, "UWSGI_THREADS": change.threads}
    return {name: str(number) for name, number in wanted.items() if number}


def install(settings: Settings) -> None:
    """Raise what is to be raised, in whatever server is imported here."""
    workers, threads = settings.change.workers, settings.change.threads
    if not workers and not threads:
        return
    for name, act in _SERVERS.items():
        on_import(name, functools.partial(act, workers=workers, threads=threads))
    if workers > 1:
        _before_bind(functools.partial(_share, workers=workers))


def _gunicorn(module: ModuleType, workers: int, threads: int) -> None:
    kind: Any = module.Arbiter
    setup = kind.setup

    @functools.wraps(setup)
    def raised(self: Any, app: Any) -> None:
        app.cfg.set("workers", max(app.cfg.workers, workers))
        # With threads, a sync worker becomes a gthread one. Workers on a hub or a loop count
        # connections instead.
        app.cfg.set("threads", max(app.cfg.threads, threads))
        app.cfg.set("worker_connections", max(app.cfg.worker_connections, threads))
        setup(self, app)

    kind.setup = raised


def _uvicorn(module: ModuleType, workers: int, threads: int) -> None:
    def raised(self: Any) -> None:
        # It starts workers only where it can import the application anew.
        if isinstance(self.app, str) and not self.reload and process.server() != "gunicorn":
            self.workers = max(self.workers, workers)
        if threads and self.limit_concurrency is not None:
            self.limit_concurrency = max(self.limit_concurrency, 2 * threads)

    _after_init(module.Config, raised)


def _uvicorn_wsgi(module: ModuleType, workers: int, threads: int) -> None:
    kind: Any = module._WSGIMiddleware
    init = kind.__init__

    @functools.wraps(init)
    def raised(self: Any, app: Any, workers: int = 10) -> None:
        init(self, app, max(workers, threads))

    kind.__init__ = raised


def _hypercorn(module: ModuleType, workers: int, threads: int) -> None:
    run = module.run

    @functools.wraps(run)
    def raised(config: Any) -> Any:
        config.workers = max(config.workers, workers)
        return run(config)

    module.run = raised  # type: ignore[attr-defined]


def _granian(module: ModuleType, workers: int, threads: int) -> None:
    def raised(self: Any) -> None:
        self.workers = max(self.workers, workers)
        # Under the other interfaces Python's side runs in one thread.
        if getattr(self.interface, "value", self.interface) == "wsgi":
            self.blocking_threads = max(self.blocking_threads, threads)
            self.backpressure = max(self.backpressure, threads)

    _after_init(module.AbstractServer, raised)


def _waitress(module: ModuleType, workers: int, threads: int) -> None:
    def raised(self: Any) -> None:
        self.threads = max(self.threads, threads)

    _after_init(module.Adjustments, raised)


def _runserver(module: ModuleType, workers: int, threads: int) -> None:
    run = module.run
    signature = inspect.signature(run)

    @functools.wraps(run)
    def raised(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if threads > 1:
            bound.arguments["threading"] = True
        return run(*bound.args, **bound.kwargs)

    module.run = raised  # type: ignore[attr-defined]


def _gevent(module: ModuleType, workers: int, threads: int) -> None:
    kind: Any = module.BaseServer
    set_spawn = kind.set_spawn

    @functools.wraps(set_spawn)
    def raised(self: Any, spawn: Any) -> None:
        set_spawn(self, max(spawn, threads) if isinstance(spawn, int) else spawn)

    kind.set_spawn = raised


def _eventlet(module: ModuleType, workers: int, threads: int) -> None:
    server = module.server
    signature = inspect.signature(server)

    @functools.wraps(server)
    def raised(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if bound.arguments.get("max_size"):
            bound.arguments["max_size"] = max(bound.arguments["max_size"], threads)
        pool = bound.arguments.get("custom_pool")
        if pool is not None and pool.size < threads:
            pool.resize(threads)
        # `eventlet.listen` shares the port by itself, with sockets that nobody else has.
        if workers > 1 and bound.arguments["sock"].getsockopt(*_SHARED):
            _start_copies(workers - 1)
        return server(*bound.args, **bound.kwargs)

    module.server = raised  # type: ignore[attr-defined]


_SERVERS: Mapping[str, Callable[..., None]] = {
    "gunicorn.arbiter": _gunicorn,
    "uvicorn.config": _uvicorn,
    "uvicorn.middleware.wsgi": _uvicorn_wsgi,
    "hypercorn.run": _hypercorn,
    "granian.server.common": _granian,
    "waitress.adjustments": _waitress,
    "django.core.servers.basehttp": _runserver,
    "gevent.baseserver": _gevent,
    "eventlet.wsgi": _eventlet,
}


def _after_init(kind: Any, act: Callable[[Any], None]) -> None:
    init = kind.__init__

    @functools.wraps(init)
    def raised(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        act(self)

    kind.__init__ = raised


# Servers of a single process: the same command once more, at the same port.


_SHARED = socket.SOL_SOCKET, socket.SO_REUSEPORT
_started: list[subprocess.Popen[bytes]] = []


def _share(one: socket.socket, workers: int) -> None:
    """Let others listen where *one* will, and start them."""
    one.setsockopt(*_SHARED, 1)
    _start_copies(workers - 1)


def _start_copies(count: int) -> None:
    """Start *count* more servers like this one; a second call does nothing.

    They are ended with their session, as all that the server starts.
    """
    if _started or _COPY in os.environ:
        return
    environment = {**os.environ, _COPY: "1"}
    _started.extend(
        subprocess.Popen(sys.orig_argv, env=environment)  # noqa: S603 - the user's command
        for _ in range(count)
    )


def _before_bind(act: Callable[[socket.socket], object]) -> None:
    bind = socket.socket.bind

    @functools.wraps(bind)
    def acting(self: socket.socket, address: Any, /) -> None:
        listens = self.family in {socket.AF_INET, socket.AF_INET6}
        listens = listens and self.type == socket.SOCK_STREAM and bool(address[1])
        if listens and process.server() in _SINGLE:
            act(self)
        bind(self, address)

    socket.socket.bind = acting  # type: ignore[assignment, method-assign]
