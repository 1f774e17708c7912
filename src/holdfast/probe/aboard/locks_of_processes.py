"""Waits for locks that processes share: on files, of `multiprocessing`, and in Redis."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import made, native, places, spans
from .made import Made, caller, made_of, makers_place


def begin() -> None:
    """Watch them from here on."""
    on_import("fcntl", _watch_files)
    on_import("filelock._api", _watch_filelock)
    on_import("multiprocessing.synchronize", _watch_multiprocessing)
    on_import("redis.lock", _watch_redis)
    on_import("redis.asyncio.lock", _watch_async_redis)
    on_import("holdfast.shared.locks", _watch_shared)


# On files: known by their place on the disk.

_files: dict[tuple[int, int], Made] = {}
#: Files whose locks are remembered; then all are forgotten.
_MOST_FILES = 1000


def _watch_files(module: ModuleType) -> None:
    for name in ("flock", "lockf"):
        setattr(module, name, _file_lock(module, getattr(module, name), f"fcntl.{name}"))


def _file_lock(module: Any, original: Callable[..., Any], kind: str) -> Callable[..., Any]:
    not_waiting, unlocks = module.LOCK_NB, module.LOCK_UN

    @functools.wraps(original)
    def lock(fd: Any, cmd: int, *args: Any) -> Any:
        if type(cmd) is not int or cmd & (not_waiting | unlocks):
            return original(fd, cmd, *args)
        place = places.users_place()
        if not place:
            return original(fd, cmd, *args)
        known = _of_file(fd, kind, place)
        if known.open:
            return None
        try:
            result = original(fd, cmd | not_waiting, *args)
        except OSError:
            # Somebody has it, or it can't be had at all, and then is raised again.
            holder, stack, begun = known.holder, places.stack(), native.monotonic()
            try:
                with spans.Waiting():
                    result = original(fd, cmd, *args)
            finally:
                known.waited(begun, holder, stack)
        known.taken()
        return result

    return lock


def _of_file(fd: Any, kind: str, place: str) -> Made:
    try:
        status = os.fstat(fd if isinstance(fd, int) else fd.fileno())
    except (OSError, AttributeError, ValueError):
        return Made(kind, place)
    key = status.st_dev, status.st_ino
    known = _files.get(key)
    if known is None or known.place != place:
        if len(_files) >= _MOST_FILES:
            _files.clear()
        holder = "" if known is None else known.holder
        known = _files[key] = Made(kind, place, kind)
        known.holder = holder
    return known


# Those with an `acquire` of their own that tries again and again.


def _watch_filelock(module: ModuleType) -> None:
    _watch_taking(module.BaseFileLock, "filelock", lambda lock: str(lock.lock_file))


def _watch_redis(module: ModuleType) -> None:
    _watch_taking(module.Lock, "redis.lock.Lock", lambda lock: _text(lock.name))


def _watch_async_redis(module: ModuleType) -> None:
    _watch_taking(module.Lock, "redis.asyncio.lock.Lock", lambda lock: _text(lock.name), True)


def _watch_shared(module: Any) -> None:
    """Holdfast's own: each way to take one leads through one coroutine."""
    take, leave = module.Lock._acquire, module.Holding._release
    known_ones: dict[tuple[str, str], Made] = {}
    let_through: set[bytes] = set()

    @functools.wraps(take)
    async def acquire(self: Any, at: Any, timeout: Any) -> Any:
        place = places.users_place(caller())
        if not place:
            return await take(self, at, timeout)
        if len(known_ones) >= _MOST_NAMES:
            known_ones.clear()
        name = f"holdfast.shared.lock {self.name}"
        known = known_ones.setdefault((name, place), Made("holdfast.shared.lock", place, name))
        if known.open:
            owner, key = os.urandom(16), self._key()
            let_through.add(owner)
            until = native.monotonic() + self.ttl
            holding = module.holdings[key] = module.Holding(self, owner, 0, until, key)
            return holding
        begun, stack, holder = _asked(known)
        try:
            with spans.Waiting():
                result = await take(self, at, timeout)
        finally:
            known.waited(begun, holder or _named.get(known.name, ""), stack)
        _got(known, result)
        return result

    @functools.wraps(leave)
    async def release(self: Any, at: Any) -> None:
        if self._owner not in let_through:
            await leave(self, at)
            return
        let_through.discard(self._owner)
        self.forget()
        module.holdings.pop(self._key, None)

    module.Lock._acquire = acquire
    module.Holding._release = release


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _watch_taking(
    kind: Any,
    name: str,
    called: Callable[[Any], str],
    is_async: bool = False,  # noqa: FBT001, FBT002
) -> None:
    _remember(kind, name, called)
    (_watch_async_method if is_async else _watch_method)(kind, "acquire", ("release", "extend"))


