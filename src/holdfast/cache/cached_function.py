"""What `cached` knows of one function: its name in the store, and the way of its results."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any

from .. import configuration, named_stores
from ..stores.errors import StoreError
from ..values import MISSING
from . import consistency as consistencies
from . import verifying
from .events import counts
from .following import follower
from .kept import Kept
from .loading import Loader, loader
from .policy import Policy
from .recording import innermost
from .tagging import function_tag, key_tag, tags_of

_monotonic = time.monotonic

Load = Callable[[], Any]


class CachedFunction:
    """One decorated function. Its wrapper makes keys, and asks here for their results.

    Args:
        function: what is called for a result.
        policy: of its results.
        store: the name of the store.
        tags: as `cached` takes them.
        version: part of the keys.
    """

    __slots__ = (
        "__weakref__",
        "_events",
        "_fixed_tags",
        "_get",
        "_loader",
        "_sequence",
        "_tags",
        "function",
        "key",
        "policy",
        "prefix",
        "store",
        "tag",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        policy: Policy,
        *,
        store: str,
        tags: Any,
        version: int | str,
    ) -> None:
        self.function = function
        self.policy = policy
        self.store = store
        #: Makes the key of the function's arguments. Given by the wrapper, which has them.
        self.key: Callable[..., bytes] | None = None
        self.tag = function_tag(policy.name)
        self.prefix = f"c:{policy.name}@{version}:".encode()
        # A function of the arguments; or fixed ones, checked now.
        self._tags = tags if callable(tags) else None
        self._fixed_tags = [] if callable(tags) else tags_of(tags)
        self._events = counts(policy.name)
        self.unbind()
        _functions.add(self)

    # The store, when it is first needed; again, when there are other settings

    def unbind(self) -> None:
        """Find the store anew at the next call."""
        self._loader: Loader | None = None
        self._get: Callable[[bytes], Kept | None] = self._bind_and_get
        self._sequence: Callable[[], bytes] = _never

    def _bind_and_get(self, key: bytes) -> Kept | None:
        found: Kept | None = verifying.sampling(self.policy, self._bind().tier.of.get)(key)
        return found

    def _bind(self) -> Loader:
        found = self._loader
        if found is None:
            found = self._loader = loader(self.store)
            if named_stores.store(self.store).local:
                self._sequence = named_stores.store(self.store).tags.sequence
            elif self.policy.tier == "streamed":
                self._sequence = follower(self.store).sequence
            self._get = verifying.sampling(self.policy, found.tier.of.get)
        return found

    # Results

    def quick(self, key: bytes) -> Any:
        """The result, if it is in this process and there is nothing to do but to check it.

        MISSING, if not: then `call` or `acall` finds it, or loads it. Two microseconds; the store
        is asked only if it is on this machine.
        """
        kept = self._get(key)
        if kept is None:
            return MISSING
        now = _monotonic()
        try:
            if now >= kept.quiet_until or self._sequence() != kept.sequence:
                return MISSING
        except StoreError:
            return MISSING  # the longer way goes on without the store
        if consistencies.consistency.restricts and not consistencies.may_serve(kept.tags):
            return MISSING
        recording = innermost.get()
        if recording is not None:
            recording.add_all(kept.tags)
        kept.visited = True
        kept.seen = now
        self._events.tier_hits += 1
        copy = kept.copy
        return kept.value if copy is None else copy()

    def call(self, key: bytes, load: Load, tags: Load) -> Any:
        """The result, found or loaded."""
        return self._bind().fetch(key, load, self.policy, self._all_tags(key, tags))

    async def acall(self, key: bytes, load: Load, tags: Load) -> Any:
        """As `call`."""
        return await self._bind().afetch(key, load, self.policy, self._all_tags(key, tags))

    def refresh(self, key: bytes, load: Load, tags: Load) -> Any:
        """The result, loaded now."""
        return self._bind().refresh(key, load, self.policy, self._all_tags(key, tags))

    async def arefresh(self, key: bytes, load: Load, tags: Load) -> Any:
        """As `refresh`."""
        return await self._bind().arefresh(key, load, self.policy, self._all_tags(key, tags))

    def peek(self, key: bytes) -> Any:
        """The result, if there is one."""
        return self._bind().peek(key, self.policy)

    async def apeek(self, key: bytes) -> Any:
        """As `peek`."""
        return await self._bind().apeek(key, self.policy)

    def invalidate(self, key: bytes) -> None:
        """Make it untrue."""
        consistencies.consistency.invalidate(self.store, [key_tag(key)])

    async def ainvalidate(self, key: bytes) -> None:
        """As `invalidate`."""
        await consistencies.consistency.ainvalidate(self.store, [key_tag(key)])

    def named_tags(self, *args: Any, **kwargs: Any) -> list[bytes]:
        """The user's tags for these arguments."""
        return self._fixed_tags if self._tags is None else tags_of(self._tags(*args, **kwargs))

    def _all_tags(self, key: bytes, tags: Load) -> list[bytes]:
        return [self.tag, key_tag(key), *tags()]


def _never() -> bytes:
    """No sequence: on a network, asking for it is not quick, and must not block an event loop."""
    return b""


_functions: weakref.WeakSet[CachedFunction] = weakref.WeakSet()


def registered(name: str) -> CachedFunction | None:
    """The function of that name, if this process has imported it."""
    return next((each for each in list(_functions) if each.policy.name == name), None)


def names() -> list[str]:
    """What the functions that this process has imported are called."""
    return sorted({each.policy.name for each in list(_functions)})


def _unbind_all() -> None:
    for function in list(_functions):
        function.unbind()


configuration.listeners.append(_unbind_all)
verifying.listeners.append(_unbind_all)
