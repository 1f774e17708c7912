"""Which page a URL gets, asked from outside: for the command `holdfast cache explain`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from .canonical import NotCanonical
from .view import Explained


class NotExplained(Exception):  # noqa: N818 - an answer, not a mistake
    """There is no page of that URL. The message says why."""


class _Asking(BaseHandler):
    """Goes through the middleware as a request does, and looks at the view instead of calling it.

    So what the page's key is made of (session, user, language) is as it would be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Explained | None = None
        self.reason = ""

    def _get_response(self, request: HttpRequest) -> HttpResponse:
        handler: Any = self
        callback = handler.resolve_request(request)[0]
        pages = getattr(callback, "__holdfast_pages__", None)
        match = request.resolver_match
        if pages is None or match is None:
            name = f"{callback.__module__}.{getattr(callback, '__qualname__', callback)}"
            self.reason = f"its view, {name}, isn't decorated with cached_view"
            return HttpResponse()
        try:
            self.found = pages.explained(request, match)
        except NotCanonical as error:
            self.reason = f"no key can be made of {error}"
        return HttpResponse()


def explained(path: str, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Explained:
    """The page that a GET of *path* gets.

    Args:
        path: of the URL, with its query.
        headers: of the request.
        cookies: the same.

    Raises:
        NotExplained: there is none.
    """
    factory = RequestFactory()
    factory.cookies.load(dict(cookies))
    secure = bool(getattr(settings, "SECURE_SSL_REDIRECT", False))
    host = next((each for each in settings.ALLOWED_HOSTS if each != "*"), "localhost")
    given = {"Host": host.removeprefix("."), **headers}
    request = factory.get(path, secure=secure, headers=given)
    asking = _Asking()
    asking.load_middleware()
    response = asking.get_response(request)
    response.close()  # what ends with a request does so now
    if asking.found is None:
        raise NotExplained(
            f"There is no cached page of {path}:"
            f" {asking.reason or f'it is answered with {response.status_code} before any view is'}."
        )
    return asking.found
