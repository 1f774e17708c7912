"""Walking over many records: page by page, one server after the other."""

from __future__ import annotations

import time

from ..errors import StoreError
from ..protocol import Page
from .naming import Naming
from .requests import At, BatchAt, Masters, Operation, Run
from .scripts import CLEARED

#: Keys that one step of `clear` looks at, and deletes.
SLICE = 1000


class ManyOperations:
    """Scanning and clearing.

    Args:
        names: of the keys.
        log_length: about so many changes are kept for each topic.
        patience: seconds after which a page is handed over although it is not full: in a large
            database, keys with a rare prefix are far between.
    """

    def __init__(self, names: Naming, log_length: int, patience: float) -> None:
        self._names = names
        self._log_length = log_length
        self._patience = patience

    def scan(self, prefix: bytes, after: bytes | None, limit: int) -> Operation[Page]:
        """SCAN, one server after the other, until the page is full."""
        place = _Place.read(after)
        pattern = self._names.pattern(prefix)
        skip = len(self._names.records)
        deadline = time.monotonic() + self._patience
        while len(place.left) < limit and not place.at_end and time.monotonic() < deadline:
            masters = yield Masters()
            place.settle(masters)
            cursor, names = yield At(
                place.master, ("SCAN", place.cursor, "MATCH", pattern, "COUNT", max(limit, 10))
            )
            place.left += [name[skip:] for name in names]
            place.go_on(masters, int(cursor))
        keys, place.left = place.left[:limit], place.left[limit:]
        return Page(keys, place.write())

    def clear(self, prefix: bytes, topic: bytes | None) -> Operation[int]:
        """SCAN and UNLINK, one server after the other."""
        pattern = self._names.pattern(prefix)
        if topic is None:
            return (yield from self._clear(pattern))
        log = self._names.log(topic)
        last = yield ("XREVRANGE", log, "+", "-", "COUNT", 1)
        done = yield from self._clear(pattern)
        yield Run(CLEARED, (log,), (self._log_length, last[0][0] if last else b""))
        return done

    def clear_results(self) -> Operation[int]:
        """The same with all results that have tags."""
        return (yield from self._clear(self._names.all_results()))

    def count_results(self) -> Operation[int]:
        """SCAN, one server after the other."""
        pattern, found = self._names.all_results(), 0
        for master in (yield Masters()):
            cursor = 0
            while True:
                cursor, names = yield At(master, ("SCAN", cursor, "MATCH", pattern, "COUNT", SLICE))
                found += len(names)
                cursor = int(cursor)
                if cursor == 0:
                    break
        return found

    def _clear(self, pattern: bytes) -> Operation[int]:
        done = 0
        for master in (yield Masters()):
            cursor = 0
            while True:
                cursor, names = yield At(master, ("SCAN", cursor, "MATCH", pattern, "COUNT", SLICE))
                if names and self._names.cluster:
                    done += sum((yield BatchAt(master, [("UNLINK", name) for name in names])))
                elif names:
                    done += yield ("UNLINK", *names)
                cursor = int(cursor)
                if cursor == 0:
                    break
        return done


class _Place:
    """Where a scan stands: at which server, at which cursor, and which keys are still in hand.

    A server may hand over more keys than asked for, and goes no half steps: the rest travels in
    `Page.after`.
    """

    def __init__(self, master: str, cursor: int, left: list[bytes], *, at_end: bool) -> None:
        self.master = master
        self.cursor = cursor
        self.left = left
        self.at_end = at_end

    @classmethod
    def read(cls, after: bytes | None) -> _Place:
        if after is None:
            return cls("", 0, [], at_end=False)
        try:
            head, _, rest = after.partition(b"\n")
            end, cursor, master = head.split(b" ", 2)
            left = []
            while rest:
                length, _, rest = rest.partition(b":")
                left.append(rest[: int(length)])
                rest = rest[int(length) :]
            return cls(master.decode(), int(cursor), left, at_end=end == b"1")
        except ValueError:
            raise StoreError("`after` is no place that scan() of this store gave") from None

    def write(self) -> bytes | None:
        if self.at_end and not self.left:
            return None
        left = b"".join(b"%d:%s" % (len(key), key) for key in self.left)
        return b"%d %d %s\n%s" % (self.at_end, self.cursor, self.master.encode(), left)

    def settle(self, masters: list[str]) -> None:
        """Make sure that the server is one that there is."""
        if self.master not in masters:
            # At the beginning; or the server has gone, and another has its keys, which one isn't
            # said: so all are visited again. Better a key twice than never.
            self.master, self.cursor = masters[0], 0

    def go_on(self, masters: list[str], cursor: int) -> None:
        self.cursor = cursor
        if cursor == 0:
            later = [name for name in masters if name > self.master]
            self.at_end = not later
            if later:
                self.master = later[0]
