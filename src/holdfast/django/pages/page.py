"""A page: what is stored of a response, and the responses that are made of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe

#: A page is stored as plain data: this version of the form, status, reason (None: the usual one),
#: headers, body.
Page = list[Any]
_FORM = 1

_CONDITIONAL = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH")


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
    headers = [[name, value] for name, value in response.headers.items()]
    return [_FORM, response.status_code, reason, headers, response.content]


def is_page(value: Any) -> bool:
    """Whether *value* is a page of a form that this version knows."""
    return type(value) in {list, tuple} and len(value) == 5 and value[0] == _FORM  # noqa: PLR2004


def thaw(page: Page) -> HttpResponse:
    """A response of its own, made of *page*."""
    _, status, reason, headers, body = page
    made = HttpResponse(body, headers=_NO_TYPE, status=status, reason=reason)
    # As they were checked when the view set them, and not once more.
    made.headers._store = {name.lower(): (name, value) for name, value in headers}  # type: ignore[attr-defined] # noqa: SLF001
    return made


_NO_TYPE = {"Content-Type": "text/plain"}


def conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """*response*, or the 304 or 412 that *request* asks for where it has the page already."""
    meta = request.META
    if not any(name in meta for name in _CONDITIONAL) and "HTTP_IF_UNMODIFIED_SINCE" not in meta:
        return response
    modified = response.headers.get("Last-Modified")
    answer: HttpResponse = get_conditional_response(
        request,
        etag=response.headers.get("ETag"),
        last_modified=parse_http_date_safe(modified) if modified else None,
        response=response,
    )
    return answer
