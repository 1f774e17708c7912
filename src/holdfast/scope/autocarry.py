"""What a request starts belongs to it, without `carry`: off unless asked for.

Each kind of work is caught where its library starts it. Unlike with `carry`, work that outlives
its request does not keep the request's values: a thread that was started on the side and lives as
long as the process would keep them as long.

A pool's own worker threads are left out, since they serve many requests. Pools that this module
does not know (their threads start in the first request that needs them) make "threads" a danger.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from .scope import scope_var

if TYPE_CHECKING:
    import concurrent.futures

KINDS = frozenset({"threads", "executors", "greenlets"})

_wanted: frozenset[str] = frozenset()
_caught: set[str] = set()


def carry_automatically(kinds: frozenset[str]) -> None:
    """From now on, work of these *kinds* belongs to the request that starts it; no other does."""
    global _wanted
    _wanted = kinds
    for kind in kinds - _caught:
        _caught.add(kind)
        {"threads": _catch_threads, "executors": _catch_executors, "greenlets": _catch_greenlets}[
            kind
        ]()


def _wants(kind: str) -> bool:
    return kind in _wanted and scope_var.get().usable


# Modules whose threads serve many requests: whoever happens to start them does not own them.
_POOLS = frozenset(
    {
        "concurrent.futures.process",
        "concurrent.futures.thread",
        "multiprocessing.pool",
        "multiprocessing.queues",
    }
)


def _belongs_to_a_pool(thread: threading.Thread) -> bool:
    target = getattr(thread, "_target", None)
    return type(thread).__module__ in _POOLS or getattr(target, "__module__", None) in _POOLS


def _catch_threads() -> None:
    start = threading.Thread.start

    @functools.wraps(start)
    def start_with_request(self: threading.Thread) -> None:
        if _wants("threads") and not _belongs_to_a_pool(self):
            run, context = self.run, copy_context()

            def run_with_request() -> None:
                del self.run  # the circle of thread and function
                context.run(run)

            self.run = run_with_request  # type: ignore[method-assign]
        start(self)

    threading.Thread.start = start_with_request  # type: ignore[method-assign]


def _with_request(function: Callable[..., Any]) -> Callable[..., Any]:
    context = copy_context()
    return lambda *args, **kwargs: context.run(function, *args, **kwargs)


def _catch_executors() -> None:
    import concurrent.futures

    submit: Any = concurrent.futures.ThreadPoolExecutor.submit

    @functools.wraps(submit)
    def submit_with_request(
        self: concurrent.futures.ThreadPoolExecutor,
        fn: Callable[..., Any],
        /,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if _wants("executors"):
            fn = _with_request(fn)
        return submit(self, fn, *args, **kwargs)

    concurrent.futures.ThreadPoolExecutor.submit = submit_with_request  # type: ignore[method-assign, assignment]


def _catch_greenlets() -> None:
    if "gevent" in sys.modules or importlib.util.find_spec("gevent") is not None:
        _catch_gevent()
    if "eventlet" in sys.modules:
        _catch_eventlet()


def _give_request(greenlet: Any) -> None:
    """Start *greenlet* in a copy of this context; it must not have started yet."""
    if _wants("greenlets"):
        greenlet.gr_context = copy_context()


def _catch_gevent() -> None:
    import gevent
    import gevent.threadpool

    gevent.Greenlet.add_spawn_callback(_give_request)
    pool: Any = gevent.threadpool.ThreadPool
    spawn = pool.spawn

    @functools.wraps(spawn)
    def spawn_with_request(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if _wants("greenlets"):
            func = _with_request(func)
        return spawn(self, func, *args, **kwargs)

    pool.spawn = spawn_with_request


def _catch_eventlet() -> None:
    greenthread: Any = sys.modules["eventlet.greenthread"]
    initialize, spawn_n = greenthread.GreenThread.__init__, greenthread._spawn_n

    @functools.wraps(initialize)
    def initialize_with_request(self: Any, *args: Any, **kwargs: Any) -> None:
        initialize(self, *args, **kwargs)
        _give_request(self)

    @functools.wraps(spawn_n)
    def spawn_n_with_request(seconds: float, func: Any, args: Any, kwargs: Any) -> Any:
        timer, greenlet = spawn_n(seconds, func, args, kwargs)
        _give_request(greenlet)
        return timer, greenlet

    greenthread.GreenThread.__init__ = initialize_with_request
    greenthread._spawn_n = spawn_n_with_request
