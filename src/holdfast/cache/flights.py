"""One load at a time for each key of this process, whatever asks: threads, greenlets, tasks.

Who comes while a load is under way waits for it, and then may take its result only if that can't
be older than what was true when he came. That is so if the load began after he came; or if he came
before the store took the result, or said that it is true: for it refuses what was made untrue since
its load began. Who comes after that moment, while the leader has yet to let go, begins again.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from ..scope.flight import Flight as Waited

if TYPE_CHECKING:
    from .payload import Found

#: Orders what happens in this process: who came, and which load began, before which.
next_moment = count(1).__next__


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load came to.

    Attributes:
        payload: the result, encoded, so that each who waited gets one of his own; None where it
            must not be given to others, who have to load for themselves.
        tags: what it depends on.
        true_at: a moment, by `next_moment`, before the store took it or said that it is true;
            0: it didn't.
        place: the key that it was encoded for.
    """

    payload: bytes | None
    tags: frozenset[bytes]
    true_at: int
    place: bytes


class Flight(Waited):
    """A load under way.

    Attributes:
        began: when the load began, by `next_moment`; 0: not yet.
        outcome: what it came to; None where it failed, and the next one has to try.
        loop_thread: the thread whose event loop it runs in; 0: none.
    """

    __slots__ = ("began", "loop_thread", "outcome")

    def __init__(self) -> None:
        super().__init__()
        self.began = 0
        self.outcome: Outcome | None = None
        asyncio: Any = sys.modules.get("asyncio")
        in_loop = asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001
        self.loop_thread = get_ident() if in_loop else 0


class Look(Flight):
    """A look into a store on a network, for all of this process that ask for the same just then.

    Attributes:
        found: what was found.
        true_at: a moment before it was found: who came later has to look for himself.
    """

    __slots__ = ("found", "true_at")

    def __init__(self) -> None:
        super().__init__()
        self.found: Found | None = None
        self.true_at = 0
