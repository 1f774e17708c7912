"""What to do when the site does not answer as it should: one line."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from .address import Address
from .plan import Plan, PlanError, SiteFailedError, Step
from .user import Answer

_LOGIN = ("login", "log-in", "signin", "sign-in", "auth")


def not_right(step: Step, answer: Answer, plan: Plan, address: Address) -> PlanError:
    """Why an answer can't be used, and what to change. For an answer to one who asks alone."""
    status = answer.asked.status
    fails = answer.asked.error or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return (SiteFailedError if fails else PlanError)(_advice(step, answer, plan, address))


def _advice(step: Step, answer: Answer, plan: Plan, address: Address) -> str:
    asked = answer.asked
    if asked.error:
        return _without_answer(step, answer, plan)
    said = f"{step} is answered {asked.status}"
    anyway = f" To probe it anyway: --expect {asked.status}."
    if 300 <= asked.status < 400:  # noqa: PLR2004 - redirects
        return f"{said}, to {answer.location}: {_for_redirect(step, answer, address)}{anyway}"
    return f"{said}{_for_status(asked.status, plan, address)}{anyway}"


def _without_answer(step: Step, answer: Answer, plan: Plan) -> str:
    more = ""
    if "within" in answer.asked.error:
        more = " --timeout gives it more time."
        if answer.asked.first_byte is not None:
            more += " If it streams for ever, leave it out."
    return f"{step}, asked alone: {answer.asked.error}.{more}"


def _for_redirect(step: Step, answer: Answer, address: Address) -> str:
    url = urlsplit(urljoin(address.url + step.path, answer.location))
    if url.scheme == "https" and address.scheme == "http":
        return (
            "the site wants https (SECURE_SSL_REDIRECT?). Switch that off for the probe, or add"
            " --header 'X-Forwarded-Proto: https' if the site trusts that header."
        )
    if any(word in url.path.lower() for word in _LOGIN):
        return (
            f"the page is for users who are logged in: add --login {url.path}"
            " --account NAME:PASSWORD."
        )
    there = url.path + (f"?{url.query}" if url.query else "")
    return f"ask for that: --path {there}."


def _for_status(status: int, plan: Plan, address: Address) -> str:  # noqa: PLR0911 - one each
    if status == HTTPStatus.BAD_REQUEST:
        if not plan.url:
            return (
                f": it may not know the host {address.host_header} (ALLOWED_HOSTS): say how the"
                " site is called: --url http://www.example.com."
            )
        return ": the site refuses the request."
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return (
            ": log in with --login PATH --account NAME:PASSWORD, or send what it wants with"
            " --header 'Authorization: ...'."
        )
    if status == HTTPStatus.NOT_FOUND:
        return ": there is no such page. Say which one there is: --path /x/."
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return ": say the method: --path 'POST /x/'."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return ": the site limits how much one may ask. Switch that off for the probe."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ", also when nobody else asks: that comes first, what the server said stands above."
    return "."
