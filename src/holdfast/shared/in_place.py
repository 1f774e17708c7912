"""Writing an operation of several steps once, for sync and async.

It is written for an `AsyncStore`. Where nobody awaits, it is given a store whose methods have done
their work when they return, so that the whole runs to its end in one step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from ..stores.async_protocol import AsyncStore
    from ..stores.protocol import Store

_T = TypeVar("_T")


class _InPlace:
    """An `AsyncStore` that never suspends."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._store, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call


class Awaited:
    """Where an operation runs: on a store, and with a way to pause."""

    __slots__ = ("store",)

    may_await = True

    def __init__(self, store: AsyncStore) -> None:
        self.store = store

    async def pause(self, seconds: float) -> None:
        """Let others go on."""
        import asyncio

        await asyncio.sleep(seconds)


class InPlace(Awaited):
    """The same, where nobody awaits."""

    __slots__ = ()

    may_await = False

    def __init__(self, store: Store) -> None:
        super().__init__(cast("AsyncStore", _InPlace(store)))

    async def pause(self, seconds: float) -> None:
        """Let others go on. Patched by gevent, this lets greenlets."""
        time.sleep(seconds)  # noqa: ASYNC251 - nobody awaits


def finish(operation: Coroutine[Any, Any, _T]) -> _T:
    """The result of an operation that runs `InPlace`."""
    try:
        operation.send(None)
    except StopIteration as stop:
        return cast("_T", stop.value)
    operation.close()
    raise RuntimeError("an operation in place was suspended")
