"""Waits for semaphores, conditions and events of threads and greenlets."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import made, native, places, spans
from .made import Made, caller, made_of, makers_place


def begin() -> None:
    """Watch those that the user's own code makes from here on."""
    watch_acquire(threading.Semaphore, "threading.Semaphore")
    _watch_release(threading.BoundedSemaphore)
    _watch_condition(threading.Condition)
    _remember(threading.Event, "threading.Event")
    _watch_wait(threading.Event, lambda event: event.is_set())
    on_import("gevent.lock", _watch_gevent)
    on_import("eventlet.semaphore", _watch_eventlet)


def watch_acquire(kind: Any, name: str) -> None:
    """Have the class remember where its objects were made, and note waits in `acquire`.

    Its `acquire` takes `blocking` and `timeout`.
    """
    _remember(kind, name)
    original = kind.acquire

    @functools.wraps(original)
    def acquire(self: Any, blocking: Any = True, timeout: Any = None) -> Any:  # noqa: FBT002
        known = made_of(self)
        if known is None:
            return original(self, blocking, timeout)
        if known.open:
            return True
        if not blocking or (timeout is not None and timeout <= 0):
            got = original(self, blocking, timeout)
        elif original(self, False):
            got = True
        else:
            got = _waiting(known, lambda: original(self, True, timeout))
        if got:
            known.taken()
        return got

    # Python's own semaphores enter by `Semaphore.acquire`, also where a subclass has another one.
    enters_by_it = kind.__enter__ is original
    kind.acquire = acquire
    kind.__enter__ = acquire if enters_by_it else lambda self: self.acquire()
    _watch_release(kind)


def _waiting(known: Made, wait: Callable[[], Any]) -> Any:
    holder, stack, begun = known.holder, places.stack(), native.monotonic()
    try:
        with spans.Waiting():
            return wait()
    finally:
        known.waited(begun, holder, stack)


def _remember(kind: Any, name: str) -> None:
    original = kind.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if made_of(self) is None:
            place = makers_place(caller(), self)
            if place:
                known = name if type(self) is kind else places.name_of(type(self))
                setattr(self, made.ATTRIBUTE, Made(known, place))

    kind.__init__ = init


def _watch_release(kind: Any) -> None:
    original = kind.release

    @functools.wraps(original)
    def release(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = made_of(self)
        return None if known is not None and known.open else original(self, *args, **kwargs)

    kind.release = release


def _watch_wait(kind: Any, is_over: Callable[[Any], bool]) -> None:
    original = kind.wait

    @functools.wraps(original)
    def wait(self: Any, timeout: float | None = None) -> Any:
        known = made_of(self)
        if known is None or is_over(self):
            return original(self, timeout)
        return _waiting(known, lambda: original(self, timeout))

    kind.wait = wait


def _watch_condition(kind: Any) -> None:
    """A condition without a lock makes one itself: that is the user's then, too."""
    original = kind.__init__

    @functools.wraps(original)
    def init(self: Any, lock: Any = None) -> None:
        place = makers_place(caller(), self)
        if place:
            known = Made("threading.Condition", place)
            if lock is None:
                from .locks import WatchedRLock

                lock = WatchedRLock(threading.RLock(), known)
            setattr(self, made.ATTRIBUTE, known)
        original(self, lock)

    kind.__init__ = init
    _watch_wait(kind, lambda _condition: False)


def _watch_gevent(module: ModuleType) -> None:
    """They are compiled, and can't be changed: who imports them gets a class of that class."""
    for name in ("Semaphore", "BoundedSemaphore"):
        original = getattr(module, name)
        watched = type(name, (original,), {"__module__": original.__module__})
        watch_acquire(watched, f"gevent.lock.{name}")
        setattr(module, name, watched)


def _watch_eventlet(module: ModuleType) -> None:
    watch_acquire(module.Semaphore, "eventlet.semaphore.Semaphore")
    _watch_release(module.BoundedSemaphore)
