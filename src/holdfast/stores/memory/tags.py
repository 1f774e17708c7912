"""Tags of the engine in memory: all of the protocol, in a few plain steps. See `stores.tags`."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from ..tags import Entry, Look, Stamp, TagState


@dataclass(slots=True)
class _Tag:
    """The number of the last bump; by writer, the moment when its mark is over."""

    number: int
    marks: dict[bytes, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Result:
    value: bytes
    tags: tuple[bytes, ...]
    stamp: Stamp
    expiry: float | None


class MemoryTags:
    """See `Tags`. Everything is done under one lock, and nothing is ever lost or forgotten."""

    def __init__(self, commit_timeout: float) -> None:
        self.commit_timeout = commit_timeout
        self._epoch = secrets.token_bytes(8)
        self._number = 1
        self._tags: dict[bytes, _Tag] = {}
        self._results: dict[bytes, _Result] = {}
        self._lock = threading.RLock()

    def stamp(self) -> Stamp | None:
        """See `Tags.stamp`."""
        return self.sequence()

    def sequence(self) -> bytes:
        """See `Tags.sequence`."""
        return self._epoch + self._number.to_bytes(8)

    def put(
        self,
        key: bytes,
        value: bytes,
        ttl: float | None,
        stamp: Stamp,
        tags: Collection[bytes],
    ) -> bool:
        """See `Tags.put`."""
        with self._lock:
            if (ttl is not None and ttl <= 0) or not self.valid(stamp, tags):
                return False
            expiry = None if ttl is None else time.monotonic() + ttl
            self._results[key] = _Result(bytes(value), tuple(tags), stamp, expiry)
            return True

    def get(self, key: bytes) -> Entry | None:
        """See `Tags.get`."""
        with self._lock:
            found = self._results.get(key)
            if found is None:
                return None
            left = None if found.expiry is None else found.expiry - time.monotonic()
            if left is not None and left <= 0:
                del self._results[key]
                return None
            valid = self.valid(found.stamp, found.tags)
            return Entry(found.value, found.tags, found.stamp, valid, left)

    def get_many(self, keys: Collection[bytes]) -> dict[bytes, Entry]:
        """See `Tags.get_many`."""
        with self._lock:
            return {key: entry for key in keys if (entry := self.get(key)) is not None}

    def valid(self, stamp: Stamp, tags: Collection[bytes]) -> bool:
        """See `Tags.valid`."""
        with self._lock:
            number = int.from_bytes(stamp[8:])
            return stamp[:8] == self._epoch and all(
                not (tag := self._settled(name)).marks and tag.number <= number
                for name in tags
                if name in self._tags
            )

    def mark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.mark`."""
        with self._lock:
            self._number += 1
            over = time.monotonic() + self.commit_timeout
            for name in tags:
                self._tags.setdefault(name, _Tag(0)).marks[writer] = over

    def bump(self, tags: Collection[bytes], writer: bytes | None = None) -> None:
        """See `Tags.bump`."""
        with self._lock:
            for tag in self._bumped(tags):
                if writer is not None:
                    tag.marks.pop(writer, None)

    def unmark(self, tags: Collection[bytes], writer: bytes) -> None:
        """See `Tags.unmark`."""
        with self._lock:
            for name in tags:
                if name in self._tags:
                    self._tags[name].marks.pop(writer, None)

    def delete(self, key: bytes) -> bool:
        """See `Tags.delete`."""
        with self._lock:
            return self._results.pop(key, None) is not None

    def clear(self) -> None:
        """See `Tags.clear`."""
        with self._lock:
            self._results.clear()

    def look(self, tags: Collection[bytes], *, count: bool = False) -> Look:
        """See `Tags.look`."""
        with self._lock:
            states = {}
            for name in tags:
                known = name in self._tags
                tag = self._settled(name) if known else _Tag(0)
                states[name] = TagState(tag.number, known, len(tag.marks))
            marked = sum(bool(tag.marks) for tag in self._tags.values())
            return Look(self.sequence(), False, states, len(self._tags), marked, len(self._results))

    def _bumped(self, names: Collection[bytes]) -> list[_Tag]:
        """The tags, with a new number, one for all."""
        self._number += 1
        tags = [self._tags.setdefault(name, _Tag(0)) for name in names]
        for tag in tags:
            tag.number = self._number
        return tags

    def _settled(self, name: bytes) -> _Tag:
        """The tag, after marks that are over have become a bump."""
        tag = self._tags[name]
        now = time.monotonic()
        over = [writer for writer, end in tag.marks.items() if end <= now]
        if over:
            self._bumped([name])
            for writer in over:
                del tag.marks[writer]
        return tag
