"""`cached`: a function whose results are kept, for all workers, while they are true."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

from ..named_stores import CACHE
from .cached_function import CachedFunction
from .policy import WAIT, OnWait, policy
from .typed import Decorator
from .wrappers import wrapped

Tags = Callable[..., Iterable[str | bytes]] | Iterable[str | bytes]


def cached(  # noqa: PLR0913 - each is a decision that users may make
    ttl: float | None,
    *,
    stale: float = 0,
    stale_if_invalidated: float = 0,
    fail_safe: float = 0,
    negative_ttl: float | None = None,
    error_ttl: float = 0,
    tags: Tags = (),
    key: Callable[..., Any] | None = None,
    version: int | str = 1,
    store: str = CACHE,
    jitter: float = 0.1,
    early: float = 1.0,
    wait: float = WAIT,
    on_wait: OnWait = "load",
    tier: bool | Literal["streamed"] = True,
    absent: type[Exception] | tuple[type[Exception], ...] = (),
    may_store: Callable[[Any], bool | float] | None = None,
    name: str | None = None,
) -> Decorator:
    """Keep what the function returns, by its arguments, for all workers, while it is true.

        @holdfast.cached(ttl=300, stale=60, tags=lambda user_id: [f"user:{user_id}"])
        def profile(user_id): ...

        profile(7)               # loaded once in the whole cluster
        profile.invalidate(7)    # no longer true: no worker serves it from now on
        profile.refresh(7)       # loaded now, and returned
        profile.peek(7)          # what is there; holdfast.cache.MISSING, if there is nothing
        profile.key(7)           # what it is called in the store
        holdfast.invalidate("user:7")

    For functions, coroutine functions (of which `invalidate`, `refresh` and `peek` are awaited, as
    is `ainvalidate` of any) and methods, below `@classmethod` or `@staticmethod`. Results and
    arguments may be changed by who gets them: each call gets a result of its own.

    Args:
        ttl: seconds for which a result is fresh; None: until it is made untrue, or evicted.
        stale: seconds after that in which the old result is served, while one load in the
            background makes a fresh one.
        stale_if_invalidated: the same after a result was made untrue: for how many seconds from
            then on, at most.
        fail_safe: seconds after its time in which the old result is served where the function
            raises, or the store can't be reached.
        negative_ttl: seconds for which "there is none" is fresh: None, or an error that says so
            (see *absent*). None: a result of None as long as any, and errors not at all.
        error_ttl: seconds for which any other error is kept, and raised again; 0: not at all.
        tags: names of what the results depend on; or a function of the same arguments that
            returns them. `holdfast.invalidate(name)` makes all results with that tag untrue.
        key: a function of the same arguments that returns what tells results apart: a text, a
            number, or a tuple. Default: all arguments.
        version: change it when results of older code must not be served any more.
        store: which of the stores in HOLDFAST["STORES"]. "cache" is where "default" is, unless
            the settings have it.
        jitter: up to which share of its ttl a result loses at random, so that results that were
            loaded together don't end together.
        early: how early a fresh result is made in the background before an old one ends, in units
            of the time that a load takes; more by chance. 0: never.
        wait: seconds that a call waits for the load of another.
        on_wait: what it does then: "load" itself, serve what is "stale" if there is something
            (within *stale* or *fail_safe*), or raise an "error", `holdfast.cache.LoadTimeout`.
        tier: whether results are kept in each process, too, and checked at each call. "streamed"
            saves the check on a networked store, and is up to `holdfast.cache.STREAM_LAG` seconds
            behind.
        absent: errors of the function that say "there is none", beside those that Holdfast knows
            of (Django's `Http404` and `ObjectDoesNotExist`).
        may_store: asked for each result: False: it isn't kept; True: it is; a number: for so many
            seconds.
        name: what it is called in the store and in figures. Default: module and name of the
            function. Two functions of one name share their results, so give one to functions
            that are made in functions.

    Raises (the decorated function):
        TypeError: no key can be made of an argument.
        LoadTimeout: see *on_wait*.
        NotStorable: the function returned what can't be stored. It was called, nevertheless.

    A hit costs 2 to 3 microseconds where the store is on this machine, and a round trip where it
    isn't. A call that has to wait blocks its thread, greenlet or task only. Where the store can't
    be reached, the function is called, once at a time for the same arguments in each process.
    """
    if callable(ttl):
        raise TypeError(
            "cached needs a ttl in seconds, or None for ever: @holdfast.cached(ttl=300)."
        )
    options = {
        "stale": stale,
        "stale_if_invalidated": stale_if_invalidated,
        "fail_safe": fail_safe,
        "negative_ttl": negative_ttl,
        "error_ttl": error_ttl,
        "jitter": jitter,
        "early": early,
        "wait": wait,
        "on_wait": on_wait,
        "tier": tier,
        "absent": absent if isinstance(absent, tuple) else (absent,),
        "may_store": may_store,
    }

    def decorate(function: Any) -> Any:
        _check(function)
        called = name or f"{function.__module__}.{function.__qualname__}"
        state = CachedFunction(
            function, policy(called, ttl, options), store=store, tags=tags, version=version
        )
        return wrapped(function, state, key)

    # Said now, at the line that says it, and not when a function is decorated later.
    policy(name or "…", ttl, options)
    return cast("Decorator", decorate)


def _check(function: Any) -> None:
    if isinstance(function, staticmethod | classmethod | property | type) or not callable(function):
        raise TypeError(
            f"cached decorates functions, not {function!r}. Below @classmethod, @staticmethod or"
            " @property it must be the inner decorator."
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"cached can't keep what {function.__qualname__} yields: a generator can be read once."
            " Return a list or a tuple."
        )
