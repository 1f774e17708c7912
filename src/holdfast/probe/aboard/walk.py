"""From objects to those who hold them, a step at a time, up to the roots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

from .heap import Heap
from .names import Path, pattern_of, step
from .roots import Roots

#: Steps. Nothing of a project is held further away than that.
DEEPEST = 25
#: Paths from one root, things of one holder that are told apart, and steps to find these paths.
_MOST_WAYS, _MOST_LOOKED_AT, _MOST_STEPS = 50, 50, 2_000


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
        # By who holds something, what it holds of what was looked for.
        self._inward: dict[int, list[int]] = {}
        self._seen = set(names)
        self._steps = 0

    def paths(self, targets: AbstractSet[int]) -> Iterator[Path]:
        """The ways to *targets*, the shortest first."""
        here = set(targets)
        for _ in range(DEEPEST):
            if not here:
                return
            for number in here:
                label = self._roots.frames.get(number)
                if label is not None:
                    yield self._path(label, [self._heap.of(number)], self._names[number], number)
            outward, here = self._outward(here), set()
            for number in outward:
                label = self._label(number, self._inward[number][0])
                if label is None:
                    here.add(number)
                else:
                    # It may hold more, further away.
                    self._seen.discard(number)
                    yield from self._ways(number)

    def _label(self, number: int, held: int) -> str | None:
        return self._roots.label(self._heap.of(number), self._heap.of(held), texts=self._texts)

    def _ways(self, root: int) -> Iterator[Path]:
        """The paths from a root inwards: one for each attribute or variable on the way."""
        self._steps = _MOST_STEPS
        for way, names in islice(self._inwards(root, None), _MOST_WAYS):
            label = self._label(root, way[1])
            if label:
                chain = [self._heap.of(number) for number in way]
                yield self._path(label, chain, names, way[-1])

    def _inwards(self, number: int, before: Any) -> Iterator[tuple[list[int], frozenset[str]]]:
        self._steps -= 1
        inward = self._inward.get(number)
        if inward is None:
            yield [number], self._names[number]
            return
        if self._steps < 0:
            return  # there are very many ways, and more of them say nothing new
        holder = self._heap.of(number)
        # What is held in the same way, such as items of a list, is told by one of them.
        alike: dict[str, tuple[int, frozenset[str]]] = {}
        kind = ""
        for at, held in enumerate(inward):
            if at < _MOST_LOOKED_AT:
                kind = pattern_of(step(holder, self._heap.of(held), before))
            first, names = alike.get(kind, (held, frozenset()))
            alike[kind] = first, names | self._names[held]
        for held, names in alike.values():
            further = list(self._inwards(held, holder))
            for way, own in further:
                yield [number, *way], names if len(further) == 1 else own

    def _outward(self, here: set[int]) -> set[int]:
        """Who holds something of *here*: roots, and others who were not met before."""
        outward: set[int] = set()
        for holder, held in self._heap.holders(here):
            number = id(holder)
            if number not in outward:
                if number in self._seen or self._roots.blocks(holder, texts=self._texts):
                    continue
                self._seen.add(number)
                self._inward[number] = []
                self._names[number] = frozenset()
                outward.add(number)
            self._inward[number] += held
            self._names[number] |= frozenset().union(*(self._names[one] for one in held))
        return outward

    def _path(self, label: str, chain: list[Any], names: frozenset[str], end: int) -> Path:
        return Path(
            self._whats[end],
            label,
            chain,
            names,
            passing=self._roots.is_passing(label),
            is_users=self._roots.is_users(label),
        )
