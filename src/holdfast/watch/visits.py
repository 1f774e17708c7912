"""Requests, as the watch sees them: by their scopes."""

from __future__ import annotations

import itertools
from typing import Any

from ..scope.scope import Scope

_numbers = itertools.count(1)
#: Tells what came before what.
_moments = itertools.count(1)


class _Memo:
    """Stands for the watch among what a scope remembers."""


class Visit:
    """One request.

    Attributes:
        number: 1 for the first of the process.
        name: such as `GET /labels/`.
        own: what it wrote and still counts as its own: by the object's id and the name; with the
            object's cells, as another object may have the same id later.
        ended: whether it is over.
        foreign: another request's receiver that it is calling right now.
    """

    __slots__ = ("_begun", "_over", "ended", "foreign", "name", "number", "own")

    def __init__(self, name: str) -> None:
        self.number = next(_numbers)
        self.name = name
        self.own: dict[tuple[int, object], Any] = {}
        self.ended = False
        self.foreign: Any = None
        self._begun = next(_moments)
        self._over = 0

    def end(self) -> None:
        """Let go of all values."""
        self.ended = True
        self.own = {}
        self._over = next(_moments)

    def came_after(self, other: Visit) -> bool:
        """Whether it began when the other one was over."""
        return 0 < other._over < self._begun

    # Called in the event loop as well: see `Scope.closes_at_once`.
    end.never_blocks = True  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return f"request {self.number} ({self.name})" if self.name else f"request {self.number}"


def visit_of(scope: Scope) -> Visit:
    """The visit that a usable scope stands for."""
    visit: Visit | None = scope.memo.get(_Memo)
    if visit is None:
        visit = scope.memo[_Memo] = Visit(scope.name)
        scope.on_close(visit.end)
    return visit
