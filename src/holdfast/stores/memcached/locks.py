"""Locks: one item each, changed by compare-and-set only.

While it is held, its holder writes it anew three times in a lease. Who waits looks at it every 5 to
50 ms, for Memcached wakes nobody; and takes it over if nobody has written it for as long as the
lease, by the waiter's own watch: no clocks are compared. An abandoned lock that nobody waits for
ends with its item, by the server's watch, at most 2 s after the last lease.
"""

from __future__ import annotations

import math
import random
import struct
import time
from dataclasses import dataclass

from ..networked.leases import Taken
from ..protocol import HEARTBEAT
from . import wire
from .failures import refused
from .naming import Naming
from .records import EARLY
from .requests import Ask, Operation, Pause
from .wire import Reply

#: How long a fence is remembered after its last use; from then on the clock is far above.
_REMEMBER_FENCE = 24 * 60 * 60

#: The fence; the lease in seconds, 0 if it is free. The owner follows.
_STATE = struct.Struct(">Qd")


@dataclass(slots=True)
class _State:
    """What is known of a lock."""

    fence: int
    lease: float
    owner: bytes
    token: int


class LockOperations:
    """Taking, holding and releasing.

    Args:
        names: of the keys.

    Attributes:
        server: which of the servers has the lock of a key.
    """

    def __init__(self, names: Naming) -> None:
        self._names = names
        self.server = names.server

    def acquire(
        self, key: bytes, owner: bytes, ttl: float, timeout: float | None
    ) -> Operation[Taken | None]:
        """Look, take it if it is free or abandoned, else look again."""
        lease = min(ttl, HEARTBEAT)
        deadline = None if timeout is None else time.monotonic() + timeout
        seen_token, seen_at = -1, 0.0
        while True:
            state = yield from self._look(key)
            now = time.monotonic()
            if state is None:
                fence = time.time_ns() // 1000
                taken = yield from self._put(key, fence, lease, owner)
            else:
                if state.token != seen_token:
                    seen_token, seen_at = state.token, now
                fence = state.fence + 1
                taken = False
                if state.lease == 0 or now - seen_at >= state.lease:
                    taken = yield from self._swap(key, state.token, fence, lease, owner)
            # Read so late that the lease may be over, it is renewed first.
            if taken and time.monotonic() - now >= lease:
                taken = yield from self.renew(key, owner, ttl)
            if taken:
                return Taken(fence, now)
            if deadline is not None and now >= deadline:
                return None
            wait = random.uniform(0.005, 0.05)  # noqa: S311 - jitter
            if deadline is not None:
                wait = min(wait, max(0.0, deadline - now))
            yield Pause(wait)

    def extend(self, key: bytes, owner: bytes, seconds: float) -> Operation[bool]:
        """Hold the lease for *seconds* from now."""
        return (yield from self._change(key, owner, seconds))

    def renew(self, key: bytes, owner: bytes, ttl: float) -> Operation[bool]:
        """Hold it for as long as a lease may be."""
        return (yield from self._change(key, owner, min(ttl, HEARTBEAT)))

    def release(self, key: bytes, owner: bytes) -> Operation[bool]:
        """Let go. The item stays, for the fence."""
        return (yield from self._change(key, owner, 0))

    def _change(self, key: bytes, owner: bytes, lease: float) -> Operation[bool]:
        while True:
            state = yield from self._look(key)
            if state is None or state.lease == 0 or state.owner != owner:
                return False
            # Lost only to a renewal of our own, or to who took it over: looked at again.
            if (yield from self._swap(key, state.token, state.fence, lease, owner)):
                return True

    def _look(self, key: bytes) -> Operation[_State | None]:
        (reply,) = yield [Ask(self._names.server(key), wire.get_all(self._names.lock(key)))]
        if _sound(reply).kind == wire.MISS:
            return None
        fence, lease = _STATE.unpack_from(reply.value)
        return _State(fence, lease, reply.value[_STATE.size :], reply.token)

    def _put(self, key: bytes, fence: int, lease: float, owner: bytes) -> Operation[bool]:
        command = wire.add(self._names.lock(key), *_written(fence, lease, owner))
        (reply,) = yield [Ask(self._names.server(key), command)]
        return bool(_sound(reply).kind == wire.DONE)

    def _swap(
        self, key: bytes, token: int, fence: int, lease: float, owner: bytes
    ) -> Operation[bool]:
        value, ttl = _written(fence, lease, owner)
        command = wire.swap(self._names.lock(key), value, token, ttl)
        (reply,) = yield [Ask(self._names.server(key), command)]
        return bool(_sound(reply).kind == wire.DONE)


def _written(fence: int, lease: float, owner: bytes) -> tuple[bytes, int]:
    """The item, and its TTL."""
    ttl = math.ceil(lease) + EARLY if lease else _REMEMBER_FENCE
    return _STATE.pack(fence, lease) + owner, ttl


def _sound(reply: Reply) -> Reply:
    if reply.kind == wire.ERROR:
        raise refused(reply.error)
    return reply
