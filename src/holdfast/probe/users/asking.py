"""Users ask: one alone, and all together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..run import Asked
from .plan import Plan, Step
from .user import User

#: Each path is asked so often by one who is alone; but the third time only as long as the first two
#: took no more than so many seconds, and the second likewise.
_TIMES = 3
_ALONE_WITHIN = 1.5
_TWICE_WITHIN = 15.0
#: Seconds that warming up may take where one is served after another, for the first requests.
_WARM_WITHIN = 3.0
_FEWEST = 3


async def warm_up(users: Sequence[User], plan: Plan, seconds: Mapping[Step, float]) -> list[Asked]:
    """Users at once, with all markers, whose times don't count.

    Each worker of the server gets its first request, for which it may have to load much; and what
    crosses between users shows.

    Args:
        users: all of them. Where a request takes long, and they may be served one after another,
            only some are sent, so that this has an end.
        plan: what they ask, here once and without pauses.
        seconds: that a request takes.
    """
    once = replace(plan, requests=min(plan.rounds(), len(plan.steps)), think=(0.0, 0.0))
    visit = sum(seconds.values()) * once.rounds() / len(plan.steps)
    count = max(_FEWEST, int(_WARM_WITHIN / max(visit, 0.001)))
    return await together(users[:count], once, more=True)


async def alone(first: User, plan: Plan, *, once: bool = False) -> list[Asked]:
    """One request at a time, each path several times: what a site can do when nobody is in the way.

    Args:
        first: who asks.
        plan: what.
        once: one of each path is enough. Else it is three; fewer, where that would take long.
    """
    begun = time.monotonic()
    asked: list[Asked] = []
    for number in range(1 if once else _TIMES):
        if number and time.monotonic() - begun > (_ALONE_WITHIN if number > 1 else _TWICE_WITHIN):
            break
        for step in plan.steps:
            asked.append((await first.ask(step)).asked)
    return asked


async def together(users: Sequence[User], plan: Plan, *, more: bool = False) -> list[Asked]:
    """All users at once, each one request after another.

    Args:
        users: who asks.
        plan: what, and with what pauses.
        more: with markers in query and cookies; see `User.ask`.
    """
    begin = asyncio.Event()
    # The same pauses in each run, so that runs can be compared.
    pauses = [random.Random(user.number) for user in users]  # noqa: S311 - pauses are no secrets
    asked: list[Asked] = []

    async def visit(user: User, pause: random.Random) -> None:
        await begin.wait()
        until = time.monotonic() + plan.seconds
        for number, step in enumerate(plan.steps_of(user.number)):
            if number and plan.think[1]:
                await asyncio.sleep(pause.uniform(*plan.think))
            if number and time.monotonic() > until:
                break
            asked.append((await user.ask(step, more=more)).asked)

    visits = [
        asyncio.create_task(visit(user, pause)) for user, pause in zip(users, pauses, strict=True)
    ]
    try:
        # All stand at the start before anybody goes.
        await asyncio.sleep(0)
        begin.set()
        await asyncio.gather(*visits)
    finally:
        for task in visits:
            task.cancel()
    return sorted(asked, key=lambda one: one.sent)


def rights(asked: Sequence[Asked], plan: Plan) -> bool:
    """Whether all answers are as they should be."""
    return all(plan.is_right(one.status) and not one.error for one in asked)
