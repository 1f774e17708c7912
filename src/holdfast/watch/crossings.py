"""What the watch reports: state that went from one request to another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from .places import Stack, told
from .trouble import trouble


class Kind(StrEnum):
    """What happened to the state."""

    #: A request wrote, and then read what another one had written.
    LOST = "lost write"
    #: A request read, without writing first, what another one wrote, and it is request data.
    LEAK = "leak"
    #: Any other reading across requests: a cache, a counter.
    SHARED = "shared on purpose?"

    @property
    def is_bug(self) -> bool:
        """Whether it counts as a failure."""
        return self is not Kind.SHARED


@dataclass(frozen=True, slots=True)
class Access:
    """A reading or a writing.

    Attributes:
        request: whose it was, such as `request 3 (GET /labels/)`.
        stack: innermost first.
    """

    request: str
    stack: Stack

    def told(self) -> dict[str, object]:
        """As plain data."""
        return {"request": self.request, "stack": told(self.stack)}


@dataclass(slots=True)
class Crossing:
    """State of one request that another one read.

    Attributes:
        kind: see `Kind`.
        holder: what kind of object held it, such as `shop.middleware.ApiLogger`.
        name: of the attribute, the item or the global.
        value: what was read, shortly.
        read: by whom and where.
        written: by whom and where.
        count: how often it was seen, from these two places.
        gone: whether it was deleted by the other request; *value* is the error, then.
    """

    kind: Kind
    holder: str
    name: str
    value: str
    read: Access
    written: Access
    count: int = 1
    gone: bool = False

    @property
    def place(self) -> str:
        """Holder and name, as one would write them."""
        return (
            f"{self.holder}{self.name}"
            if self.name[:1] in {"[", "("}
            else (f"{self.holder}.{self.name}")
        )

    @property
    def message(self) -> str:
        """The story, in a sentence."""
        read, wrote = self.read.request, self.written.request
        if self.gone:
            return f"{read} failed, as {wrote} had deleted what it used: {self.place}: {self.value}"
        if self.kind is Kind.LOST:
            return (
                f"{read} wrote {self.place}, and then read what {wrote} had written: {self.value}"
            )
        if self.kind is Kind.LEAK:
            return f"{read} read request data of {wrote} in {self.place}: {self.value}"
        return f"{read} read {self.place}, which {wrote} wrote: {self.value}"

    @property
    def mend(self) -> str:
        """What to do."""
        if self.kind is Kind.SHARED:
            return (
                "if it is one worker's on purpose, declare it with holdfast.worker_state(...);"
                " if other workers should see it, keep it in holdfast.shared"
            )
        return "keep it on the request, or in holdfast.state"

    def as_dict(self) -> dict[str, object]:
        """As plain data, for JSON."""
        return {
            "kind": self.kind.value,
            "place": self.place,
            "value": self.value,
            "message": self.message,
            "mend": self.mend,
            "count": self.count,
            "read": self.read.told(),
            "written": self.written.told(),
        }


@dataclass(slots=True, eq=False)
class Collector:
    """Gathers crossings: the same one, from the same two places, is counted.

    Args:
        told: called with each new one.
        most: how many different ones are kept; further ones are counted in `dropped`.
        period: grows when somebody looks on anew: then what was told of already is told again.
    """

    told: Callable[[Crossing], object] | None = None
    most: int = 1000
    dropped: int = 0
    period: int = 0
    _apart: list[Collector] = field(default_factory=list)
    _found: dict[object, Crossing] = field(default_factory=dict)
    _lock: Any = field(default_factory=threading.Lock)

    def add(self, crossing: Crossing) -> None:
        """Keep it, or count it."""
        key = (
            crossing.kind,
            crossing.holder,
            crossing.name if crossing.name[:1] not in {"[", "("} else "",
            crossing.read.stack[:1],
            crossing.written.stack[:1],
        )
        for apart in list(self._apart):
            apart.add(replace(crossing))
        with self._lock:
            known = self._found.get(key)
            if known is not None:
                known.count += 1
                return
            if len(self._found) >= self.most:
                self.dropped += 1
                return
            self._found[key] = crossing
        if self.told is None:
            return
        try:
            self.told(crossing)
        except Exception as error:  # noqa: BLE001 - the user's code reads on, whatever an observer does
            trouble("what was seen can't be told", error)

    @contextmanager
    def apart(self) -> Iterator[Collector]:
        """What is seen meanwhile, by itself: also what was seen before, and beyond `most`."""
        found = Collector(most=self.most)
        self.period += 1
        self._apart.append(found)
        try:
            yield found
        finally:
            self._apart.remove(found)

    @property
    def found(self) -> list[Crossing]:
        """All, bugs first."""
        with self._lock:
            found = list(self._found.values())
        order = list(Kind)
        return sorted(found, key=lambda crossing: order.index(crossing.kind))

    @property
    def bugs(self) -> list[Crossing]:
        """Lost writes and leaks."""
        return [crossing for crossing in self.found if crossing.kind.is_bug]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._found.clear()
            self.dropped = 0
