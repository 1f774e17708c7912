"""What must not outlive a fork: sockets, threads and whatever else belongs to one process."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Inherited(Protocol):
    """Something that a forked child finds in its memory and must let go of."""

    def forget_parent(self) -> None:
        """Drop what belongs to the parent, without a word on its sockets."""
        ...


_inheritable: weakref.WeakSet[Inherited] = weakref.WeakSet()


def renew_after_fork(thing: Inherited) -> None:
    """Have `forget_parent` called in each child process, before any other code runs there."""
    _inheritable.add(thing)


def _in_child() -> None:
    for thing in list(_inheritable):
        thing.forget_parent()


os.register_at_fork(after_in_child=_in_child)
