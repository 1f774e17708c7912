"""Waits for locks, semaphores, conditions and events of asyncio."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from ...on_import import on_import
from . import made, native, places, spans
from .made import Made, caller, made_of, makers_place


def begin() -> None:
    """Watch those that the user's own code makes from here on."""
    on_import("asyncio.locks", _watch)


def _watch(module: ModuleType) -> None:
    for kind in (module.Lock, module.Semaphore, module.Event):
        _remember(kind)
    _remember_condition(module)
    for kind in (module.Lock, module.Semaphore):
        _watch_taking(kind)
    for kind in (module.Lock, module.Semaphore, module.BoundedSemaphore):
        _watch_release(kind)
    for kind in (module.Condition, module.Event):
        _watch_wait(kind)


def _remember(kind: Any) -> None:
    original = kind.__init__

    @functools.wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        _remember_one(self, makers_place(caller(), self))

    kind.__init__ = init


def _remember_one(thing: Any, place: str) -> None:
    if place:
        setattr(thing, made.ATTRIBUTE, Made(f"asyncio.{type(thing).__name__}", place))


def _remember_condition(module: ModuleType) -> None:
    """A condition without a lock makes one itself: that is the user's then, too."""
    original = module.Condition.__init__

    @functools.wraps(original)
    def init(self: Any, lock: Any = None, **kwargs: Any) -> None:
        place = makers_place(caller(), self)
        if place and lock is None:
            lock = module.Lock(**kwargs)
            _remember_one(lock, place)
        original(self, lock, **kwargs)
        _remember_one(self, place)

    module.Condition.__init__ = init


def _watch_taking(kind: Any) -> None:
    original = kind.acquire

    @functools.wraps(original)
    async def acquire(self: Any) -> Any:
        known = made_of(self)
        if known is None:
            return await original(self)
        if known.open:
            return True
        if not self.locked():
            got = await original(self)
        else:
            got = await _waiting(known, original(self))
        known.taken()
        return got

    kind.acquire = acquire


def _watch_wait(kind: Any) -> None:
    original = kind.wait

    @functools.wraps(original)
    async def wait(self: Any) -> Any:
        known = made_of(self)
        return await (original(self) if known is None else _waiting(known, original(self)))

    kind.wait = wait


async def _waiting(known: Made, waits: Any) -> Any:
    holder, stack, begun = known.holder, places.stack(), native.monotonic()
    try:
        with spans.Waiting():
            return await waits
    finally:
        known.waited(begun, holder, stack)


def _watch_release(kind: Any) -> None:
    original = kind.release

    @functools.wraps(original)
    def release(self: Any) -> None:
        known = made_of(self)
        if known is None or not known.open:
            original(self)

    kind.release = release
