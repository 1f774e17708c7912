"""Requests in pairs, for tests: interleaved, watched, and marked."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..watch import Collector, Crossing, Watch
from ..watch.words import words
from .databases import sharing_connections
from .interleaving import Interleaved, ainterleave, interleave, point

#: The header in which each request carries its marker.
HEADER = "X-Holdfast-Canary"
_MARK = "_holdfast_point"

Request = str | Callable[..., Any]


class Crossed(AssertionError):  # noqa: N818 - a failed assertion, as a test has it
    """State of one request was met in another one.

    Attributes:
        crossings: what the watch saw.
    """

    def __init__(self, message: str, crossings: Iterable[Crossing] = ()) -> None:
        super().__init__(message)
        self.crossings = list(crossings)


class IsolatedRequests:
    """Runs requests pairwise, one held while the other runs through.

    Args:
        watch: sees what they write and read.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        _hold_before_views()

    def __call__(self, client: Any, *requests: Request, most: int = 200) -> int:
        """Make each of *requests* meet each of them, itself included.

        Each request is held once at each of its points: after writing something onto an object, and
        before its view. Meanwhile the other one runs from its beginning to its end.

        Args:
            client: Django's test client, or one like it.
            requests: paths for `client.get`, or functions that are called with the client and the
                headers to send (`headers`), and return the response.
            most: how many points at most of each request.

        Returns:
            How many pairs were run.

        Raises:
            Crossed: a write was lost, request data was read by another request, or an answer showed
                another's marker.

        Blocks for as long as the requests take. While one is held, both share one database
        connection, so that they see what the test has written.
        """
        _some(requests)
        pairs = 0
        with self._watch.collector.apart() as seen:
            # What is made once, when it is needed first, is there then; and each request has come
            # after another one.
            for request in (*requests, *requests):
                _Marked(client, request).send()
            with sharing_connections() as prepare:
                for one, two in _pairs(requests):
                    first, second = _Marked(client, one), _Marked(client, two)
                    with _crossed_before(seen):
                        outcome = interleave(first.send, second.send, most=most, prepare=prepare)
                    pairs += _judged(outcome, first, second, seen)
        return pairs

    async def asynchronously(self, client: Any, *requests: Request, most: int = 200) -> int:
        """The same with an async client: both requests are tasks of this event loop.

        The first one is held at each of its awaits.

        Raises:
            Crossed: as above.
        """
        _some(requests)
        pairs = 0
        with self._watch.collector.apart() as seen:
            for one, two in _pairs(requests):
                first, second = _Marked(client, one), _Marked(client, two)
                with _crossed_before(seen):
                    outcome = await ainterleave(first.asend, second.asend, most=most)
                pairs += _judged(outcome, first, second, seen)
        return pairs


def _some(requests: tuple[Request, ...]) -> None:
    if not requests:
        raise TypeError("isolated_requests() needs at least one path")


def _look(seen: Collector, error: Exception | None = None) -> None:
    found = seen.bugs
    if found:
        raise Crossed(words(found), found) from error


@contextmanager
def _crossed_before(seen: Collector) -> Iterator[None]:
    """Where a request failed on what it met of another one's, that is told first."""
    try:
        yield
    except Exception as error:
        _look(seen, error)
        raise


def _judged(outcome: Interleaved[Any], first: _Marked, second: _Marked, seen: Collector) -> int:
    """How many pairs were run, if nothing has crossed."""
    _look(seen)
    for one, two in outcome.pairs:
        for mine, answer, other in ((first, one, second), (second, two, first)):
            if other.marker in _text(answer):
                raise Crossed(f"the answer to {mine} shows the marker that {other} carried")
    return len(outcome.pairs)


def _pairs(requests: tuple[Request, ...]) -> list[tuple[Request, Request]]:
    """Each with each: different ones first, as they tell more."""
    pairs = [(one, two) for one in requests for two in requests]
    return sorted(pairs, key=lambda pair: pair[0] is pair[1])


class _Marked:
    """A request that carries a marker nobody can guess."""

    def __init__(self, client: Any, request: Request) -> None:
        self.marker = f"hf-canary-{secrets.token_hex(8)}"
        self._client = client
        self._request = request

    def send(self) -> Any:
        headers = {HEADER: self.marker, "User-Agent": self.marker}
        if callable(self._request):
            return self._request(self._client, headers=headers)
        return self._client.get(self._request, headers=headers)

    def asend(self) -> Awaitable[Any]:
        found: Awaitable[Any] = self.send()
        return found

    def __str__(self) -> str:
        return f"GET {self._request}" if isinstance(self._request, str) else repr(self._request)


def _text(response: Any) -> str:
    if getattr(response, "streaming", False):
        return ""
    content = getattr(response, "content", b"")
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)


def _hold_before_views() -> None:
    """A request may be held when it has passed all middleware on its way in."""
    from django.core.handlers.base import BaseHandler

    original = BaseHandler.resolve_request
    if hasattr(original, _MARK):
        return

    def resolve_request(self: Any, request: Any) -> Any:
        point()
        return original(self, request)

    setattr(resolve_request, _MARK, True)
    setattr(BaseHandler, "resolve_request", resolve_request)  # noqa: B010
