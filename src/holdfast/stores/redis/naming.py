"""What things are called in Redis.

Keys of one step must lie on one node of a cluster. Redis decides by the first `{tag}` in a key, or
by the whole key: so a record and its topic lie together if both hold the same tag. A lock's keys
are given one of their own.
"""

from __future__ import annotations

from ..errors import UnsupportedByStoreError


class Naming:
    """Names of keys.

    Args:
        prefix: stands before each.
        cluster: whether keys of one step could lie on several nodes.
    """

    def __init__(self, prefix: bytes, *, cluster: bool) -> None:
        self.prefix = prefix
        self.records = prefix + b"r:"
        self.results = prefix + b"e:"
        self.cluster = cluster

    def log(self, topic: bytes) -> bytes:
        """The stream of a topic's changes."""
        return self.prefix + b"t:" + topic

    def lock(self, key: bytes) -> bytes:
        """Holds the owner, for as long as the lease."""
        return self.prefix + b"l:{k" + key + b"}"

    def fence(self, key: bytes) -> bytes:
        """Holds the lock's last fence."""
        return self.prefix + b"f:{k" + key + b"}"

    def wake(self, key: bytes) -> bytes:
        """The list that the lock's waiters wait on."""
        return self.prefix + b"w:{k" + key + b"}"

    def tags(self) -> tuple[bytes, bytes]:
        """The state of tags, and their numbers; both on one node of a cluster."""
        tag = b"%sg:{%stags}" % (self.prefix, self.prefix)
        return tag + b"s", tag + b"n"

    def one_step(self, log: bytes, *records: bytes) -> tuple[bytes, ...]:
        """The log and the records, if one step can reach them."""
        if self.cluster:
            from redis.crc import key_slot

            if len({key_slot(key) for key in (log, *records)}) > 1:
                raise UnsupportedByStoreError(
                    "in a Redis cluster, a key and its topic must share a hash tag to be written"
                    " in one step: put the same {tag} in both, as in b'{flags}' and b'{flags}:key'"
                )
        return (log, *records)

    def pattern(self, prefix: bytes) -> bytes:
        """What matches the records whose keys begin with *prefix*."""
        return _pattern(self.records + prefix)

    def all_results(self) -> bytes:
        """What matches the results with tags."""
        return _pattern(self.results)


def _pattern(literal: bytes) -> bytes:
    for special in (b"\\", b"*", b"?", b"[", b"]"):
        literal = literal.replace(special, b"\\" + special)
    return literal + b"*"
