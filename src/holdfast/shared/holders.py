"""Who holds which lock, in this process.

A holder is a task, a greenlet, or a thread: whatever would wait for itself if it took one twice.
"""

from __future__ import annotations

import os
import sys
from _thread import _local
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .locks import Holding

# Native, and that is meant: greenlets are told apart before it is looked at.
_thread = _local()


class _Thread:
    """A thread. Its number would be given to another one after its end."""


def running_code() -> Hashable:
    """The task, greenlet or thread that runs."""
    asyncio: Any = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task: Hashable = asyncio.current_task()
        if task is not None:
            return task
    greenlet: Any = sys.modules.get("greenlet")
    if greenlet is not None:
        current: Any = greenlet.getcurrent()
        # A thread's own code is the thread, as it was before anybody imported greenlet.
        if current.parent is not None:
            return current  # type: ignore[no-any-return]
    try:
        found: _Thread = _thread.found
    except AttributeError:
        found = _thread.found = _Thread()
    return found


#: What each holder holds, by the lock's store and place.
holdings: dict[tuple[Hashable, str, bytes], Holding] = {}


def forget_lost() -> None:
    """Forget what was never released, and ended long ago."""
    for key, holding in list(holdings.items()):
        if holding.abandoned:
            holdings.pop(key, None)


def _forget_parent() -> None:
    # What was held at the fork is held by the parent, and the child must not let go of it.
    for holding in list(holdings.values()):
        holding.forget()
    holdings.clear()


os.register_at_fork(after_in_child=_forget_parent)
