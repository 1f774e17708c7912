"""Makes this process different from the user's own, to prove who was to blame: see `Change`."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import elsewhere, places, requests, ticking
from .settings import Settings

#: Threads in which what was thread-sensitive runs.
MOST_THREADS = 1_000


def install(settings: Settings) -> None:
    """Make what is asked for different from here on."""
    change = settings.change
    if change.without_middleware:
        on_import(
            "django.core.handlers.base",
            lambda module: _without_middleware(module, frozenset(change.without_middleware)),
        )
    if change.without_thread_sensitivity:
        on_import(
            "asgiref.sync",
            lambda module: _anywhere(module, frozenset(change.without_thread_sensitivity)),
        )
    if change.in_a_thread:
        elsewhere.begin(change.in_a_thread)
    if change.without_collector:
        _without_collector()


def _without_middleware(module: Any, names: frozenset[str]) -> None:
    load = module.BaseHandler.load_middleware

    @functools.wraps(load)
    def load_middleware(self: Any, *args: Any, **kwargs: Any) -> None:
        settings = module.settings
        every: Sequence[str] = settings.MIDDLEWARE
        if names.intersection(every):
            settings.MIDDLEWARE = [name for name in every if name not in names]
        load(self, *args, **kwargs)

    module.BaseHandler.load_middleware = load_middleware


def _anywhere(module: ModuleType, names: frozenset[str]) -> None:
    """Let these functions run in any thread: as if each call said `thread_sensitive=False`."""
    kind: Any = module.SyncToAsync
    call = kind.__call__
    threads: list[Any] = []

    @functools.wraps(call)
    async def free(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._thread_sensitive and ("*" in names or places.name_of(self.func) in names):
            if not threads:
                # Not the loop's own threads: they may be fewer than the users.
                threads.append(module.ThreadPoolExecutor(max_workers=MOST_THREADS))
            self._thread_sensitive, self._executor = False, threads[0]
        return await call(self, *args, **kwargs)

    kind.__call__ = free


def _without_collector() -> None:
    """The collector doesn't run, also if somebody asks for it in a request."""
    collect = gc.collect

    def collect_at_no_request(*args: Any, **kwargs: Any) -> int:
        return 0 if requests.current() is not None else collect(*args, **kwargs)

    gc.disable()
    gc.collect = collect_at_no_request
    gc.enable = _stay_off
    ticking.at_first_request(gc.disable)
    os.register_at_fork(after_in_child=gc.disable)


def _stay_off() -> None:
    """In place of `gc.enable`."""
