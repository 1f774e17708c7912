"""Watching a run: the request and what stands beside it tell what is read of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest

from .ambient import observed_ambient
from .observation import Observation, current
from .request_class import HELD_AS, observed_class, plain
from .sessions import observe_session, stop_observing


@contextmanager
def watching(request: HttpRequest | None, *, of_url: bool = True) -> Iterator[Observation]:
    """Note what the code inside reads of *request*, and of what belongs to it.

    Where the request's URL is in the key anyway (*of_url*), what it tells is not noted. May be
    nested: the outer observation notes what the inner one does. Where there is no request,
    there are still the language, the time zone and `holdfast.state`.
    """
    if request is None:
        observation = Observation(None, current.get(), of_url=of_url)
        with observed_ambient(observation):
            yield observation
        return
    outer: Watched | None = plain(request, "__dict__").get(HELD_AS)
    around = outer.observation if outer is not None else current.get()
    observation = Observation(request, around, of_url=of_url)
    watched = Watched(request, observation, outer)
    try:
        with observed_ambient(observation):
            yield observation
    finally:
        watched.stop()


class Watched:
    """A request that is watched: see `request_class.Watched`."""

    __slots__ = (
        "_before",
        "_had_messages",
        "_outer",
        "_session",
        "made",
        "observation",
        "originals",
        "replaced",
        "request",
        "saw_messages",
    )

    originals: dict[str, Any]

    def __init__(
        self, request: HttpRequest, observation: Observation, outer: Watched | None
    ) -> None:
        self.request = request
        self.observation = observation
        self.made: dict[str, Any] = {}
        self.replaced: set[str] = set()
        self.saw_messages = False
        self._outer = outer
        self.originals = _originals(request) if outer is None else outer.originals
        held = plain(request, "__dict__")
        # Loaded before the run, also if there were none: where from, nobody saw.
        before = held.get("_messages")
        self._had_messages = hasattr(before, "_loaded_data") or _has_messages(before)
        self._session: tuple[SessionBase, type[Any]] | None = None
        session = held.get("session")
        if isinstance(session, SessionBase):
            self._session = (session, observe_session(session, observation))
        self._before: Any = type(request)
        held[HELD_AS] = self
        own: Any = getattr(self._before, "_holdfast_class", self._before)
        request.__class__ = observed_class(own)

    def stop(self) -> None:
        """Make the request what it was, and judge what the run has done to it."""
        held = plain(self.request, "__dict__")
        self.request.__class__ = self._before
        if self._outer is None:
            held.pop(HELD_AS, None)
        else:
            held[HELD_AS] = self._outer
            self._outer.replaced |= self.replaced
            self._outer.saw_messages |= self.saw_messages
        refuse = self.observation.refuse
        if self._session is not None:
            session, before = self._session
            stop_observing(session, before, self.observation.outer)
            if session.modified:
                refuse("it changes the session, or comes after something that did")
        messages = held.get("_messages")
        if isinstance(messages, BaseStorage):
            # That there are none shows in a cookie or the session, whose items were noted.
            if self.saw_messages and (self._had_messages or _has_messages(messages)):
                refuse("it shows messages, which are one visitor's own")
            elif getattr(messages, "_queued_messages", None):
                refuse("it adds a message, which is one visitor's own")
        self.observation.over = True


def _has_messages(storage: Any) -> bool:
    return bool(
        getattr(storage, "_loaded_data", None) or getattr(storage, "_queued_messages", None)
    )


def _originals(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"META": request.META}
    for name in ("COOKIES", "GET"):
        try:
            found[name] = getattr(request, name)
        except (BadRequest, SuspiciousOperation):
            pass  # who reads it finds that out
    return found
