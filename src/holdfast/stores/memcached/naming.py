"""Which server has a key, and what it is called there.

Names in Memcached are of 250 visible characters at most; a key that is no such name is hashed. A
space is a prefix that can be cleared: the names of its keys hold a number, its generation on that
server, and clearing raises it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from hashlib import blake2b
from typing import Any

from .address import Address

_LONGEST = 200
_UNFIT = re.compile(rb"[\x00-\x20\x7f-\xff]").search


class Naming:
    """Names of keys.

    Args:
        address: the servers, and what stands before each key.
        spaces: prefixes that can be cleared.
    """

    def __init__(self, address: Address, spaces: Collection[bytes]) -> None:
        self.prefix = address.prefix
        self.servers = address.servers
        # The longest first: a space within a space is its own.
        self.spaces = tuple(sorted(spaces, key=len, reverse=True))
        self._ring = _ring([str(server) for server in address.servers])

    def server(self, key: bytes) -> int:
        """Which of the servers has *key*: consistent hashing, so that few move with a change."""
        if self._ring is None:
            return 0
        place: int = self._ring[key.decode("latin-1")]
        return place

    def space(self, key: bytes) -> bytes | None:
        """The space that *key* lies in."""
        for space in self.spaces:
            if key.startswith(space):
                return space
        return None

    def record(self, key: bytes, generation: int | None = None) -> tuple[bytes, bytes | None]:
        """The name of a record; and the key again, where the name is only its hash."""
        name = key if generation is None else b"%x:%s" % (generation, key)
        if len(name) <= _LONGEST - len(self.prefix) and not _UNFIT(name):
            return b"%sr%s" % (self.prefix, name), None
        return b"%sh%s" % (self.prefix, self._hash(name)), key

    def generation(self, space: bytes) -> bytes:
        """Counts how often the space was cleared; one on each server."""
        return b"%sg%s" % (self.prefix, self._hash(space))

    def counter(self, topic: bytes) -> bytes:
        """Holds the position of the topic's last change."""
        return b"%st%s" % (self.prefix, self._hash(topic))

    def origin(self, topic: bytes) -> bytes:
        """Holds the position that the topic began with."""
        return self.counter(topic) + b":o"

    def entry(self, topic: bytes, position: int) -> bytes:
        """Holds one change."""
        return b"%s:%d" % (self.counter(topic), position)

    def lock(self, key: bytes) -> bytes:
        """Holds a lock's state."""
        return b"%sl%s" % (self.prefix, self._hash(key))

    def result(self, key: bytes) -> bytes:
        """A result with tags."""
        return b"%se%s" % (self.prefix, self._hash(key))

    def tag_state(self) -> bytes:
        """What all tags have in common."""
        return b"%sT" % self.prefix

    def tag(self, epoch: bytes, digest: bytes) -> bytes:
        """The number of a tag."""
        return b"%sT%s%s" % (self.prefix, epoch.hex().encode(), digest.hex().encode())

    @staticmethod
    def _hash(key: bytes) -> bytes:
        return blake2b(key, digest_size=24).hexdigest().encode()


def _ring(servers: list[str]) -> Any:
    if len(servers) == 1:
        return None
    from uhashring import HashRing  # type: ignore[import-untyped]

    places = {name: place for place, name in enumerate(servers)}
    ring = HashRing(nodes=servers)

    class Ring:
        def __getitem__(self, key: str) -> int:
            return places[ring.get_node(key)]

    return Ring()
