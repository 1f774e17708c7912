"""The shadow reader: whether what is served is true, by reading it again.

A share of the hits (`HOLDFAST["CACHE"]["VERIFY"]`, or the command `holdfast cache verify`) is
loaded once more, in the background, from a snapshot of the database, with nothing cached in
between, and compared with what was served. If they differ, and the protocol holds the result for
true still *after* that, then it is wrong: had anybody changed what it was made of since it was
loaded, in a way that is seen, it would not be valid any more. So a change that comes at the same
time is never taken for an error; such pairs, and all others of which nothing can be said, count as
not comparable.
"""

from __future__ import annotations

import logging
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from .. import configuration, framework
from ..scope.open_scope import open_scope
from ..scope.scope import scope_var
from . import consistency as consistencies
from .comparing import Incomparable, difference, shortened
from .payload import Found, Kind, body_of, pack, value_of
from .recording import recording

if TYPE_CHECKING:
    from .call import Call, Wanted
    from .driving import Awaiting
    from .events import Counts
    from .figures import Order
    from .policy import Policy

logger = logging.getLogger("holdfast")

#: So many are compared at once in a process; of more, none is.
MOST_AT_ONCE = 2
#: So many differences are remembered.
_MOST_DIFFERENCES = 20
_MOST_PICKED = 1000
_MOST_TAGS = 20

#: Whether any hit may have to be compared. Read at hits that aren't the quickest ones.
is_on = False
#: Called when other hits have to be than before.
listeners: list[Callable[[], object]] = []

_given: float | Mapping[str, float] = 0.0
# By store: what was ordered, until when; and what was heard last.
_ordered: dict[str, tuple[Order, float]] = {}
_heard: dict[str, str] = {}
_shares: dict[str, float] = {}

# Keys of hits that were picked, on their way from where they would have been served at once.
_picked: set[bytes] = set()
_running: set[object] = set()
_differences: deque[tuple[str, dict[str, Any]]] = deque(maxlen=_MOST_DIFFERENCES)


# Which hits


def share_of(policy: Policy) -> float:
    """The share of its hits that is to be compared."""
    if not policy.repeatable:
        return 0.0
    found = _shares.get(policy.name)
    if found is None:
        found = _shares[policy.name] = max(_share_given(policy.name), _share_ordered(policy.name))
    return found


def _share_given(name: str) -> float:
    if not isinstance(_given, Mapping):
        return _given
    return next((share for wanted, share in _given.items() if fnmatchcase(name, wanted)), 0.0)


def _share_ordered(name: str) -> float:
    orders = [order for order, _ in list(_ordered.values()) if fnmatchcase(name, order.of)]
    return max((order.share for order in orders), default=0.0)


def obey(store: str, order: Order | None) -> None:
    """Do what the command wants; called again and again."""
    now = time.monotonic()
    before = _ordered.get(store)
    if before is not None and (now >= before[1] or order is None):
        del _ordered[store]
        _begin_anew()
    if order is not None and order.name != _heard.get(store):
        _heard[store] = order.name
        _ordered[store] = (order, now + order.seconds)
        _begin_anew()


def _begin_anew() -> None:
    global is_on
    _shares.clear()
    shares = _given.values() if isinstance(_given, Mapping) else (_given,)
    is_on = bool(_ordered) or any(shares)
    for listener in listeners:
        listener()


def _configured() -> None:
    global _given
    _given = configuration.setting("CACHE", {}).get("VERIFY", 0.0)
    _ordered.clear()
    _differences.clear()
    _begin_anew()


