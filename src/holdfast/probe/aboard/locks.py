"""Waits for locks of threads: those that the user's own code makes, and those of log handlers.

`threading.Lock` and `threading.RLock` are another thing for callers in the user's own code: the
lock that they would have got, with its waits noted. Everybody else gets what they always got.
Classes (`Semaphore`, `Condition`, `Event`) stay what they are, with some methods that look first
whether the object is one of the user's. gevent and eventlet may patch before and after.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import lock_classes, locks_of_processes, locks_of_tasks, made, native, places, spans
from .made import Made
from .settings import Settings


def install(settings: Settings) -> None:
    """Watch the locks that are made from here on."""
    made.let_through(settings.change.without_lock)
    threading.__class__ = _Threading
    threading.Lock = threading.Lock  # as if somebody patched it
    threading.RLock = threading.RLock
    lock_classes.begin()
    locks_of_tasks.begin()
    locks_of_processes.begin()
    on_import("logging", _watch_handlers)


class _Threading(ModuleType):
    """`threading`, where who patches its locks patches what ours are made of."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in {"Lock", "RLock"} and not isinstance(value, _Factory):
            value = _Factory(name, (), {"make": staticmethod(value), "watched": _WATCHED[name]})
        super().__setattr__(name, value)


class _Factory(type):
    """Stands for `threading.Lock`: called, it gives a lock; and it may be asked what is one."""

    make: Any
    watched: Any

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        cls.__module__ = "threading"
        cls.__doc__ = getattr(cls.make, "__doc__", None)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        inner = cls.make(*args, **kwargs)
        place = made.makers_place(sys._getframe(1))
        if not place:
            return inner
        return cls.watched(inner, Made(f"threading.{cls.__name__}", place))

    def __instancecheck__(cls, instance: Any) -> bool:
        kind = cls.make if isinstance(cls.make, type) else type(cls.make())
        return isinstance(instance, kind) or type(instance) is cls.watched


class WatchedLock:
    """A lock, and what is known of it. What isn't here is the lock's own matter."""

    # No slots: eventlet looks for locks that it has to exchange in the `__dict__` of objects.

    def __init__(self, inner: Any, known: Made) -> None:
        self._inner = inner
        setattr(self, made.ATTRIBUTE, known)
        self._made = known

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002
        """As the lock does."""
        known = self._made
        if known.open:
            return True
        if not blocking or (timeout <= 0 and timeout != -1):
            got: bool = self._inner.acquire(blocking, timeout)
        elif self._inner.acquire(False):
            got = True
        else:
            holder, stack, begun = known.holder, places.stack(), native.monotonic()
            try:
                with spans.Waiting():
                    got = self._inner.acquire(True, timeout)
            finally:
                known.waited(begun, holder, stack)
        if got:
            known.taken()
        return got

    def release(self) -> None:
        """As the lock does."""
        if not self._made.open:
            self._inner.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _at_fork_reinit(self) -> None:
        self._inner._at_fork_reinit()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        # Raises what the lock raises.
        return self._inner.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self.__reduce_ex__(2)

    def __deepcopy__(self, _memo: Any) -> Any:
        return self.__reduce_ex__(2)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # before the constructor has run
            raise AttributeError(name)
        if self._made.open and name in {"_is_owned", "_release_save", "_acquire_restore"}:
            return _NO_OWNER[name]
        return getattr(self._inner, name)


#: What `threading.Condition` asks of its lock, answered by one that everybody gets through.
_NO_OWNER: dict[str, Any] = {
    "_is_owned": lambda: True,
    "_release_save": lambda: None,
    "_acquire_restore": lambda _state: None,
}


class WatchedRLock(WatchedLock):
    """The same, of a lock that its owner may take again. A condition knows it by `_is_owned`."""

    def _is_owned(self) -> bool:
        return True if self._made.open else bool(self._inner._is_owned())

    def _release_save(self) -> Any:
        return None if self._made.open else self._inner._release_save()

    def _acquire_restore(self, state: Any) -> None:
        if not self._made.open:
            self._inner._acquire_restore(state)
            self._made.taken()


_WATCHED = {"Lock": WatchedLock, "RLock": WatchedRLock}


def _watch_handlers(module: ModuleType) -> None:
    """Handlers write while they hold a lock: who logs at the same time waits for the writing."""
    original = module.Handler.createLock

    def create(self: Any) -> None:
        original(self)
        if self.lock is not None and not isinstance(self.lock, WatchedLock):
            name = places.name_of(type(self))
            self.lock = WatchedRLock(self.lock, Made("logging.Handler", name, f"lock of {name}"))

    module.Handler.createLock = create
