"""The logs of changes: one stream for each topic.

A position is the id of a stream's entry: milliseconds of the server's clock and a number that tells
those of one millisecond apart. So no position is given twice, not after the log was lost either,
and a position that isn't in the log any more shows that something was missed: it was trimmed,
flushed, or the server came back with older data.
"""

from __future__ import annotations

import time
from typing import Any

from ..protocol import Change, Changes
from ..protocol import Operation as Done
from .naming import Naming
from .requests import Batch, Operation, Waiting

_WITHIN_ONE_MS = 20
_ORIGIN = b"o"
_DONE = {b"s": Done.SET, b"d": Done.DELETE, b"c": Done.CLEAR}


class TopicOperations:
    """Reading logs, and waiting for them.

    Args:
        names: of the keys.
        slice_: the longest that one command is let wait, in seconds; below the connections'
            time-out, so that a server that hangs is told from one that has nothing to say.
    """

    def __init__(self, names: Naming, slice_: float) -> None:
        self._names = names
        self._slice = slice_

    def position(self, topic: bytes) -> Operation[int]:
        """The last entry's id."""
        last = yield ("XREVRANGE", self._names.log(topic), "+", "-", "COUNT", 1)
        return _position(last[0][0]) if last else 0

    def changes(self, topic: bytes, since: int, limit: int) -> Operation[Changes]:
        """XRANGE."""
        log = self._names.log(topic)
        # The entry at `since` itself is asked for too: that it is there shows that nothing is
        # missing. From 0, it is the entry that began the log.
        start = _id(since) if since > 0 else "-"
        entries, last = yield Batch(
            [
                ("XRANGE", log, start, "+", "COUNT", limit + 1),
                ("XREVRANGE", log, "+", "-", "COUNT", 1),
            ]
        )
        if not last:
            return Changes([], complete=since <= 0, newest=0)
        first = entries[0] if entries else None
        if since > 0:
            complete = first is not None and _position(first[0]) == since
        else:
            complete = first is not None and _operation(first) == _ORIGIN
        if not complete:
            return Changes([], complete=False, newest=_position(last[0][0]))
        found = [
            Change(_position(entry[0]), _DONE[_operation(entry)], _key(entry))
            for entry in entries[1:]
        ]
        if len(found) < limit:
            # What was noted between the two commands will be asked for next time.
            newest = found[-1].position if found else _position(entries[0][0])
        else:
            newest = _position(last[0][0])
        return Changes(found, complete=True, newest=newest)

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> Operation[bool]:
        """XREAD BLOCK, in slices."""
        log = self._names.log(topic)
        deadline = time.monotonic() + timeout
        while True:
            left = min(deadline - time.monotonic(), self._slice)
            if left <= 0:
                reply = yield ("XREAD", "COUNT", 1, "STREAMS", log, _id(since))
                return bool(reply)
            # 0 would be for ever.
            wait = max(1, round(left * 1000))
            command = ("XREAD", "COUNT", 1, "BLOCK", wait, "STREAMS", log, _id(since))
            if (yield Waiting(command)):
                return True


def _position(entry_id: bytes) -> int:
    milliseconds, _, number = entry_id.partition(b"-")
    return (int(milliseconds) << _WITHIN_ONE_MS) | int(number)


def _id(position: int) -> str:
    if position <= 0:
        return "0-0"
    return f"{position >> _WITHIN_ONE_MS}-{position & ((1 << _WITHIN_ONE_MS) - 1)}"


def _operation(entry: Any) -> bytes:
    """An entry has one field: its name is the operation, its value the key."""
    operation: bytes = next(iter(entry[1]))
    return operation


def _key(entry: Any) -> bytes:
    key: bytes = next(iter(entry[1].values()))
    return key
