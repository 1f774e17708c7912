"""Redis and Valkey: one server, the master that sentinels name, or a cluster."""

from __future__ import annotations

from .async_engine import AsyncRedisStore
from .engine import RedisStore

__all__ = ["AsyncRedisStore", "RedisStore"]
