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


async def alone(first: User, plan: Plan, *, warm: bool, times: int) -> list[Asked]:
    """One request at a time, each path several times: what a site can do when nobody is in the way.

    Args:
        first: who asks.
        plan: what.
        warm: ask each path once before, and don't count that.
        times: each path; fewer, where that would take more than 20 seconds.
    """
    until = time.monotonic() + _ALONE_WITHIN
    asked = []
    for number in range(-1 if warm else 0, times):
        if number > 0 and time.monotonic() > until:
            break
        for step in plan.steps:
            answer = await first.ask(step)
            if number >= 0:
                asked.append(answer.asked)
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
