"""A request to run a view with when nobody waits for it: ahead of time, or after a stale answer."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .request_class import HELD_AS, is_unread_user, plain


def request_for_background(request: HttpRequest) -> HttpRequest:
    """A copy of *request*, which the visitor's own may be served and closed beside.

    What Django's middleware has put there refers to the copy. What a run changes in it is nobody's.
    """
    held = dict(plain(request, "__dict__"))
    held.pop(HELD_AS, None)
    own: Any = getattr(type(request), "_holdfast_class", type(request))
    made: Any = own.__new__(own)
    made.__dict__.update(held)
    made.META = dict(held["META"])
    if "environ" in held:
        made.environ = made.META
    for name in ("COOKIES", "GET"):
        if name in held:
            made.__dict__[name] = copy.copy(held[name])
    session = held.get("session")
    if isinstance(session, SessionBase):
        made.session = _copied_session(session)
    if is_unread_user(held.get("user")):
        from django.contrib.auth.middleware import auser, get_user  # nobody has to have that app

        made.user = SimpleLazyObject(partial(get_user, made))
        made.auser = partial(auser, made)
    storage = held.get("_messages")
    if isinstance(storage, BaseStorage):
        made._messages = type(storage)(made)  # noqa: SLF001 - where Django keeps it
    return made  # type: ignore[no-any-return]


def _copied_session(session: SessionBase) -> SessionBase:
    own: Any = getattr(type(session), "_holdfast_class", type(session))
    made: Any = own.__new__(own)
    held = {name: v for name, v in session.__dict__.items() if not name.startswith("_holdfast")}
    made.__dict__.update(held)
    if "_session_cache" in held:
        made._session_cache = dict(held["_session_cache"])  # noqa: SLF001
    made.modified = False
    return made  # type: ignore[no-any-return]
