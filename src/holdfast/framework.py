"""What a framework tells the rooms below it, before they are loaded: each is, when it is used.

Django's room fills these when the project starts, and loads nothing that the project doesn't use.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

#: Errors that say "there is none", to cached functions that keep such.
absent_errors: list[type[Exception]] = []

#: Asked for arguments that cached functions can't make a key of: the class that the value counts
#: as in keys and what names it there, or NotImplemented.
key_makers: list[Callable[[Any], Any]] = []
#: Asked before: the value that one merely stands for, or the same.
stand_ins: list[Callable[[Any], Any]] = []

#: What the framework counts beside, by name, for those who look at the figures of cached results.
figures: list[Callable[[], Mapping[str, int]]] = []

#: Opens what a result is read from as it was at one moment, so that it can be compared with one
#: that was served: called with the result's tags, in the thread that then loads.
snapshot: Callable[[Collection[bytes]], AbstractContextManager[object]] | None = None
#: The same for event loops.
async_snapshot: Callable[[Collection[bytes]], AbstractAsyncContextManager[object]] | None = None

#: Turn a value that can't be compared as it is into one that can, or into NotImplemented.
comparable: list[Callable[[Any], Any]] = []

#: Whether a value is loaded only when it is looked at, and nobody has looked yet.
unread: Callable[[Any], bool] | None = None

#: Whether the project's tests run in this process.
in_tests: Callable[[], bool] | None = None

#: Called after each piece of work that nobody waits for, in the thread or greenlet that did it, to
#: close what it opened.
after_background_work: list[Callable[[], object]] = []
