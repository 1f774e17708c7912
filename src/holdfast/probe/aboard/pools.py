"""Waits for a connection of a pool, or for an item of a queue; and pools that are made larger.

A queue counts as a pool where a request waits for an item: that is how pools are made by hand.
Items that were put into it at no request's time are its stock. Made larger, such a queue hands out
items of its stock again, as long as there are fewer than wanted.
"""

from __future__ import annotations

import functools
import queue
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from ...on_import import on_import
from . import native, places, pools_of_clients, requests, spans
from .made import caller, makers_place, name_at
from .settings import Settings

_ATTRIBUTE = "_holdfast_pool"
#: These wait for a queue in a method that is watched itself.
_WATCHED_THEMSELVES = ("urllib3.", "redis.", "sqlalchemy.", "psycopg_pool.")


def install(settings: Settings) -> None:
    """Watch the pools that are made from here on."""
    sizes = dict(settings.change.pool_size)
    _watch_queue(queue.Queue, sizes)
    _watch_simple_queue(queue)
    on_import("asyncio.queues", lambda module: _watch_async_queue(module.Queue))
    pools_of_clients.begin(sizes)


class Pool:
    """What is known of a queue.

    Attributes:
        place: where the user's own code made it; empty: somebody else did.
        wanted: how many items it is to have at least; 0: as many as it has.
        stock: the items that were put into it at no request's time, or by a module while it was
            imported, of those that are to be more.
        lent: how many items are out beyond its stock.
    """

    __slots__ = ("kind", "lent", "name", "place", "stock", "wanted")

    def __init__(self, kind: str, place: str, sizes: Mapping[str, int]) -> None:
        self.kind = kind
        self.place = place
        self.name = name_at(place) or kind
        self.wanted = sizes.get(place) or sizes.get(self.name, 0)
        self.stock: list[Any] = []
        self.lent = 0


def _pool_of(thing: Any) -> Pool | None:
    found: Pool | None = thing.__dict__.get(_ATTRIBUTE)
    return found


def _watch_queue(kind: Any, sizes: Mapping[str, int]) -> None:
    init = kind.__init__

    @functools.wraps(init)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        place = makers_place(caller(), self)
        if place:
            setattr(self, _ATTRIBUTE, Pool(f"queue.{type(self).__name__}", place, sizes))

    kind.__init__ = remember
    _watch_get(kind)
    _watch_put(kind)


def _watch_get(kind: Any) -> None:
    get = kind.get

    @functools.wraps(get)
    def watched(self: Any, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002
        request = requests.current()
        if not block or request is None or _watched_itself(sys._getframe(1)):
            return get(self, block, timeout)
        pool = _pool_of(self)
        try:
            return get(self, False)
        except queue.Empty:
            pass
        if pool is not None and pool.stock and pool.lent + len(pool.stock) < pool.wanted:
            pool.lent += 1
            return pool.stock[pool.lent % len(pool.stock)]
        return _waited(pool, self, lambda: get(self, True, timeout))

    kind.get = watched


def _watch_put(kind: Any) -> None:
    put = kind.put

    @functools.wraps(put)
    def watched(
        self: Any,
        item: Any,
        block: bool = True,  # noqa: FBT001, FBT002
        timeout: float | None = None,
    ) -> None:
        pool = _pool_of(self)
        if pool is not None and pool.wanted:
            # A module that a request imports first fills its queue in that request's time.
            if requests.current() is None or _is_imported(sys._getframe(1)):
                pool.stock.append(item)
            elif pool.lent and any(item is one for one in pool.stock):
                pool.lent -= 1
                return
        put(self, item, block, timeout)

    kind.put = watched


def _is_imported(frame: FrameType | None) -> bool:
    """Whether a module's own code runs, on behalf of whoever imports it."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") != "__main__":
            return True
        frame = frame.f_back
    return False


def _watched_itself(frame: Any) -> bool:
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith(_WATCHED_THEMSELVES)


def _waited(pool: Pool | None, thing: Any, wait: Callable[[], Any]) -> Any:
    stack, begun = places.stack(), native.monotonic()
    try:
        with spans.Waiting():
            return wait()
    finally:
        _note(pool, thing, begun, stack)


def _note(pool: Pool | None, thing: Any, begun: float, stack: Any) -> None:
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    spans.note(
        "pool",
        pool.name if pool is not None else kind,
        begun,
        # Who made it isn't known: then it is where it is waited for.
        place=pool.place if pool is not None else "",
        stack=stack,
        detail={"kind": kind} | ({"size": len(pool.stock)} if pool and pool.stock else {}),
    )


def _watch_simple_queue(module: Any) -> None:
    """It is compiled, and can't be changed: the user's own code gets a class of that class."""
    original = module.SimpleQueue

    class SimpleQueueType(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            place = makers_place(sys._getframe(1))
            if not place and cls is SimpleQueue:
                return original(*args, **kwargs)
            made = super().__call__(*args, **kwargs)
            setattr(made, _ATTRIBUTE, Pool("queue.SimpleQueue", place, {}))
            return made

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, original if cls is SimpleQueue else cls)

    class SimpleQueue(original, metaclass=SimpleQueueType):  # type: ignore[misc, valid-type]
        def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002
            if not block or requests.current() is None:
                return super().get(block, timeout)
            try:
                return super().get(False)
            except queue.Empty:
                wait = functools.partial(super().get, True, timeout)
            return _waited(_pool_of(self), self, wait)

    SimpleQueue.__module__, SimpleQueue.__qualname__ = original.__module__, "SimpleQueue"
    module.SimpleQueue = SimpleQueue


def _watch_async_queue(kind: Any) -> None:
    init, get = kind.__init__, kind.get

    @functools.wraps(init)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        place = makers_place(caller(), self)
        if place:
            setattr(self, _ATTRIBUTE, Pool(f"asyncio.{type(self).__name__}", place, {}))

    @functools.wraps(get)
    async def watched_get(self: Any) -> Any:
        if requests.current() is None or not self.empty():
            return await get(self)
        if _pool_of(self) is None and not places.users_place():
            # A server's own: Django waits in it beside the view, for the client to leave.
            return await get(self)
        stack, begun = places.stack(), native.monotonic()
        try:
            with spans.Waiting():
                return await get(self)
        finally:
            _note(_pool_of(self), self, begun, stack)

    kind.__init__, kind.get = remember, watched_get
