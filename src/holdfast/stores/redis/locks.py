"""Locks: a key that holds its owner for the length of a lease, and a list that waiters wait on.

Who releases puts one entry into the list, which wakes one waiter; who waits does so no longer than
the holder's lease has left, for a holder that was killed wakes nobody.
"""

from __future__ import annotations

import time

from ..networked.leases import Taken
from ..protocol import HEARTBEAT
from .naming import Naming
from .operations import milliseconds
from .requests import Operation, Run, Waiting
from .scripts import ACQUIRE, EXTEND, RELEASE

#: How long a fence is remembered after its last use; from then on the server's clock is far above.
_REMEMBER_FENCE_MS = 24 * 60 * 60 * 1000
#: How long a release is remembered while nobody waits.
_REMEMBER_RELEASE_MS = 1000


class LockOperations:
    """Taking, holding and releasing. The heartbeat is `Leases`' matter.

    Args:
        names: of the keys.
        slice_: the longest that one command is let wait, in seconds.
    """

    def __init__(self, names: Naming, slice_: float) -> None:
        self._names = names
        self._slice = slice_

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, timeout: float | None
    ) -> Operation[Taken | None]:
        """Try, wait to be woken, and try again."""
        keys = (self._names.lock(key), self._names.fence(key))
        lease = min(ttl, HEARTBEAT)
        arguments = (owner, milliseconds(lease), _REMEMBER_FENCE_MS)
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            begun = time.monotonic()
            fence = int((yield Run(ACQUIRE, keys, arguments)))
            if fence > 0:
                # Read so late that the lease may be over, it is renewed first.
                late = time.monotonic() - begun >= lease
                if not late or (yield from self.renew(key, owner, ttl)):
                    return Taken(fence, begun)
                continue
            wait = min(-fence / 1000, self._slice)
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                wait = min(wait, left)
            # Redis takes 0 as for ever.
            yield Waiting(("BLPOP", self._names.wake(key), max(0.001, round(wait, 3))))

    def extend(self, key: bytes, owner: bytes, seconds: float) -> Run:
        """Hold the lease for *seconds* from now."""
        return Run(EXTEND, (self._names.lock(key),), (owner, milliseconds(seconds)))

    def renew(self, key: bytes, owner: bytes, ttl: float) -> Operation[bool]:
        """Hold it for as long as a lease may be."""
        return bool((yield self.extend(key, owner, min(ttl, HEARTBEAT))))

    def release(self, key: bytes, owner: bytes) -> Operation[bool]:
        """Let go, and wake one waiter."""
        keys = (self._names.lock(key), self._names.wake(key))
        return bool((yield Run(RELEASE, keys, (owner, _REMEMBER_RELEASE_MS))))
