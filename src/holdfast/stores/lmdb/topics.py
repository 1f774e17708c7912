"""The log of each topic's changes: bounded, and gapless as far as it goes.

Positions are consecutive within a topic. They start from a number that the file got from the clock
when it was made, so that a position of an earlier file is never taken for one of this.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import Any

from ..protocol import Change, Changes, Operation
from .environment import Environment

#: Position before the first change, position of the last one.
_HEAD = Struct(">QQ")
_POSITION = Struct(">Q")
_OPERATIONS = {operation.value: operation for operation in Operation}


def name(topic: bytes) -> bytes:
    """16 bytes for a topic of any length."""
    return blake2b(topic, digest_size=16).digest()


class Topics:
    """The logs of one file.

    Args:
        environment: the file.
        limit: changes that a topic's log keeps.
    """

    def __init__(self, environment: Environment, limit: int) -> None:
        self._environment = environment
        self._databases = environment.databases
        self._limit = limit

    def note(self, txn: Any, topic: bytes, operation: Operation, key: bytes) -> None:
        """Append a change, and let go of the oldest where there are too many."""
        log, heads = self._databases[b"log"], self._databases[b"topics"]
        topic_name = name(topic)
        head = txn.get(topic_name, db=heads)
        start, last = (self._environment.base,) * 2 if head is None else _HEAD.unpack(head)
        last += 1
        txn.put(topic_name, _HEAD.pack(start, last), db=heads)
        txn.put(topic_name + _POSITION.pack(last), operation.value + key, db=log)
        if last - start > self._limit:
            # Two, so that a log that was once allowed to be longer gets shorter in time.
            oldest = topic_name + _POSITION.pack(start)
            with txn.cursor(log) as cursor:
                for _ in range(2):
                    if not cursor.set_range(oldest):
                        break
                    entry = bytes(cursor.key())
                    if _POSITION.unpack(entry[16:])[0] <= last - self._limit:
                        cursor.delete()

    def position(self, txn: Any, topic: bytes) -> int:
        """Of the last change; 0 where there was none."""
        head = txn.get(name(topic), db=self._databases[b"topics"])
        return 0 if head is None else int(_HEAD.unpack(head)[1])

    def changes(self, txn: Any, topic: bytes, since: int, limit: int) -> Changes:
        """What came after *since*."""
        topic_name = name(topic)
        head = txn.get(topic_name, db=self._databases[b"topics"])
        if head is None:
            return Changes([], complete=since == 0, newest=0)
        start, newest = _HEAD.unpack(head)
        since = since or start
        found: list[Change] = []
        complete = start <= since <= newest
        with txn.cursor(self._databases[b"log"]) as cursor:
            there = cursor.set_range(topic_name + _POSITION.pack(since + 1))
            while there and len(found) < limit:
                entry = bytes(cursor.key())
                if entry[:16] != topic_name:
                    break
                position, value = _POSITION.unpack(entry[16:])[0], bytes(cursor.value())
                found.append(Change(position, _OPERATIONS[value[:1]], value[1:]))
                there = cursor.next()
        if found and found[0].position != since + 1:
            complete = False
        if not found and since != newest and limit > 0:
            complete = False
        return Changes(found, complete=complete, newest=newest)
