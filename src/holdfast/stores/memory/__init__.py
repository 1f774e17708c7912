"""The plain engine, for tests: the model that the others are held to."""

from .asynchronous import AsyncMemoryStore
from .engine import MemoryStore

__all__ = ["AsyncMemoryStore", "MemoryStore"]
