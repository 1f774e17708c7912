"""How a user logs in: by a form, as people fill it in, or for a token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin

import aiohttp

from .. import markers
from .canaries import Canaries
from .forms import forms
from .plan import Login, PlanError
from .user import User

#: Names under which answers have a token.
_TOKENS = ("access", "access_token", "token", "auth_token", "key", "jwt", "id_token")
#: So many log in at once: passwords are slow on purpose.
_AT_ONCE = 4
_JWT_DOTS = 2


async def log_in(users: Sequence[User], login: Login, run: str, canaries: Canaries) -> None:
    """Log in all users, each in a session of its own.

    Raises:
        PlanError: one could not.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(user: User) -> None:
        async with turn:
            try:
                await (_by_form if login.by == "form" else _by_token)(user, login, run, canaries)
            except TimeoutError as error:
                raise PlanError(f"{_where(login)} gives no answer in time.") from error
            except (aiohttp.ClientError, OSError) as error:
                raise PlanError(f"{_where(login)} gives no answer: {error}.") from error

    tasks = [asyncio.create_task(one(user)) for user in users]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _by_form(user: User, login: Login, run: str, canaries: Canaries) -> None:
    if user.account is None:
        raise PlanError("--login needs accounts: add --account NAME:PASSWORD.")
    page_url = user.address.url + login.path
    async with user.session.get(page_url) as page:
        text = await page.text(errors="replace")
        url, status = str(page.url), page.status
    form = next((form for form in forms(text) if form.is_login), None)
    if form is None:
        raise PlanError(
            f"{_where(login)} is answered {status}, and has no form with a name and a password."
        )
    values = form.values | {form.name: user.account.name, form.password: user.account.password}
    # Django wants to know from which page a form over https comes.
    async with user.session.post(
        urljoin(url, form.action), data=values, headers={"Referer": url}, allow_redirects=False
    ) as answer:
        text = await answer.text(errors="replace")
        refused = answer.status >= 400 or any(one.is_login for one in forms(text))  # noqa: PLR2004
        if refused:
            raise PlanError(
                f"{_where(login)} does not let {user.account.name!r} in (status {answer.status}):"
                " is the password right? Give accounts by --account NAME:PASSWORD."
            )
    request = _request_of(user, run)
    for cookie in user.session.cookie_jar:
        canaries.cookie(request, cookie.key, cookie.value)


async def _by_token(user: User, login: Login, run: str, canaries: Canaries) -> None:
    if user.account is None:
        raise PlanError("--token-login needs accounts: add --account NAME:PASSWORD.")
    account = user.account
    names = {"username": account.name, "password": account.password}
    if "@" in account.name:
        names["email"] = account.name
    async with user.session.post(user.address.url + login.path, json=names) as answer:
        text = await answer.text(errors="replace")
        token = _token_in(text)
        if answer.status >= 400 or not token:  # noqa: PLR2004 - from there on, refusals
            raise PlanError(
                f"{_where(login)} gives {account.name!r} no token (status {answer.status}):"
                f" looked for one of {', '.join(_TOKENS)} in its JSON answer."
            )
    kind = "Bearer" if token.count(".") == _JWT_DOTS or '"access' in text else "Token"
    header = login.header or f"Authorization: {kind} {{token}}"
    name, _, value = header.partition(":")
    user.headers[name.strip()] = value.strip().replace("{token}", token)
    canaries.secret(_request_of(user, run), token)


def _token_in(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return ""
    # Some wrap it: {"data": {"token": …}}.
    for place in (found, *(found.values() if isinstance(found, Mapping) else ())):
        if isinstance(place, Mapping):
            for name in _TOKENS:
                if isinstance(place.get(name), str) and place[name]:
                    return str(place[name])
    return ""


def _request_of(user: User, run: str) -> str:
    """A login is no request of the plan; its secrets are the user's from before the first on."""
    return markers.request_of(run, user.number, 0)


def _where(login: Login) -> str:
    return f"--{'login' if login.by == 'form' else 'token-login'} {login.path}"
