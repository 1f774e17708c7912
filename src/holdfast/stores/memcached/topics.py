"""The logs of changes: a counter for each topic, and one item for each position.

Memcached does nothing to two items in one step. So a writer takes a position, writes, and then
fills the position in: a reader that finds an empty one knows that a change is under way, and waits.
If it waits in vain (the writer was killed, or the item was evicted), it fills the position in
itself, with the word that something is unknown there; so nobody goes past it without reading the
whole state anew. A writer that comes late finds that word, and notes its change once more, at the
end.

A counter begins at the clock's microseconds, so that no position is given twice although the
servers lose everything.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection

from ..errors import StoreError, StoreUnavailable
from ..protocol import Change, Changes
from ..protocol import Operation as Done
from . import wire
from .failures import refused
from .naming import Naming
from .requests import Ask, Operation, Pause
from .wire import Reply

#: Positions that are looked back at: those before are taken for lost.
LOG_LENGTH = 10_000
#: Seconds that a noted change is kept.
KEEP_CHANGES = 60 * 60
#: Seconds that a reader waits for a change that is under way.
PATIENCE = 0.25
#: Before the newest one, positions that may still be empty.
_UNDER_WAY = 128

_UNKNOWN = b"?"
_NOTHING = b"-"
_LETTERS = {Done.SET: b"s", Done.DELETE: b"d", Done.CLEAR: b"c"}
_DONE = {letter: done for done, letter in _LETTERS.items()}

#: What was done, and to which key; None, if nothing was after all.
Note = tuple[Done, bytes] | None


class TopicOperations:
    """Noting changes, and reading them.

    Args:
        names: of the keys.
        log_length: positions that are looked back at.
    """

    def __init__(self, names: Naming, log_length: int) -> None:
        self.names = names
        self._log_length = log_length

    def reserve(self, topic: bytes | None, number: int) -> Operation[range]:
        """Take positions, before anything is written."""
        if topic is None:
            return range(0)
        first = time.time_ns() // 1000
        name = self.names.counter(topic)
        server = self.names.server(topic)
        (reply,) = yield [Ask(server, wire.count(name, number, first=first))]
        newest = int(_sound(reply).value)
        if newest == first:
            # We made the counter, and it has counted none of ours yet.
            origin = wire.put(self.names.origin(topic), b"%d" % first)
            _, reply = yield [Ask(server, origin), Ask(server, wire.count(name, number))]
            newest = int(_sound(reply).value)
        return range(newest - number + 1, newest + 1)

    def note(self, topic: bytes | None, positions: range, notes: list[Note]) -> Operation[None]:
        """Fill the positions in, after all was written."""
        if topic is None:
            return
        late = yield from self._fill(topic, positions, notes)
        while late:
            # A reader has given us up. It reads everything anew, but may have done so already.
            positions = yield from self.reserve(topic, len(late))
            late = yield from self._fill(topic, positions, late)

    def noting(
        self,
        topic: bytes | None,
        keys: Collection[bytes],
        write: Operation[list[Reply]],
        changes: Callable[[list[Reply]], list[Note]],
    ) -> Operation[list[Note]]:
        """Take positions, write, and fill them in with what *changes* reads in the replies."""
        if topic is None:
            return changes((yield from write))
        positions = yield from self.reserve(topic, len(keys))
        # Where a write fails, whether it was done isn't known. A word too many does no harm, since
        # who follows reads the value; but a position that stays empty keeps all readers waiting,
        # and has them read the whole anew.
        notes: list[Note] = [(Done.SET, key) for key in keys]
        try:
            notes = changes((yield from write))
            yield from self.note(topic, positions, notes)
        except GeneratorExit:
            raise
        except BaseException as error:
            server = self.names.server
            away = isinstance(error, StoreUnavailable) and {*map(server, keys)} == {server(topic)}
            if not away:
                try:
                    yield from self.note(topic, positions, notes)
                except StoreError:
                    pass  # then its readers wait, and read the whole anew
            raise
        return notes

    def position(self, topic: bytes) -> Operation[int]:
        """The counter, when all changes up to there are done."""
        newest, origin = yield from self._ends(topic)
        if newest:
            yield from self._read(topic, range(max(origin, newest - _UNDER_WAY) + 1, newest + 1))
        return newest

    def changes(self, topic: bytes, since: int, limit: int) -> Operation[Changes]:
        """One get for each position."""
        newest, origin = yield from self._ends(topic)
        if not newest:
            return Changes([], complete=since <= 0, newest=0)
        begin = since if since > 0 else origin
        if not 0 <= newest - begin <= self._log_length:
            return Changes([], complete=False, newest=(yield from self.position(topic)))
        positions = range(begin + 1, min(begin + limit, newest) + 1)
        entries = yield from self._read(topic, positions)
        if _UNKNOWN in entries:
            return Changes([], complete=False, newest=(yield from self.position(topic)))
        found = [
            Change(position, _DONE[entry[:1]], entry[1:])
            for position, entry in zip(positions, entries, strict=True)
            if entry != _NOTHING
        ]
        if not found:
            # Only what changed nothing after all: there may be more behind it.
            newest = positions.stop - 1
        return Changes(found, complete=True, newest=newest)

    def wait_for_change(self, topic: bytes, since: int, timeout: float) -> Operation[bool]:
        """Memcached wakes nobody: looked at again, every 5 to 50 ms."""
        deadline = time.monotonic() + timeout
        while True:
            newest, _ = yield from self._ends(topic)
            # A counter that went back tells as well that there is something to know.
            if newest != max(since, 0):
                return True
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            yield Pause(min(random.uniform(0.005, 0.05), remaining))  # noqa: S311 - jitter

    def _ends(self, topic: bytes) -> Operation[tuple[int, int]]:
        """The position of the newest change, and that which the topic began with; 0: not known."""
        server = self.names.server(topic)
        names = (self.names.counter(topic), self.names.origin(topic))
        deadline = time.monotonic() + PATIENCE
        while True:
            replies = yield [Ask(server, wire.get(name)) for name in names]
            newest, origin = (
                int(reply.value) if _sound(reply).kind == wire.VALUE else None for reply in replies
            )
            if newest is None or origin is not None:
                return newest or 0, origin or 0
            # Somebody has made the counter, and writes the origin just now; or was killed there.
            if time.monotonic() > deadline:
                yield [Ask(server, wire.add(names[1], b"0"))]
                return newest, 0
            yield Pause(0.01)

    def _fill(self, topic: bytes, positions: range, notes: list[Note]) -> Operation[list[Note]]:
        """Note each at its position; those whose position was given up are returned."""
        server = self.names.server(topic)
        replies = yield [
            Ask(server, wire.add(self.names.entry(topic, position), _written(note), KEEP_CHANGES))
            for position, note in zip(positions, notes, strict=True)
        ]
        return [
            note
            for note, reply in zip(notes, replies, strict=True)
            if note is not None and _sound(reply).kind == wire.NOT_STORED
        ]

    def _read(self, topic: bytes, positions: range) -> Operation[list[bytes]]:
        """What stands at the positions. Empty ones are waited for, and then filled in."""
        server = self.names.server(topic)
        entries: dict[int, bytes] = {}
        deadline = time.monotonic() + PATIENCE
        while True:
            empty = [position for position in positions if position not in entries]
            if not empty:
                return [entries[position] for position in positions]
            replies = yield [
                Ask(server, wire.get(self.names.entry(topic, position))) for position in empty
            ]
            for position, reply in zip(empty, replies, strict=True):
                if _sound(reply).kind == wire.VALUE:
                    entries[position] = reply.value
            empty = [position for position in empty if position not in entries]
            if empty and time.monotonic() > deadline:
                yield [
                    Ask(server, wire.add(self.names.entry(topic, position), _UNKNOWN, KEEP_CHANGES))
                    for position in empty
                ]
            elif empty:
                yield Pause(0.01)


def _written(note: Note) -> bytes:
    return _NOTHING if note is None else _LETTERS[note[0]] + note[1]


def _sound(reply: Reply) -> Reply:
    if reply.kind == wire.ERROR:
        raise refused(reply.error)
    return reply
