"""Bytes that all workers see: one protocol, several engines.

This room knows bytes only. What users work with, dictionaries and counters, locks and streams, is
built on it in `holdfast.shared`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from .errors import (
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UnsupportedByStoreError,
)
from .location import parse
from .protocol import Store

__all__ = [
    "Store",
    "StoreError",
    "StoreFull",
    "StoreTimeout",
    "StoreUnavailable",
    "UnsupportedByStoreError",
    "open_store",
]

_CLASSES = {
    "lmdb": "LmdbStore",
    "memcached": "MemcachedStore",
    "memory": "MemoryStore",
    "redis": "RedisStore",
}


def open_store(
    url: str,
    *,
    timeout: float | None = None,
    purpose: Literal["state", "cache"] = "state",
    **options: Any,
) -> Store:
    """The store at *url*, for this process and those that are forked from it.

    Nothing is connected to or opened before it is needed. The store's `asynchronous` is the same
    for async code.

    Args:
        url: "lmdb:///path/to/directory", "lmdb://" (this project's own directory), "redis://…",
            "rediss://…", "valkey://…", "redis+sentinel://…", "redis+cluster://…", "unix:///socket",
            "memcached://a,b", or, for tests of one process, "memory://".
        timeout: seconds after which a call is given up. None: as the engine has it, 1 second for
            those on a network and 5 for a write to the embedded one.
        purpose: "state" is never evicted: a full store refuses, with `StoreFull`. "cache" is.
        options: of the engine; they may stand in the URL, too.

    Raises:
        StoreError: the URL makes no sense, or the engine's library isn't installed.
    """
    engine = parse(url).engine
    if timeout is not None:
        options["timeout"] = timeout
    try:
        made = getattr(import_module(f".{engine}", __name__), _CLASSES[engine])
        # lmdb is imported late, with the first call; so that its lack shows here:
        if engine == "lmdb":
            import_module("lmdb")
        store: Store = made(url, purpose=purpose, **options)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("holdfast"):
            raise
        raise StoreError(
            f"The {engine} store needs a package that isn't installed ({error.name}):"
            f" pip install 'holdfast[{engine}]'"
        ) from error
    return store
