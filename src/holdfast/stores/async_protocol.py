"""`Store`, to be awaited: what async code gets from `store.asynchronous`.

Each method does what the one of the same name in `protocol.Store` does, and takes the same
arguments. What is quick is done in place; what has to wait lets the event loop go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from .protocol import KEEP, TTL, Changes, KeptTTL, Page, Token

if TYPE_CHECKING:
    from .tags import AsyncTags


class AsyncStore(Protocol):
    """Bytes that all workers see. See `Store`."""

    url: str
    timeout: float
    local: bool

    @property
    def tags(self) -> AsyncTags:
        """See `Store.tags`."""
        ...

    async def get(self, key: bytes) -> bytes | None:
        """See `Store.get`."""
        ...

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """See `Store.get_many`."""
        ...

    async def gets(self, key: bytes) -> tuple[bytes, Token] | None:
        """See `Store.gets`."""
        ...

    async def set(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set`."""
        ...

    async def set_many(
        self, items: Mapping[bytes, bytes], ttl: TTL = None, *, topic: bytes | None = None
    ) -> None:
        """See `Store.set_many`."""
        ...

    async def add(
        self, key: bytes, value: bytes, ttl: TTL = None, *, topic: bytes | None = None
    ) -> bool:
        """See `Store.add`."""
        ...

    async def replace(
        self,
        key: bytes,
        value: bytes | None,
        token: Token | None,
        ttl: KeptTTL = KEEP,
        *,
        topic: bytes | None = None,
    ) -> bool:
        """See `Store.replace`."""
        ...

    async def delete(self, key: bytes, *, topic: bytes | None = None) -> bool:
        """See `Store.delete`."""
        ...

    async def delete_many(self, keys: Iterable[bytes], *, topic: bytes | None = None) -> int:
        """See `Store.delete_many`."""
        ...

    async def touch(self, key: bytes, ttl: TTL) -> bool:
        """See `Store.touch`."""
        ...

    async def expires_in(self, key: bytes) -> float | None:
        """See `Store.expires_in`."""
        ...

    async def increment(
        self, key: bytes, delta: int = 1, *, initial: int | None = None, ttl: TTL = None
    ) -> int:
        """See `Store.increment`."""
        ...

    async def scan(self, prefix: bytes, *, after: bytes | None = None, limit: int = 1000) -> Page:
        """See `Store.scan`."""
        ...

    async def clear(self, prefix: bytes, *, topic: bytes | None = None) -> int:
        """See `Store.clear`."""
        ...

    async def position(self, topic: bytes) -> int:
        """See `Store.position`."""
        ...

    async def changes(self, topic: bytes, since: int, *, limit: int = 1000) -> Changes:
        """See `Store.changes`."""
        ...

    async def wait_for_change(self, topic: bytes, since: int, timeout: float) -> bool:
        """See `Store.wait_for_change`."""
        ...

    async def acquire(
        self, key: bytes, owner: bytes, ttl: float, *, timeout: float | None = None
    ) -> int | None:
        """See `Store.acquire`."""
        ...

    async def renew(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `Store.renew`."""
        ...

    async def release(self, key: bytes, owner: bytes) -> bool:
        """See `Store.release`."""
        ...

    async def stats(self) -> dict[str, object]:
        """See `Store.stats`."""
        ...

    async def close(self) -> None:
        """See `Store.close`."""
        ...
