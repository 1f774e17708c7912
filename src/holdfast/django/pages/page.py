"""A page: what is stored of a response, and the responses that are made of it."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

#: A page is stored as plain data: this version of the form, status, reason (None: the usual one),
#: body, what it tells middleware (as JSON; None: nothing), and then names and values of the headers
#: in turn. Flat and unchangeable, so that what a process keeps of it can be used as it is.
Page = tuple[Any, ...]
FORM = 2
_FIRST_HEADER = 5

_CONDITIONS = (
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
)


def complete(response: HttpResponse, vary: tuple[str, ...]) -> None:
    """Give *response* the headers that a stored page has: `ETag`, and `Vary` for what it read."""
    if vary:
        patch_vary_headers(response, vary)
    if "ETag" not in response.headers:
        digest = blake2b(response.content, digest_size=16).hexdigest()
        response.headers["ETag"] = f'"{digest}"'


def freeze(response: HttpResponse) -> Page:
    """What is stored of *response*."""
    reason = response.__dict__.get("_reason_phrase")
    headers = (each for pair in response.headers.items() for each in pair)
    told = told_middleware(response)
    return (FORM, response.status_code, reason, response.content, told, *headers)


def told_middleware(response: HttpResponse) -> str | None:
    """What decorators below have told the middleware above, which adds headers by that.

    Django's own, and django-csp's, set attributes of the response for that.

    Raises:
        TypeError, ValueError: it can't be stored.
    """
    told = {
        name: value
        for name, value in response.__dict__.items()
        if name == "xframe_options_exempt" or name.startswith("_csp_")
    }
    return json.dumps(told, default=_listed) if told else None


def _listed(value: Any) -> list[Any]:
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} is no plain data")


def is_page(value: Any) -> bool:
    """Whether *value* is a page of a form that this version knows."""
    return type(value) is tuple and len(value) >= _FIRST_HEADER and value[0] == FORM


def thaw(page: Page) -> HttpResponse:
    """A response of its own, made of *page*."""
    made = HttpResponse(page[3], _SOME_TYPE, page[1], page[2])
    if page[4] is not None:
        made.__dict__.update(json.loads(page[4]))
    headers = iter(page[_FIRST_HEADER:])
    # As they were checked when the view set them, and not once more.
    made.headers._store = {name.lower(): (name, value) for name, value in zip(headers, headers)}  # noqa: B905, SLF001
    return made


_SOME_TYPE = "text/plain"


def conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """*response*, or the 304 or 412 that *request* asks for where it has the page already."""
    meta = request.META
    if not any(name in meta for name in _CONDITIONS):
        return response
    modified = response.headers.get("Last-Modified")
    answer: Any = get_conditional_response(
        request,
        etag=response.headers.get("ETag"),
        last_modified=parse_http_date_safe(modified) if modified else None,
        response=response,
    )
    return answer  # type: ignore[no-any-return]
