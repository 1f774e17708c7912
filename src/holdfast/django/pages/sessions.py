"""The session of a request, noting which of its items are read.

The session stays the object that it is, which the middleware saves in the end: for the time of the
run it gets a class of its own.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from .mappings import ObservedDict
from .observation import Observation, looking_away

_OBSERVATION = "_holdfast_observation"


def observe_session(session: SessionBase, observation: Observation) -> type[Any]:
    """Have *session* tell *observation* what is read from it. Returns its class, to put back."""
    before = type(session)
    session.__dict__[_OBSERVATION] = observation
    session.__class__ = _observed_class(getattr(before, "_holdfast_class", before))
    return before


def stop_observing(session: SessionBase, before: type[Any], outer: Observation | None) -> None:
    """Put back what `observe_session` has changed."""
    session.__class__ = before
    if outer is None:
        session.__dict__.pop(_OBSERVATION, None)
    else:
        session.__dict__[_OBSERVATION] = outer


def loaded(session: SessionBase) -> dict[str, Any]:
    """All that is in it. Marks the session as accessed, as every reading does."""
    found: dict[str, Any] = session._get_session()  # type: ignore[attr-defined] # noqa: SLF001
    return found


async def aloaded(session: SessionBase) -> dict[str, Any]:
    """The same, for `await`."""
    found: dict[str, Any] = await session._aget_session()  # type: ignore[attr-defined] # noqa: SLF001
    return found


@cache
def _observed_class(own: Any) -> Any:
    """A subclass of *own* whose readers find what they read noted."""

    class Observed(own):  # type: ignore[misc]
        _holdfast_class = own

        def _get_session(self, no_load: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
            # The rows that a session is in are no part of the page: its items are, in the key.
            with looking_away():
                items = super()._get_session(no_load)
            return _observed_items(self, items)

        async def _aget_session(self, no_load: bool = False) -> Any:  # noqa: FBT001, FBT002
            with looking_away():
                items = await super()._aget_session(no_load)
            return _observed_items(self, items)

        _session = property(_get_session)

        def _look_at_key(self) -> Any:
            key = own.session_key.fget(self)
            self.__dict__[_OBSERVATION].note("session-key", key)
            return key

        session_key = property(_look_at_key)
        _session_key = property(_look_at_key, own._session_key.fset)  # noqa: SLF001

        def is_empty(self) -> bool:
            return not self.session_key and not self._session

    Observed.__name__, Observed.__qualname__ = own.__name__, own.__qualname__
    Observed.__module__ = own.__module__
    return Observed


def _observed_items(session: Any, items: dict[str, Any]) -> ObservedDict:
    observation: Observation = session.__dict__[_OBSERVATION]
    return ObservedDict(
        items, observation, "session", lambda: observation.note("session-items", items)
    )
