"""Which responses may be stored, and why not."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from .page import told_middleware

#: What in a response's `Cache-Control` forbids to store it where others would be served.
_FORBIDDING = frozenset({"no-cache", "no-store", "private"})
_AT_ONCE_OVER = frozenset({"max-age=0", "s-maxage=0"})

_OK = 200
_NOT_FOUND = 404


def why_not_stored(  # noqa: PLR0911 - a line for each reason
    response: HttpResponseBase, *, absent_too: bool
) -> str | None:
    """Why *response*, rendered, must not be stored; None where it may be.

    Args:
        response: what the view returned.
        absent_too: whether a 404 may be stored.
    """
    if response.streaming:
        return "it is streamed"
    if not isinstance(response, HttpResponse):
        return f"a {type(response).__name__} can't be stored"
    if response.status_code != _OK and not (absent_too and response.status_code == _NOT_FOUND):
        return f"its status is {response.status_code}"
    if response.cookies or "Set-Cookie" in response.headers:
        return "it sets a cookie"
    directives = {each.lower() for each in _directives(response, "Cache-Control")}
    # `private="X-Secret"` forbids as much as `private`: nothing here strips single headers.
    forbidding = {each.partition("=")[0] for each in directives} & _FORBIDDING
    if forbidding:
        return f"its Cache-Control says {', '.join(sorted(forbidding))}"
    if directives & _AT_ONCE_OVER:
        return "its Cache-Control says that it is over at once"
    if "*" in _directives(response, "Vary"):
        return "its Vary says that no two requests are alike"
    try:
        told_middleware(response)
    except (TypeError, ValueError) as error:
        return f"what it tells middleware can't be stored: {error}"
    return None


def varies_on(response: HttpResponseBase) -> tuple[str, ...]:
    """The headers that a view says its response varies on, as keys of `META`."""
    named = _directives(response, "Vary")
    return tuple(f"HTTP_{name.upper().replace('-', '_')}" for name in named)


def _directives(response: Any, header: str) -> list[str]:
    value = response.headers.get(header, "")
    return [stripped for each in value.split(",") if (stripped := each.strip())]
