"""Backends for Django's cache framework, over stores that all workers see.

Settings name them: `"BACKEND": "holdfast.django.cache.EmbeddedCache"`, or `GuardedCache` with a
`LOCATION` such as `redis://127.0.0.1/1`. What they need is imported when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backends import EmbeddedCache, GuardedCache
    from .values import NotCacheable

__all__ = ["EmbeddedCache", "GuardedCache", "NotCacheable"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import backends, values
    except ModuleNotFoundError as error:
        raise ImportError(
            f"Holdfast's caches need a package that isn't installed ({error.name}):"
            " pip install 'holdfast[lmdb]', or 'holdfast[redis]', or 'holdfast[memcached]'"
        ) from error
    found = getattr(values if name == "NotCacheable" else backends, name)
    globals()[name] = found
    return found
