"""Calling a loader, and making of its result what is stored."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..values import MISSING
from ..values.errors import NotStorable
from .payload import Head, Kind, jittered, pack, value_of
from .recording import Recording, recording

if TYPE_CHECKING:
    from .call import Call
    from .policy import Policy

logger = logging.getLogger("holdfast")

_NEVER = float("inf")


@dataclass(slots=True)
class Loaded:
    """What a load came to.

    Attributes:
        value: as the loader returned it; or
        error: what it raised, if that is to be kept.
        payload: either of them, encoded; None where nobody else may have it.
        head: what is in it.
        ttl: seconds to store it for; None: for ever; 0: not at all.
        place: the key to store it under.
        tags: what it depends on.
        refusal: why it is for its caller only, if it is.
    """

    value: Any
    error: Exception | None
    payload: bytes | None
    head: Head
    ttl: float | None
    place: bytes
    tags: frozenset[bytes] = frozenset()
    refusal: str | None = None

    @property
    def is_negative(self) -> bool:
        """Whether it says: there is none."""
        return self.head.kind is Kind.ABSENT or (self.value is None and self.error is None)


async def load_and_pack(call: Call) -> Loaded:
    """Call the loader, with a recording open.

    Raises:
        Exception: what the loader raises, unless it is to be kept.
        NotStorable: what it returned can't be stored.
    """
    at, wanted, policy, events = call.at, call.wanted, call.policy, call.events
    error: Exception | None = None
    value: Any = None
    with recording() as made:
        made.add_all(wanted.tags)
        events.loads += 1
        begun = time.monotonic()
        try:
            value = await at.call(wanted.load)
        except Exception as raised:
            events.load_errors += 1
            if _kind(policy, None, raised) is None:
                raise
            error = raised
        finally:
            took = time.monotonic() - begun
            events.load_seconds += took
        kind = _kind(policy, value, error)
        assert kind is not None  # noqa: S101 - else it was raised
        ttl = _fresh(policy, kind, value)
        place = call.key
        if wanted.store_at is not None and error is None:
            place = await at.call(wanted.store_at, made)
        fresh = _NEVER if ttl is None else jittered(ttl, policy.jitter)
        head = Head(kind, fresh, policy.keep if kind < Kind.ABSENT else 0.0, took)
        loaded = Loaded(value, error, None, head, fresh + head.keep if ttl else ttl, place)
        if made.refusal is None:
            loaded.payload = _packed(policy, loaded, made)
    if made.broad is not None:
        events.note_queries(made.broad)
    if made.refusal is not None:
        events.refused += 1
        loaded.payload = None
        loaded.refusal = made.refusal
    loaded.tags = frozenset(made.tags)
    return loaded


def _packed(policy: Policy, loaded: Loaded, made: Recording) -> bytes | None:
    """What is stored, encoded."""
    if loaded.error is not None:
        return _error_packed(policy, loaded.error, loaded.head, loaded.place)
    parts = len(made.parts)
    try:
        # While the recording is open: what is evaluated late, such as a queryset, is read here.
        payload = pack(loaded.value, loaded.head, loaded.place)
    except NotStorable as refused:
        raise refused.at(f"The result of {policy.name}") from refused.__cause__
    if len(made.parts) > parts:
        made.refuse("it read the request when it was stored, after its key was made")
    return payload


def _error_packed(policy: Policy, error: Exception, head: Head, place: bytes) -> bytes | None:
    """The error as bytes, without its traceback; None, if it can't be made again of them."""
    try:
        payload = pack(error, head, place)
    except NotStorable as refused:
        logger.warning("An error of %s can't be kept: %s", policy.name, refused)
        return None
    return None if value_of(payload, place) is MISSING else payload


def _kind(policy: Policy, value: Any, error: Exception | None) -> Kind | None:
    """What it is; None, for an error that isn't kept."""
    if error is not None:
        if policy.negative_ttl is not None and policy.says_none(error):
            return Kind.ABSENT
        return Kind.ERROR if policy.error_ttl else None
    return Kind.NONE if value is None and policy.negative_ttl is not None else Kind.VALUE


def _fresh(policy: Policy, kind: Kind, value: Any) -> float | None:
    """Seconds for which it is fresh; None: for ever; 0: it isn't to be stored."""
    if kind is Kind.ERROR:
        return policy.error_ttl
    if kind is not Kind.VALUE:
        return policy.negative_ttl
    if policy.may_store is not None:
        verdict = policy.may_store(value)
        if verdict is not True:
            return float(verdict)
    return policy.ttl
