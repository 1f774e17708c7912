"""The engine in memory, for async code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from .async_tags import AsyncMemoryTags
from .engine import MemoryStore, until

_POLL = 0.005


def _in_place(name: str) -> Callable[..., Any]:
    async def method(self: AsyncMemoryStore, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._store, name)(*args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"See `Store.{name}`."
    return method


class AsyncMemoryStore:
    """See `AsyncStore`. Waits by looking again every 5 ms: it is for tests."""

    local = True

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.url = store.url
        self.timeout = store.timeout
        self.tags = AsyncMemoryTags(store.tags)

    get = _in_place("get")
    get_many = _in_place("get_many")
    gets = _in_place("gets")
    set = _in_place("set")
    set_many = _in_place("set_many")
    add = _in_place("add")
    replace = _in_place("replace")
    delete = _in_place("delete")
    delete_many = _in_place("delete_many")
    touch = _in_place("touch")
    expires_in = _in_place("expires_in")
    increment = _in_place("increment")
    scan = _in_place("scan")
    clear = _in_place("clear")
    position = _in_place("position")
    changes = _in_place("changes")
    renew = _in_place("renew")
    release = _in_place("release")
    stats = _in_place("stats")
    close = _in_place("close")

    async def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        deadline = time.monotonic() + timeout
        while self._store.position(topic) <= since:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_POLL)
        return True

    async def acquire(
        self,
        key: bytes,
        owner: bytes,
        ttl: float,
        *,
        timeout: float | None = None,
    ) -> int | None:
        """See `Store.acquire`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            fence = self._store.acquire(key, owner, ttl, timeout=0)
            if fence is not None:
                return fence
            left = until(_POLL, deadline)
            if left <= 0:
                return None
            await asyncio.sleep(left)