def sampling(policy: Policy, get: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """*get*, as it is where nothing is to be compared; else one that finds less, by that share.

    What it doesn't find goes the longer way, where it is found, served and compared.
    """
    share = share_of(policy)
    if not share:
        return get

    def get_some(key: bytes) -> Any:
        kept = get(key)
        return None if kept is not None and picks(policy, key) else kept

    return get_some


def picks(policy: Policy, key: bytes) -> bool:
    """Whether this hit is to be compared: it has to go the longer way, to `consider`."""
    if random.random() >= share_of(policy):  # noqa: S311 - nobody needs to be kept from guessing
        return False
    if len(_picked) > _MOST_PICKED:
        _picked.clear()  # of such that were no hits after all
    _picked.add(key)
    return True


def consider(call: Call, found: Found) -> None:
    """A result is being served: compare it, if it was picked."""
    policy, key = call.policy, call.key
    if key in _picked:
        _picked.discard(key)
    elif found.kept is not None or random.random() >= share_of(policy):  # noqa: S311
        return
    if not policy.repeatable or found.head.kind is Kind.ERROR or len(_running) >= MOST_AT_ONCE:
        return
    mark, wanted, counts = object(), call.wanted, call.events
    _running.add(mark)

    async def job(at: Awaiting) -> None:
        try:
            await _verify(at, wanted, key, found, counts)
        finally:
            _running.discard(mark)

    if not call.at.start(job, lambda: _running.discard(mark)):
        _running.discard(mark)


# Comparing


async def _verify(at: Awaiting, wanted: Wanted, key: bytes, found: Found, counts: Counts) -> None:
    try:
        differs, loaded = await _compared(at, wanted, key, found)
        if not await at.tags("valid", found.stamp, found.tags):
            raise Incomparable("it was made untrue meanwhile")
    except Incomparable as reason:
        counts.note_incomparable(str(reason))
    except Exception as error:  # noqa: BLE001 - a loader, or a database, that fails says nothing
        counts.note_incomparable(f"{type(error).__name__}: {error}"[:120])
    else:
        if differs:
            counts.differed += 1
            _report(at.store, wanted.policy.name, key, found, differs, loaded)
        else:
            counts.agreed += 1


async def _compared(at: Awaiting, wanted: Wanted, key: bytes, found: Found) -> tuple[str, Any]:
    """Where the two differ; and what was loaded."""
    with consistencies.alone(), _own_scope():
        if not at.may_await:
            with _snapshot(framework.snapshot, found) as _:
                return await _compared_there(at, wanted, key, found)
        if framework.async_snapshot is None:
            return await _compared_there(at, wanted, key, found)
        async with framework.async_snapshot(found.tags):
            return await _compared_there(at, wanted, key, found)


def _snapshot(opens: Callable[..., Any] | None, found: Found) -> Any:
    return nullcontext() if opens is None else opens(found.tags)


async def _compared_there(
    at: Awaiting, wanted: Wanted, key: bytes, found: Found
) -> tuple[str, Any]:
    served = body_of(found.payload)
    loaded = await _load(at, wanted, key, found)
    if body_of(loaded) == served:
        return "", None
    was, now = value_of(found.payload, key), value_of(loaded, key)
    differs = _difference(was, now)
    if differs:
        # A function that never says the same twice is none to be verified.
        again = value_of(await _load(at, wanted, key, found), key)
        if _difference(now, again):
            raise Incomparable("its own results differ from one another")
    return differs, now


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, BaseException) or isinstance(other, BaseException):
        return "" if type(one) is type(other) else f"{shortened(one)} != {shortened(other)}"
    return difference(one, other)


async def _load(at: Awaiting, wanted: Wanted, key: bytes, found: Found) -> bytes:
    """The result as it is now, as it would be stored."""
    value: Any = None
    # The tracking refuses what was read from a snapshot that is older than its stamp.
    await at.stamp()
    with recording() as made:
        try:
            value = await at.call(wanted.load)
        except Exception as error:
            if not wanted.policy.says_none(error):
                raise
            value = error
        place = key
        if wanted.store_at is not None and not isinstance(value, BaseException):
            place = await at.call(wanted.store_at, made)
        # While the snapshot is open: what is evaluated late is read here.
        payload = pack(value, found.head, key)
        if made.refusal is not None:
            raise Incomparable(made.refusal)
    if place != key:
        raise Incomparable("it is another page now, by what it read of the request")
    return payload


@contextmanager
def _own_scope() -> Iterator[None]:
    """The request, without what was remembered for it."""
    scope = scope_var.get()
    if not scope.usable:
        yield
        return
    with open_scope(scope.request, **scope.state.__dict__):
        yield


def _report(  # noqa: PLR0913, PLR0917 - all that there is to say
    store: str, name: str, key: bytes, found: Found, differs: str, loaded: Any
) -> None:
    tags = [repr(tag)[2:-1] for tag in found.tags[:_MOST_TAGS]]
    facts = {
        "name": name,
        "key": repr(key)[2:-1],
        "where": differs,
        "served": shortened(value_of(found.payload, key)),
        "loaded": shortened(loaded),
        "tags": tags,
        "at": time.time(),
    }
    _differences.append((store, facts))
    logger.warning(
        "A cached result of %s was served that is not true: %s. Something was changed in a way that"
        " nobody told of. Key: %s, tags: %s",
        name,
        differs,
        facts["key"],
        ", ".join(tags),
        extra={"holdfast_difference": facts},
    )


def differences(store: str) -> list[dict[str, Any]]:
    """The last results of that store that were not true, in this process."""
    return [facts for of, facts in list(_differences) if of == store]


def _in_child() -> None:
    _running.clear()
    _picked.clear()
    _differences.clear()


configuration.listeners.append(_configured)
os.register_at_fork(after_in_child=_in_child)
_configured()
