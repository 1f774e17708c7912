"""Requests, as the watch sees them: by their scopes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ..scope.scope import Scope, scope_var
from .locals import values_of
from .places import Stack

#: Where the watch leaves its scope in a WSGI environ or an ASGI scope.
WATCH_KEY = "holdfast.watch.scope"

_numbers = itertools.count(1)
#: Tells what came before what.
_moments = itertools.count(1)


_seen = 0
_count: Callable[[], object] | None = None


def visits() -> int:
    """How many requests this process has seen, where something was watched."""
    return _seen


def count_visits(count: Callable[[], object]) -> None:
    """Have *count* called with each request from now on."""
    global _count
    _count = count


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
        used: what it read of others: by the object's id and the name.
        foreign: another request's receiver that it is calling right now.
        missed: errors of readings that found nothing where there had been something, and what is
            told if the request fails of one.
    """

    __slots__ = (
        *("_begun", "_counted", "_over", "_stacks", "ended", "foreign", "missed", "name", "number"),
        "own",
        "used",
    )

    def __init__(self, name: str) -> None:
        global _seen
        self.number = _seen = next(_numbers)
        self.name = name
        self.own: dict[tuple[int, object], Any] = {}
        self.ended = False
        self.used: set[tuple[int, object]] = set()
        self.foreign: Any = None
        self.missed: list[tuple[BaseException, Callable[[], object]]] = []
        self._begun = next(_moments)
        self._over = 0
        self._counted = False
        self._stacks: dict[tuple[int, int], Stack] = {}

    def count(self) -> None:
        """Have it counted, once: at its beginning, or where that isn't seen, at its end.

        Not when it is made, which may be in the middle of a writing: others would run meanwhile.
        """
        if not self._counted:
            self._counted = True
            if _count is not None:
                _count()

    def known(self, where: Stack) -> Stack:
        """The same stack, once for all that a loop writes."""
        code, line = where[0]
        known = self._stacks.get((id(code), line))
        if known == where:
            return known
        self._stacks[id(code), line] = where
        return where

    def end(self) -> None:
        """Let go of all values."""
        self.count()
        self.ended = True
        self.own = {}
        self.used = set()
        self.missed = []
        self._stacks = {}
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
        around = _around(scope)
        if around is not None:
            visit = scope.memo[_Memo] = visit_of(around)
            return visit
        visit = scope.memo[_Memo] = Visit(scope.name)
        scope.on_close(visit.end)
    return visit


def _around(scope: Scope) -> Scope | None:
    """The scope that the watch has opened around the application, where that opens its own."""
    request = scope.request
    if type(request) is not dict:
        values = values_of(request)
        request = values.get("environ") or values.get("scope")
        if type(request) is not dict:
            return None
    found = request.get(WATCH_KEY)
    return found if type(found) is Scope and found is not scope and found.usable else None


def failed(error: BaseException) -> None:
    """The request that runs here fails of *error*: was it for what another one took away?"""
    scope = scope_var.get()
    if not scope.usable:
        return
    visit = visit_of(scope)
    if not visit.missed:
        return
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        for one, tell in visit.missed:
            if one is cause:
                tell()
        cause = cause.__cause__ or cause.__context__
