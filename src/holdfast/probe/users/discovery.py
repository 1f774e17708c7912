"""Finds what users may ask, where nobody has typed it all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from ..events import Route
from . import openapi
from .paths import from_routes
from .plan import Plan, PlanError, Step, unique
from .user import User

Routes = Callable[[], Awaitable[Sequence[Route]]]


async def discovered(plan: Plan, first: User, routes: Routes) -> list[Step]:
    """The steps that the plan's sources give.

    Args:
        plan: says which sources.
        first: who asks the site for its description.
        routes: gets the URLconf from the server.

    Raises:
        PlanError: a source gives nothing.
    """
    found: list[Step] = []
    if plan.openapi:
        text = await _description(plan.openapi, first)
        found += openapi.steps_of(text, plan.openapi, unsafe=plan.unsafe)
        if not found:
            raise PlanError(f"--openapi {plan.openapi}: no path in it can be asked by GET.")
    if plan.urlconf:
        steps = from_routes(await routes(), unsafe=plan.unsafe)
        if not steps:
            raise PlanError("--urlconf: no URLconf was found: is it a Django site? Give --path.")
        found += steps
    typed = {(step.method, step.path) for step in plan.steps}
    return [step for step in unique(found) if (step.method, step.path) not in typed]


async def _description(source: str, first: User) -> str:
    if not source.startswith(("/", "http://", "https://")) or _is_file(source):
        return _read(source)
    path = source if source.startswith("/") else "/" + source.split("/", 3)[-1]
    try:
        async with first.session.get(
            first.address.url + path,
            headers=first.headers
            | {"Accept": "application/vnd.oai.openapi+json, application/json, */*"},
        ) as answer:
            if answer.status != 200:  # noqa: PLR2004 - nothing else is a description
                raise PlanError(f"--openapi {source} is answered {answer.status}.")
            return await answer.text(errors="replace")
    except (aiohttp.ClientError, OSError) as error:
        raise PlanError(f"--openapi {source} is not answered: {error}.") from error


def _is_file(source: str) -> bool:
    return Path(source).is_file()


def _read(source: str) -> str:
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"--openapi {source}: can't be read: {error}.") from error
