"""What a result depends on, collected while it is made.

Whoever sees the loader read something adds a tag: a query cache the rows of a query, a page cache
the parts of the request, and the user a tag of his own. What is added belongs to the innermost
recording that is open in this context (a task, a carried thread and `sync_to_async` inherit it) and
from there to all around it: a cached call within a cached call makes the outer result depend on
whatever the inner one depends on, whether the inner one was loaded or found.

How a query cache uses it, where a query is executed:

    for recording in current_recordings():  # empty nearly always: costs 40 ns
        recording.add(b"t:default:shop_article:id=7")
        break  # the innermost one hands it on

How a page cache uses it: `recording.parts` is its own dict of what the view read of the request
(`{"cookie:theme": "dark"}`), from which the `store_at` that it gave to `Loader.fetch` makes the
page's key; and `recording.refuse("Set-Cookie")` has the page served, but neither stored nor given
to anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: A reason to refuse that is over soon: unlike others, it says nothing of the next result.
STALE = "it was made of a result that was served stale"


class Recording:
    """What one result depends on. Any thread or task that works on the result may add to it.

    Attributes:
        tags: the tags so far.
        parts: what a page cache notes; handed on to the outer recording where that lacks the key.
        refusal: why the result must not be stored; None where it may be.
        broad: queries that read rows which can't be told, as SQL; None: there was none.
        outer: the recording that this one is within, if any.
        closed: whether the result is made. What is added later goes to the outer ones that are
            still open.
    """

    __slots__ = ("__weakref__", "broad", "closed", "outer", "parts", "refusal", "tags")

    def __init__(self, outer: Recording | None = None) -> None:
        self.tags: set[bytes] = set()
        self.parts: dict[Any, Any] = {}
        self.refusal: str | None = None
        self.broad: set[str] | None = None
        self.outer = outer
        self.closed = False

    def add(self, tag: bytes) -> None:
        """The result depends on *tag*."""
        if not self.closed:
            self.tags.add(tag)
        elif self.outer is not None:
            self.outer.add(tag)

    def add_all(self, tags: Iterable[bytes]) -> None:
        """The result depends on all of *tags*."""
        if not self.closed:
            self.tags.update(tags)
        elif self.outer is not None:
            self.outer.add_all(tags)

    def refuse(self, reason: str) -> None:
        """The result must not be stored, nor given to anybody but who made it.

        Args:
            reason: a few words, for those who ask why it isn't cached: "Set-Cookie".
        """
        if not self.closed:
            self.refusal = self.refusal or reason
        elif self.outer is not None:
            self.outer.refuse(reason)

    def note_broad(self, query: str) -> None:
        """A query made the result depend on a whole table: for those who ask which one it was."""
        if not self.closed:
            self.broad = {*(self.broad or ()), query}
        elif self.outer is not None:
            self.outer.note_broad(query)

    def close(self) -> None:
        """The result is made: hand all on to the outer recording."""
        self.closed = True
        outer = self.outer
        if outer is not None:
            outer.add_all(self.tags)
            if self.refusal is not None:
                outer.refuse(self.refusal)
            for query in self.broad or ():
                outer.note_broad(query)
            for part, value in self.parts.items():
                outer.parts.setdefault(part, value)


#: The innermost recording; maybe a closed one, in what a loader has started and left behind.
innermost: ContextVar[Recording | None] = ContextVar("holdfast.recording", default=None)


def current_recordings() -> tuple[Recording, ...]:
    """Those that are open here, the innermost first."""
    found = innermost.get()
    if found is None:
        return ()
    open_ones = []
    while found is not None:
        if not found.closed:
            open_ones.append(found)
        found = found.outer
    return tuple(open_ones)


@contextmanager
def recording() -> Iterator[Recording]:
    """Collect what is read within the block.

    For `async` code, too: what is awaited in the block is recorded, and nothing else that the loop
    runs meanwhile.
    """
    outer = innermost.get()
    made = Recording(outer)
    innermost.set(made)
    try:
        yield made
    finally:
        innermost.set(outer)
        made.close()


@contextmanager
def no_recording() -> Iterator[None]:
    """Read within the block without that it counts: for what no result depends on."""
    outer = innermost.get()
    innermost.set(None)
    try:
        yield
    finally:
        innermost.set(outer)
