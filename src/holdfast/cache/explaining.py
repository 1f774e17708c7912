"""What there is to say about one result: for people who ask why it is served, or isn't."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .. import named_stores
from ..stores.tags import Look, number_of
from ..values import MISSING
from . import figures
from .comparing import shortened
from .payload import Found, Kind, found_in, value_of
from .policy import Policy

_KINDS = {
    Kind.VALUE: "a value",
    Kind.NONE: "None, with a time of its own",
    Kind.ABSENT: 'an error that says "there is none"',
    Kind.ERROR: "an error that is kept",
}
#: What a tag is to a result.
TRUE, CHANGED, MARKED, FORGOTTEN = "unchanged", "changed", "being changed", "forgotten"


@dataclass(frozen=True, slots=True)
class Tag:
    """One of the tags of a result.

    Attributes:
        name: the tag.
        number: that of its last change.
        marks: transactions that are about to change it.
        state: "unchanged" since the result was loaded, "changed", "being changed", or "forgotten":
            the store doesn't remember when it changed, and so takes it for changed.
    """

    name: bytes
    number: int
    marks: int
    state: str


@dataclass(slots=True)
class Explanation:
    """All about one result. Times are in seconds.

    Attributes:
        store: the name of the store.
        key: the result's.
        found: what is stored; None: nothing is.
        value: that, in a few words.
        number: the place in the store's sequence at which it was loaded.
        now: the present place.
        same_epoch: whether the store is still the one that it was stored in.
        is_quiet: whether nothing may be stored just now, for the store may have lost something.
        tags: what it depends on.
        loaded_by: the process that loaded it, if it is known.
        queries: those of its name that were too broad, with how often.
        policy: how long it may be served; None: its function isn't known here.
    """

    store: str
    key: bytes
    found: Found | None
    value: str
    number: int
    now: int
    same_epoch: bool
    is_quiet: bool
    tags: list[Tag] = field(default_factory=list)
    loaded_by: figures.Member | None = None
    queries: dict[str, int] = field(default_factory=dict)
    policy: Policy | None = None

    @property
    def state(self) -> str:
        """Whether it may be served, in one word."""
        if self.found is None:
            return "missing"
        if not self.found.valid:
            return "untrue"
        return "fresh" if self.found.fresh_for > 0 else "over"

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        found = self.found
        about: dict[str, Any] = {
            "store": self.store,
            "key": self.key.hex(),
            "name": None if self.policy is None else self.policy.name,
            "state": self.state,
            "sequence": self.now,
            "quiet": self.is_quiet,
        }
        if found is not None:
            about |= {
                "kind": found.head.kind.name.lower(),
                "value": self.value,
                "bytes": len(found.payload),
                "age": _finite(found.age),
                "fresh_for": _finite(found.fresh_for),
                "fresh": _finite(found.head.fresh),
                "kept_for": found.head.keep,
                "load_seconds": found.head.took,
                "loaded_at": found.head.at or None,
                "loaded_by": None
                if self.loaded_by is None
                else {"host": self.loaded_by.host, "pid": self.loaded_by.pid},
                "loaded_at_sequence": self.number,
                "same_epoch": self.same_epoch,
                "tags": [
                    {"tag": shown(tag.name), "number": tag.number, "marks": tag.marks}
                    | {"state": tag.state}
                    for tag in self.tags
                ],
            }
        if self.policy is not None:
            about["permissions"] = permissions(self.policy)
        return about | {"broad_queries": self.queries}


def permissions(policy: Policy) -> dict[str, float]:
    """For how long old results may be served, by what for."""
    return {
        "stale": policy.stale,
        "stale_if_invalidated": policy.stale_if_invalidated,
        "fail_safe": policy.fail_safe,
    }


def explain(store: str, key: bytes, policy: Policy | None = None) -> Explanation:
    """All that can be found out about one result. A few round trips; changes nothing.

    Args:
        store: the name of the store.
        key: the result's.
        policy: that of its function or view, if it is known.

    Raises:
        StoreError: it could not be asked.
    """
    tags = named_stores.store(store).tags
    entry = tags.get(key)
    found = None if entry is None else found_in(entry)
    look = tags.look([] if found is None else found.tags)
    everybody = figures.read(figures.place_of(store))
    about = Explanation(
        store,
        key,
        found,
        "",
        0,
        number_of(look.stamp),
        same_epoch=True,
        is_quiet=look.quiet,
        policy=policy,
    )
    if policy is not None:
        about.queries = everybody.total().names.get(policy.name, {}).get("queries", {})
    if found is not None:
        value = value_of(found.payload, key)
        about.value = "(it can't be read here)" if value is MISSING else shortened(value)
        about.number = number_of(found.stamp)
        about.same_epoch = found.stamp[:8] == look.stamp[:8]
        about.tags = [_tag(tags, found, look, name) for name in found.tags]
        about.loaded_by = everybody.who(found.head.by)
    return about


def _tag(tags: Any, found: Found, look: Look, name: bytes) -> Tag:
    known = look.tags[name]
    if found.valid or tags.valid(found.stamp, [name]):
        state = TRUE
    elif known.marks:
        state = MARKED
    else:
        state = CHANGED if known.known else FORGOTTEN
    return Tag(name, known.number, known.marks, state)


def kind_of(found: Found) -> str:
    """What is stored, in words."""
    return _KINDS[found.head.kind]


def shown(name: bytes) -> str:
    """A key or a tag as text, which `as_key` understands."""
    text = name.decode("ascii", "replace")
    if text.isascii() and text.isprintable() and not text.startswith("hex:"):
        return text
    return f"hex:{name.hex()}"


def as_key(text: str) -> bytes:
    """The bytes that `shown` was given.

    Raises:
        ValueError: they are no hexadecimal digits after `hex:`.
    """
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
