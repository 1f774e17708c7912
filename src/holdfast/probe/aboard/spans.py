"""Spans of requests: what they waited for, and what they were in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events import Span, Stack
from . import native, requests, writing
from .requests import Request

#: Seconds. Shorter waits are not written: they explain nothing, and there may be very many.
SHORTEST = 0.001

_NOTHING: Mapping[str, Any] = {}


def note(  # noqa: PLR0913 - a span has many sides
    kind: str,
    name: str,
    begun: float,
    *,
    ended: float | None = None,
    request: Request | None = None,
    lane: str = "",
    place: str = "",
    holder: str = "",
    stack: Stack = (),
    detail: Mapping[str, Any] = _NOTHING,
    shortest: float = SHORTEST,
) -> None:
    """Write down a span that has ended now, or at *ended*. Never raises.

    Of its request, by default that of the calling code; the lane likewise. One that is shorter
    than *shortest* seconds is left out. The rest is as in `Span`.
    """
    if ended is None:
        ended = native.monotonic()
    if ended - begun < shortest:
        return
    try:
        if request is None:
            request = requests.current()
        span = Span(
            request="" if request is None else request.name,
            pid=native.getpid(),
            kind=kind,
            name=name,
            begun=begun,
            ended=ended,
            lane=lane or requests.lane(),
            place=place,
            holder=holder,
            stack=stack,
            detail=detail,
        )
    except Exception as error:  # noqa: BLE001 - an observer may fail, the server may not
        writing.trouble(f"a span of {kind} was not written", error)
    else:
        writing.write(span)


class Waiting:
    """The calling code's request waits for something: it is no use to look what it computes.

    with Waiting():
        original(...)
    """

    __slots__ = ("_request",)

    def __enter__(self) -> None:
        self._request = requests.current()
        if self._request is not None:
            self._request.waits += 1

    def __exit__(self, *_: object) -> None:
        if self._request is not None:
            self._request.waits -= 1
