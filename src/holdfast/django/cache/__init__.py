"""Backends for Django's cache framework, over stores that all workers see.

CACHES = {"default": {"BACKEND": "holdfast.django.cache.EmbeddedCache"}}
CACHES = {
    "default": {
        "BACKEND": "holdfast.django.cache.GuardedCache",
        "LOCATION": "redis://127.0.0.1/1",
    }
}
"""

from .backends import EmbeddedCache, GuardedCache
from .values import NotCacheable

__all__ = ["EmbeddedCache", "GuardedCache", "NotCacheable"]
