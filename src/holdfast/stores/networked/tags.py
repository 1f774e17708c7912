"""The two faces of tags in a store on a network: each call drives one operation of the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from ..tags import Entry, Look, Stamp


class NetworkedTags:
    """See `Tags`: the `tags` of a store on a network.

    Args:
        run: of the engine's driver: does all that an operation asks for.
        operations: of the engine: generators, of the same names as the methods here.
    """

    def __init__(self, run: Callable[[Any], Any], operations: Any) -> None:
        self.commit_timeout = operations.commit_timeout
        self._run = run
        self._operations = operations

    def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        found: Stamp | None = self._run(self._operations.stamp())
        return found

    def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        found: bytes = self._run(self._operations.sequence())
        return found

    def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        found: bool = self._run(self._operations.put(key, value, ttl, stamp, tags))
        return found

    def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        found: Entry | None = self._run(self._operations.get(key))
        return found

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        found: dict[bytes, Entry] = self._run(self._operations.get_many(keys))
        return found

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        found: bool = self._run(self._operations.valid(stamp, tags))
        return found

    def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        self._run(self._operations.mark(tags, writer))

    def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        self._run(self._operations.bump(tags, writer))

    def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        self._run(self._operations.unmark(tags, writer))

    def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        found: bool = self._run(self._operations.delete(key))
        return found

    def clear(self) -> None:
        """See `Tags.clear`. Redis looks at every key of the database for it."""
        self._run(self._operations.clear())

    def look(self, tags: Collection[bytes], *, count: bool = False) -> Look:
        """See `Tags.look`. Counting results looks at every key of a Redis."""
        found: Look = self._run(self._operations.look(tags, count=count))
        return found


class AsyncNetworkedTags:
    """See `AsyncTags`. No call blocks the event loop.

    Args:
        run: of the engine's driver: does all that an operation asks for.
        operations: of the engine: generators, of the same names as the methods here.
    """

    def __init__(self, run: Callable[[Any], Awaitable[Any]], operations: Any) -> None:
        self.commit_timeout = operations.commit_timeout
        self._run = run
        self._operations = operations

    async def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        found: Stamp | None = await self._run(self._operations.stamp())
        return found

    async def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        found: bytes = await self._run(self._operations.sequence())
        return found

    async def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        found: bool = await self._run(self._operations.put(key, value, ttl, stamp, tags))
        return found

    async def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        found: Entry | None = await self._run(self._operations.get(key))
        return found

    async def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        found: dict[bytes, Entry] = await self._run(self._operations.get_many(keys))
        return found

    async def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        found: bool = await self._run(self._operations.valid(stamp, tags))
        return found

    async def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        await self._run(self._operations.mark(tags, writer))

    async def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        await self._run(self._operations.bump(tags, writer))

    async def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        await self._run(self._operations.unmark(tags, writer))

    async def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        found: bool = await self._run(self._operations.delete(key))
        return found

    async def clear(self) -> None:
        """See `Tags.clear`. Redis looks at every key of the database for it."""
        await self._run(self._operations.clear())
