"""How long something in a store has been there, by this process's own watch.

A server's clock may be set, and those of two machines differ. So what must have lasted for some
seconds is looked at twice: that it was there then, and is there still, and that so many seconds lie
between the two, is known for certain whatever the clocks say.
"""

from __future__ import annotations

import time
from collections.abc import Hashable

#: Things that are remembered. Beyond, those seen first are forgotten, and begin anew.
_MOST = 10_000


class Observed:
    """What this process has seen, and when it did so first.

    Args:
        seconds: after which something has been there for long enough.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._first: dict[Hashable, float] = {}

    def long_enough(self, thing: Hashable) -> bool:
        """Note that *thing* is there now; whether it has been for long enough.

        *thing* must name just this one: what goes and comes again needs another name.
        """
        now = time.monotonic()
        first = self._first.setdefault(thing, now)
        if len(self._first) > _MOST:
            for old in list(self._first)[: _MOST // 2]:
                self._first.pop(old, None)
        return now - first >= self._seconds

    def gone(self, thing: Hashable) -> None:
        """It isn't there any more."""
        self._first.pop(thing, None)
