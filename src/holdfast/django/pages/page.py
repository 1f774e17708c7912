"""A page: what is stored of a response, and the responses that are made of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

#: A page is stored as plain data: this version of the form, status, reason (None: the usual one),
#: body, and then names and values of the headers in turn. Flat and unchangeable, so that what a
#: process keeps of it can be used as it is.
Page = tuple[Any, ...]
_FORM = 1
_FIRST_HEADER = 4

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
    return (_FORM, response.status_code, reason, response.content, *headers)


def is_page(value: Any) -> bool:
    """Whether *value* is a page of a form that this version knows."""
    return type(value) is tuple and len(value) >= _FIRST_HEADER and value[0] == _FORM


def thaw(page: Page) -> HttpResponse:
    """A response of its own, made of *page*."""
    made = HttpResponse(page[3], _SOME_TYPE, page[1], page[2])
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
