"""Requests, as the watch sees them: by their scopes."""

from __future__ import annotations

import itertools
from typing import Any

from ..scope.scope import Scope

_numbers = itertools.count(1)


class _Memo:
    """Stands for the watch among what a scope remembers."""


class Visit:
    """One request.

    Attributes:
        number: 1 for the first of the process.
        name: such as `GET /labels/`.
        own: what it wrote and still counts as its own: by object and name.
        ended: whether it is over.
    """

    __slots__ = ("ended", "name", "number", "own")

    def __init__(self, name: str) -> None:
        self.number = next(_numbers)
        self.name = name
        self.own: dict[tuple[int, object], Any] = {}
        self.ended = False

    def end(self) -> None:
        """Let go of all values."""
        self.ended = True
        self.own = {}

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
