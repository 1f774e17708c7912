"""All objects of this process, and who holds whom, in one pass for each step.

`gc.get_referrers` would look through all objects for each few of those that are asked for, and
stop all threads meanwhile. Here the looking is done in pieces.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from types import ModuleType
from typing import Any

from . import native

#: Objects that are looked through; a process with more is not looked at.
MOST = 4_000_000
_PIECE, _FEW = 1000, 100
#: Seconds: longer than all objects take; and longer than a thread waits for its turn.
_LONG, _SHORT = 60.0, 0.006


class TooLong(Exception):  # noqa: N818 - no error of anybody
    """There was not enough time for all objects."""


class Heap:
    """The objects that are there now; they stay for as long as it does.

    Args:
        seconds: of processor time, after which looking raises `TooLong`; by the clock, ten times
            as many: a busy machine is no reason to find nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._until = native.thread_time() + seconds
        self._ends = native.monotonic() + 10 * seconds
        # What is made from here on isn't among them: so none of ours holds anything in there.
        self.objects: list[Any] = _objects()
        self._by_number: dict[int, Any] = {id(self): self}
        self._by_key: dict[int, list[Any]] = {id(self): [self]}
        if gc.get_freeze_count():
            self._add_frozen()
        if len(self.objects) > MOST:
            raise TooLong(f"there are {len(self.objects):,} objects")
        self._add_untracked()

    def of(self, number: int) -> Any:
        """The object of that identity, of those that were met as holders or as what is held."""
        return self._by_number[number]

    def remember(self, one: Any) -> int:
        """Have `of` know it; its identity."""
        self._by_number[id(one)] = one
        return id(one)

    def _add_untracked(self) -> None:
        """What the collector doesn't know, or was left out: found by who holds it.

        Those are dicts of plain values, and tuples.
        """
        is_tracked = gc.is_tracked
        pieces, seen = self.objects, set[int]()
        while pieces:
            more: list[Any] = []
            for referents in self._referents(pieces):
                for one in referents:
                    kind = type(one)
                    if (kind is tuple or (kind is dict and not is_tracked(one))) and id(
                        one
                    ) not in seen:
                        seen.add(id(one))
                        more.append(one)
            self.objects += more
            pieces = more

    def _add_frozen(self) -> None:
        """`gc.freeze()` (before a fork) hides objects: they are found from the modules on."""
        asyncio = _asyncio()
        known = set(map(id, self.objects))
        pieces: list[Any] = [vars(one) for one in _modules()]
        while pieces:
            fresh = []
            for one in pieces:
                if id(one) not in known and gc.is_tracked(one) and one is not asyncio:
                    known.add(id(one))
                    fresh.append(one)
            self.objects += fresh
            pieces = [one for referents in self._referents(fresh) for one in referents]
            if len(self.objects) > MOST:
                raise TooLong("there are too many frozen objects")

    def _referents(self, objects: list[Any]) -> Iterator[list[Any]]:
        for begin in range(0, len(objects), _PIECE):
            self._in_time()
            yield gc.get_referents(*objects[begin : begin + _PIECE])

    def _in_time(self) -> None:
        if native.thread_time() > self._until or native.monotonic() > self._ends:
            raise TooLong(f"there are {len(self.objects):,} objects, and the time was over")

    def texts(self, prefix: str) -> Iterator[str | bytes]:
        """The texts that hold *prefix*, each once."""
        in_bytes = prefix.encode()
        seen: set[int] = set()
        for referents in self._referents(self.objects):
            for one in referents:
                kind = type(one)
                if (kind is str and prefix in one) or (kind is bytes and in_bytes in one):
                    if id(one) not in seen:
                        seen.add(self.remember(one))
                        yield one
        for text in self._keys(prefix):
            if id(text) not in seen:
                seen.add(self.remember(text))
                yield text

    def _keys(self, prefix: str) -> Iterator[str]:
        """Of dicts whose keys are all texts, the collector isn't told the keys."""
        for number, one in enumerate(self.objects):
            if number % _PIECE == 0:
                self._in_time()
            if issubclass(type(one), dict) and len(one):
                for key in list(dict.keys(one)):
                    if type(key) is str and prefix in key:
                        self._by_key.setdefault(id(key), []).append(one)
                        yield key

    def holders(self, held: AbstractSet[int]) -> Iterator[tuple[Any, list[int]]]:
        """Who holds objects of those identities, and which ones."""
        get, number = gc.get_referents, id
        for begin in range(0, len(self.objects), _FEW):
            piece = self.objects[begin : begin + _FEW]
            self._in_time()
            if held.isdisjoint(map(number, get(*piece))):
                continue
            for one in piece:
                found = [other for other in get(one) if number(other) in held]
                if found:
                    self.remember(one)
                    yield one, [self.remember(other) for other in found]
        for key in held & self._by_key.keys():
            for one in self._by_key[key]:
                self.remember(one)
                yield one, [key]


def _objects() -> list[Any]:
    """All that the collector knows, without tuples.

    Code in C fills tuples of its own, which nothing else holds, again and again (uWSGI does), and
    breaks where somebody holds them, too. So no other thread may run until they are let go.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_LONG)
    try:
        native.sleep(_SHORT)  # whoever waited for its turn already has had it
        found = gc.get_objects()
        tuples = [number for number, kind in enumerate(map(type, found)) if kind is tuple]
        for number in tuples:
            found[number] = None
        asyncio = _asyncio()
        if asyncio is not None:
            found = [None if one is asyncio else one for one in found]
        return found
    finally:
        sys.setswitchinterval(before)
        # Who has waited since then would wait as long as it was told then.
        native.sleep(_SHORT)


def _asyncio() -> ModuleType | None:
    """A module that must not be asked what it holds: Python 3.12's tells of objects that were freed
    already, and are freed once more by whoever looks at them.
    """  # noqa: D205 - one sentence
    return sys.modules.get("_asyncio")


def _modules() -> list[ModuleType]:
    found: list[Any] = list(sys.modules.values())  # somebody may have put another thing there
    return [one for one in found if isinstance(one, ModuleType)]
