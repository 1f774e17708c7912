"""Users ask: one alone, and all together."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from ..run import Asked
from .plan import Plan
from .user import User

#: Seconds for asking alone, beyond once each path.
_ALONE_WITHIN = 20.0
#: Seconds that warming up may take where one is served after another, for the first requests.
_WARM_WITHIN = 4.0
_FEWEST = 4
_QUICK = 0.3


async def warm_up(first: User, users: Sequence[User], plan: Plan) -> list[Asked]:
    """Users at once, with all markers, whose times don't count.

    Each worker of the server gets its first request, for which it may have to load much; and what
    crosses between users shows.
    """
    # What the first request takes may be what the server takes for its own beginning.
    seconds = (await first.ask(plan.steps[0])).asked.seconds
    if seconds > _QUICK:
        seconds = (await first.ask(plan.steps[0])).asked.seconds
    # Where they are served one after another, this has an end, too.
    count = max(_FEWEST, int(_WARM_WITHIN / max(seconds, 0.001)))
    return await together(users[:count], plan, more=True)


async def alone(first: User, plan: Plan, *, times: int) -> list[Asked]:
    """One request at a time, each path several times: what a site can do when nobody is in the way.

    Args:
        first: who asks.
        plan: what.
        times: each path; fewer, where that would take more than 20 seconds.
    """
    until = time.monotonic() + _ALONE_WITHIN
    asked = []
    for number in range(times):
        if number and time.monotonic() > until:
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
