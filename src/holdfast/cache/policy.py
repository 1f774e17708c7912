"""How long a result is kept, and what happens when it isn't there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from .. import framework

OnWait = Literal["load", "stale", "error"]

#: Seconds that who waits for somebody else's load does so, by default.
WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What is true of all results of one function, view or query. Times are in seconds.

    Attributes:
        name: under which events are counted.
        ttl: how long a result is fresh; None: until it is made untrue, or evicted. An upper bound:
            *jitter* takes something off.
        stale: how long after that it may be served still, while exactly one load in the background
            makes a fresh one.
        stale_if_invalidated: how long after it was made untrue it may be served still, likewise.
        fail_safe: how long after its time it may be served still where the loader or the store
            fails.
        negative_ttl: how long "there is none" is fresh: a result of None, and errors that say so
            (`absent`). None: a result of None as long as any other, and errors not at all.
        error_ttl: how long an error of the loader is kept, and raised again; 0: not at all.
        jitter: up to which share of its time a result loses, at random, so that those that were
            written together don't end together.
        early: how early a result is loaded anew in the background that is asked for often: in
            units of the time that its load took, doubled on average by chance. 0: never.
        wait: how long a call waits for the load of somebody else.
        on_wait: what it does then: "load" itself; serve what is "stale" (see `stale` and
            `fail_safe`: their times still hold), and load where there is nothing; or raise an
            "error", `LoadTimeout`.
        tier: whether results are kept in this process, too, and checked at each use. "streamed":
            on a networked store, checked against what was heard of it in the last moment, without
            asking: results may then be untrue for `STREAM_LAG` seconds. On one machine, as True.
        absent: errors that say "there is none", beside those that the framework has.
        may_store: asked for each loaded result: False, it is not stored; True, it is; a number, it
            is for that many seconds. None: all are.
        repeatable: whether the load may be done once more later on, in the background, to see
            whether a result that was served is true.
    """

    name: str
    ttl: float | None
    stale: float = 0
    stale_if_invalidated: float = 0
    fail_safe: float = 0
    negative_ttl: float | None = None
    error_ttl: float = 0
    jitter: float = 0.1
    early: float = 1.0
    wait: float = WAIT
    on_wait: OnWait = "load"
    tier: bool | Literal["streamed"] = True
    absent: tuple[type[Exception], ...] = ()
    may_store: Callable[[Any], bool | float] | None = None
    repeatable: bool = True

    def __post_init__(self) -> None:
        place = f"cached({self.name})"
        if self.ttl is not None:
            _number(place, "ttl", self.ttl, above=0)
        if self.negative_ttl is not None:
            _number(place, "negative_ttl", self.negative_ttl, above=0)
        for name in ("stale", "stale_if_invalidated", "fail_safe", "error_ttl", "early", "wait"):
            _number(place, name, getattr(self, name))
        _number(place, "jitter", self.jitter)
        if self.jitter >= 1:
            raise ValueError(f"{place}: jitter is a share of the ttl, from 0 to below 1.")
        if self.on_wait not in {"load", "stale", "error"}:
            raise ValueError(
                f"{place}: on_wait must be 'load', 'stale' or 'error', not {self.on_wait!r}."
            )
        if self.on_wait == "stale" and not (self.stale or self.fail_safe):
            raise ValueError(
                f"{place}: on_wait='stale' needs stale= or fail_safe=, the seconds for which an old"
                " result may be served: without, there is none."
            )
        if self.tier not in {True, False, "streamed"}:
            raise ValueError(f"{place}: tier must be True, False or 'streamed', not {self.tier!r}.")
        if self.ttl is None and (self.stale or self.fail_safe):
            raise ValueError(
                f"{place}: with ttl=None a result's time is never over, so stale= and fail_safe="
                " mean nothing. Give a ttl, or use stale_if_invalidated=."
            )

    @property
    def keep(self) -> float:
        """Seconds that a result stays in the store after its time."""
        return max(self.stale, self.fail_safe)

    def says_none(self, error: BaseException) -> bool:
        """Whether *error* means: there is none."""
        return isinstance(error, (*self.absent, *framework.absent_errors))


def policy(name: str, ttl: float | None, options: Mapping[str, Any]) -> Policy:
    """A `Policy` of options as they were given, with a clear error for those that don't exist."""
    known = {field.name for field in fields(Policy)} - {"name", "ttl"}
    for option in options:
        if option not in known:
            shown = known - _INTERNAL | {"key", "name", "store", "ttl", "version"}
            raise TypeError(
                f"cached({name}) has no option {option!r}. Known: {', '.join(sorted(shown))}."
            )
    return Policy(name, ttl, **options)


#: Options that not everything which makes policies lets its users set.
_INTERNAL = frozenset({"absent", "may_store", "repeatable"})


def _number(place: str, name: str, value: Any, above: float = -1) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise TypeError(f"{place}: {name} must be a number of seconds, not {value!r}.")
    if value <= above or value < 0 or math.isinf(value):
        least = "more than 0" if above == 0 else "0 or more"
        raise ValueError(f"{place}: {name} must be {least}, not {value!r}.")
