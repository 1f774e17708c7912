"""Waits until the server answers, and says where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from ..serving import Serving, ended_how
from .address import Address, asked_for, listening, named_by, speaking
from .plan import Plan

_LOOKS_EVERY = 0.05
#: Seconds. What listens beside the site (figures, a debugger) may answer sooner than the site.
_GRACE = 1.0


class NotUpError(Exception):
    """The server does not answer. The message goes on after the command's name."""


async def address_of(server: Serving, words: Sequence[str], plan: Plan) -> Address:
    """Where the server answers, as soon as it does.

    Raises:
        NotUpError: it ended, or doesn't answer within the plan's time.
    """
    wanted = asked_for(plan.url) if plan.url else None
    path = next((step.path for step in plan.steps if step.is_safe), "/")
    path = path if "{" not in path else "/"
    until = time.monotonic() + plan.up_within
    trying: dict[Address, asyncio.Task[Address | None]] = {}
    answered_at: float | None = None
    ended_at: float | None = None
    try:
        while True:
            late = time.monotonic() > until - plan.up_within / 2
            for address in _places(server, wanted, late=late):
                task = trying.get(address)
                if task is None or (task.done() and task.result() is None):
                    left = max(0.1, until - time.monotonic())
                    trying[address] = asyncio.create_task(speaking(address, path, left))
            await asyncio.sleep(_LOOKS_EVERY)
            best, is_sure = _best(trying, words)
            if best is not None:
                answered_at = answered_at or time.monotonic()
                if is_sure or time.monotonic() > answered_at + _GRACE:
                    return best
            ended_at = (ended_at or time.monotonic()) if server.has_ended() else None
            # A command that ends well may have left a daemon, which takes a moment to be seen.
            grace = 0.0 if server.status() else _GRACE
            if ended_at is not None and time.monotonic() >= ended_at + grace:
                raise NotUpError(f"{ended_how(server.status())} before it answered")
            if time.monotonic() > until:
                raise NotUpError(_not_in_time(trying, path, plan))
    finally:
        for task in trying.values():
            task.cancel()
        await asyncio.gather(*trying.values(), return_exceptions=True)


def _places(server: Serving, wanted: Address | None, *, late: bool) -> list[Address]:
    found = listening(server.processes())
    if wanted is None:
        return found
    if wanted.port:
        here = [one for one in found if one.port == wanted.port]
        # What is in front of the server (a proxy, a container) is asked when that is up. Sooner it
        # may be another server, whose port this one can't have.
        found = here or ([wanted] if found or late else [])
    return [replace(one, scheme=wanted.scheme, name=wanted.name) for one in found]


def _best(
    trying: dict[Address, asyncio.Task[Address | None]], words: Sequence[str]
) -> tuple[Address | None, bool]:
    """Where HTTP is spoken, and whether no better place is to be expected."""
    spoken: list[tuple[Address, Address]] = []
    for tried, task in trying.items():
        found = task.result() if task.done() else None
        if found is not None:
            spoken.append((tried, found))
    pending = [tried for tried, task in trying.items() if not task.done()]
    for tried, found in spoken:
        if named_by(tried, words):
            return found, True
    # Where the command says it will be, it may take its time.
    if not spoken or any(named_by(tried, words) for tried in pending):
        return None, False
    over_tcp = [found for tried, found in spoken if not tried.unix]
    return (over_tcp or [found for _, found in spoken])[0], not pending


def _not_in_time(trying: dict[Address, asyncio.Task[Address | None]], path: str, plan: Plan) -> str:
    within = f"within {plan.up_within:g} s (--up-within)"
    if not trying:
        return f"does not listen anywhere {within}; if something else listens for it, give --url"
    places = ", ".join(map(str, trying))
    return f"listens on {places}, but does not answer GET {path} {within}"
