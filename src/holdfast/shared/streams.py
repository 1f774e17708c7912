"""What changed in a shared dict."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..stores import protocol
from ..stores.protocol import Operation
from .errors import Gap
from .handle import Handle
from .keys import decode_key, place_of

_KINDS: dict[Operation, Literal["set", "delete", "clear"]] = {
    Operation.SET: "set",
    Operation.DELETE: "delete",
    Operation.CLEAR: "clear",
}
# Seconds of one wait in a store. An interrupt is noticed between two.
_LONGEST_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a shared dict.

    Attributes:
        position: where in the stream it is; a later change has a larger one.
        kind: "set", "delete" or "clear".
        key: the key; None for "clear".
    """

    position: int
    kind: Literal["set", "delete", "clear"]
    key: Any


class Stream(Handle):
    """What is changed in the shared dict of that name, in order.

        for change in holdfast.shared.stream("flags", since=0, timeout=0):
            change.position, change.kind, change.key

    A change says which key, not what value: read that, as it is by then. Values that expire, or are
    written by a dict with `logged=False`, are not told of.

    The log is bounded. Where changes were missed, iteration raises `Gap`: read the whole dict anew.
    To follow a dict without missing anything, take the position first and read then:

        stream = holdfast.shared.stream("flags")
        since = stream.position
        known = dict(flags.items())

    Waiting costs nothing: whoever waits is woken (on Memcached it asks, every few milliseconds).

    Args:
        name: what the dict is called.
        since: the position after which to begin; None: what happens from now on; 0: all that is
            known.
        timeout: seconds without any change after which iteration ends; 0: doesn't wait; None:
            waits for ever.
        store: which of the stores in HOLDFAST["STORES"].
    """

    __slots__ = ("_position", "_topic", "timeout")

    def __init__(
        self,
        name: str,
        since: int | None = None,
        *,
        timeout: float | None = None,
        store: str = "default",
    ) -> None:
        super().__init__(name, store)
        self._topic = place_of(b"d", name)
        if since is not None and not isinstance(since, int):
            raise TypeError(
                f"since must be a position, such as stream.position, or 0 or None, not {since!r}."
            )
        self._position = since
        self.timeout = timeout

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | {"since": self._position, "timeout": self.timeout}

    @property
    def position(self) -> int:
        """Where it is: after the last change that it gave. Asks the store where it hasn't begun."""
        if self._position is None:
            self._position = self._store.position(self._topic)
        return self._position

    async def aposition(self) -> int:
        """As `position`."""
        if self._position is None:
            self._position = await self._async_store.position(self._topic)
        return self._position

    def __iter__(self) -> Iterator[Change]:
        store, topic = self._store, self._topic
        position = self.position
        quiet = _Quiet(self.timeout)
        while True:
            found = store.changes(topic, position)
            for change in self._told(found):
                self._position = position = change.position
                yield change
                quiet.begin()
            if not found.changes:
                # Past what changed nothing, or it would be found anew without end.
                self._position = position = found.newest
                if quiet.seen_to(position):
                    return
            changed = store.wait_for_change(topic, position, quiet.left())
            if quiet.left() <= 0:
                if not changed:
                    return
                if quiet.end is None:
                    quiet.end = store.position(topic)

    async def __aiter__(self) -> AsyncIterator[Change]:
        store, topic = self._async_store, self._topic
        position = await self.aposition()
        quiet = _Quiet(self.timeout)
        while True:
            found = await store.changes(topic, position)
            for change in self._told(found):
                self._position = position = change.position
                yield change
                quiet.begin()
            if not found.changes:
                self._position = position = found.newest
                if quiet.seen_to(position):
                    return
            changed = await store.wait_for_change(topic, position, quiet.left())
            if quiet.left() <= 0:
                if not changed:
                    return
                if quiet.end is None:
                    quiet.end = await store.position(topic)

    def _told(self, found: protocol.Changes) -> Iterator[Change]:
        if not found.complete:
            since, self._position = self._position or 0, found.newest
            raise Gap(self._name, since, found.newest)
        prefix = len(self._topic) + 1
        for change in found.changes:
            kind = _KINDS[change.operation]
            key = None if kind == "clear" else decode_key(change.key[prefix:])
            yield Change(change.position, kind, key)


class _Quiet:
    """How long there has been no change.

    Attributes:
        end: where the log ended when the time was over; None: it isn't. What is noted behind it may
            have changed nothing, and others may note such without end.
    """

    __slots__ = ("_since", "_timeout", "end")

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self.begin()

    def begin(self) -> None:
        """Now there was one."""
        self._since = time.monotonic()
        self.end: int | None = None

    def seen_to(self, position: int) -> bool:
        """Whether the time is over, and all has been seen that was noted until then."""
        return self.end is not None and position >= self.end

    def left(self) -> float:
        """Seconds to wait now: not below 0."""
        if self._timeout is None:
            return _LONGEST_WAIT
        left = self._since + self._timeout - time.monotonic()
        return max(0.0, min(left, _LONGEST_WAIT))
