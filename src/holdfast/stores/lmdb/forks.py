"""Telling whoever must know that the process forks."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Watcher(Protocol):
    """Whoever must know."""

    def before_fork(self) -> None:
        """Make ready."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Start anew, in a process of one thread."""


_watchers: WeakSet[Watcher] = WeakSet()


def watch(watcher: Watcher) -> None:
    """Call *watcher*'s three methods around each fork, as long as it lives."""
    _watchers.add(watcher)


def _call(name: str) -> None:
    for watcher in list(_watchers):
        getattr(watcher, name)()


os.register_at_fork(
    before=lambda: _call("before_fork"),
    after_in_parent=lambda: _call("after_fork_in_parent"),
    after_in_child=lambda: _call("after_fork_in_child"),
)