#: Who has a lock in this process, by its name: each request may make an object of its own.
_named: dict[str, str] = {}
_MOST_NAMES = 1000


def _remember(kind: Any, name: str, called: Callable[[Any], str]) -> None:
    original = kind.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        # Clients and frameworks make them for the user: where *the user* asked for it counts.
        place = places.users_place(caller())
        if place:
            setattr(self, made.ATTRIBUTE, Made(name, place, f"{name} {called(self)}"))

    kind.__init__ = init


def _watch_method(kind: Any, method: str, others: tuple[str, ...] = ()) -> None:
    original = getattr(kind, method)

    @functools.wraps(original)
    def take(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = made_of(self)
        if known is None:
            return original(self, *args, **kwargs)
        if known.open:
            return True
        begun, stack, holder = _asked(known)
        try:
            with spans.Waiting():
                result = original(self, *args, **kwargs)
        finally:
            known.waited(begun, holder or _named.get(known.name, ""), stack)
        _got(known, result)
        return result

    setattr(kind, method, take)
    for other in others:
        _nothing_if_open(kind, other)


def _watch_async_method(kind: Any, method: str, others: tuple[str, ...] = ()) -> None:
    original = getattr(kind, method)

    @functools.wraps(original)
    async def take(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = made_of(self)
        if known is None:
            return await original(self, *args, **kwargs)
        if known.open:
            return True
        begun, stack, holder = _asked(known)
        try:
            with spans.Waiting():
                result = await original(self, *args, **kwargs)
        finally:
            known.waited(begun, holder or _named.get(known.name, ""), stack)
        _got(known, result)
        return result

    setattr(kind, method, take)
    for other in others:
        _nothing_if_open(kind, other, is_async=True)


def _asked(known: Made) -> tuple[float, Any, str]:
    # Who has it may take it just after this: then it is who had it at the end.
    return native.monotonic(), places.stack(), _named.get(known.name, "")


def _got(known: Made, result: object) -> None:
    if result is False:
        return
    known.taken()
    if len(_named) >= _MOST_NAMES:
        _named.clear()
    _named[known.name] = known.holder


def _nothing_if_open(kind: Any, name: str, *, is_async: bool = False) -> None:
    original = getattr(kind, name, None)
    if original is None:
        return

    async def done() -> bool:
        return True

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = made_of(self)
        if known is not None and known.open:
            return done() if is_async else True
        return original(self, *args, **kwargs)

    setattr(kind, name, call)


# Of `multiprocessing`: the object's methods are those of a compiled one, bound to the object.


def _watch_multiprocessing(module: ModuleType) -> None:
    kind = module.SemLock
    make, init = kind._make_methods, kind.__init__

    @functools.wraps(init)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        place = makers_place(_outside(caller(), module.__name__), self)
        if place:
            known = Made(f"multiprocessing.{type(self).__name__}", place)
            setattr(self, made.ATTRIBUTE, known)

    @functools.wraps(make)
    def make_methods(self: Any) -> None:
        make(self)
        self.acquire = functools.partial(_acquire, self, self.acquire)
        self.release = functools.partial(_release, self, self.release)

    kind.__init__ = remember
    kind._make_methods = make_methods
    kind.__enter__ = lambda self: self.acquire()
    kind.__exit__ = lambda self, *_: self.release()


def _outside(frame: Any, name: str) -> Any:
    """The first frame that isn't one of `multiprocessing`: it makes locks by way of contexts."""
    package = name.partition(".")[0]
    while frame is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame = frame.f_back
    return frame


def _acquire(thing: Any, original: Any, block: Any = True, timeout: Any = None) -> Any:  # noqa: FBT002
    known = made_of(thing)
    if known is None:
        return original(block, timeout)
    if known.open:
        return True
    if not block or (timeout is not None and timeout <= 0):
        got = original(block, timeout)
    elif original(False):
        got = True
    else:
        holder, stack, begun = known.holder, places.stack(), native.monotonic()
        try:
            with spans.Waiting():
                got = original(True, timeout)
        finally:
            known.waited(begun, holder, stack)
    if got:
        known.taken()
    return got


def _release(thing: Any, original: Any) -> None:
    known = made_of(thing)
    if known is None or not known.open:
        original()
