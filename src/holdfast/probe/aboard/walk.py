"""From objects to those who hold them, a step at a time, up to the roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from .heap import Heap
from .names import Path
from .roots import Roots

#: Steps. Nothing of a project is held further away than that.
DEEPEST = 25


class Walk:
    """One walk through the heap.

    Args:
        heap: the objects.
        roots: where it ends.
        whats: by identity, what is looked for: the name of its class.
        names: and the requests that it stands for.
        texts: whether texts are looked for. Caches and drivers keep texts on purpose.
    """

    def __init__(
        self,
        heap: Heap,
        roots: Roots,
        whats: Mapping[int, str],
        names: Mapping[int, frozenset[str]],
        *,
        texts: bool,
    ) -> None:
        self._heap = heap
        self._roots = roots
        self._whats = whats
        self._names = dict(names)
        self._texts = texts
        # By who holds something, one of the things that it holds.
        self._inward: dict[int, int] = {}
        self._seen = set(names)

    def paths(self, targets: AbstractSet[int]) -> Iterator[Path]:
        """The ways to *targets*, the shortest first."""
        here = set(targets)
        for _ in range(DEEPEST):
            if not here:
                return
            for number in here:
                label = self._roots.frames.get(number)
                if label is not None:
                    yield self._path(number, label)
            outward, here = self._outward(here), set()
            for number in outward:
                label = self._roots.label(
                    self._heap.of(number), self._heap.of(self._inward[number]), texts=self._texts
                )
                if label is None:
                    here.add(number)
                elif label:
                    yield self._path(number, label)

    def _outward(self, here: set[int]) -> set[int]:
        """Who holds something of *here*, and was not met before."""
        outward: set[int] = set()
        for holder, held in self._heap.holders(here):
            number = id(holder)
            if number not in outward:
                if number in self._seen or self._roots.blocks(holder, texts=self._texts):
                    continue
                self._seen.add(number)
                self._inward[number] = held[0]
                self._names[number] = frozenset()
                outward.add(number)
            self._names[number] |= frozenset().union(*(self._names[one] for one in held))
        return outward

    def _path(self, number: int, label: str) -> Path:
        chain, at = [self._heap.of(number)], number
        while at in self._inward:
            at = self._inward[at]
            chain.append(self._heap.of(at))
        roots = self._roots
        return Path(
            self._whats[at],
            label,
            chain,
            self._names[number],
            passing=roots.is_passing(label),
            is_users=roots.is_users(label),
        )
