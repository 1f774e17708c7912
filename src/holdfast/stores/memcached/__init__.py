"""Memcached: one server, or several that keys are spread over."""

from __future__ import annotations

from .async_engine import AsyncMemcachedStore
from .engine import MemcachedStore

__all__ = ["AsyncMemcachedStore", "MemcachedStore"]
