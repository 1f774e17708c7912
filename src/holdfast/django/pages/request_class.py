"""The class that a request has while it is watched.

The request stays the object that it is, which middleware, templates and `holdfast.request` hold. So
reads are seen on whatever way they come, also through what was made from the request before the
run, such as Django's lazy `request.user`.
"""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Protocol

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from .mappings import ObservedDict, ObservedHeaders
from .match import observed_match
from .observation import Observation
from .query import ObservedQuery

#: Where a request keeps what it is watched by.
HELD_AS = "_holdfast_watched"

#: With these, a client that has the page asks whether it has changed. The page itself answers.
CONDITIONS = frozenset(
    {
        "HTTP_IF_MATCH",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_NONE_MATCH",
        "HTTP_IF_RANGE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_RANGE",
    }
)

#: In META, where Django keeps what it knows of the token.
_CSRF = frozenset({"CSRF_COOKIE", "CSRF_COOKIE_NEEDS_UPDATE"})

#: Attributes that tell no more of a request than its URL does, which is in the key of each page, or
#: that a request without a body doesn't have.
_SAFE = frozenset(
    {
        HELD_AS,
        "FILES",
        "POST",
        "_encoding",
        "_files",
        "_post",
        "_post_parse_error",
        "_read_started",
        "_upload_handlers",
        "exception_reporter_class",
        "exception_reporter_filter",
        "method",
        "path",
        "path_info",
        "resolver_match",
        "script_name",
        "urlconf",
    }
)


#: Those of them that a fragment's key has only if it has read them, since it may stand anywhere.
_OF_URL = frozenset({"method", "path", "path_info", "urlconf"})
#: What there is of a body, which a page is never made of.
_OF_BODY = frozenset({"FILES", "POST", "_files", "_post"})
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class Watched(Protocol):
    """What a request is watched by: see `watching`."""

    request: HttpRequest
    observation: Observation
    #: What the request had before the run, where that is not what it shows.
    originals: dict[str, Any]
    #: What was handed out, by name: a second look finds the same object.
    made: dict[str, Any]
    #: Attributes that the run has set.
    replaced: set[str]
    saw_messages: bool


plain = object.__getattribute__


@cache
def observed_class(own: Any) -> Any:  # noqa: C901 - a class, whose methods are short
    """A subclass of *own*, the request's class, whose attributes are noted when they are read."""

    class Observed(own):  # type: ignore[misc]
        _holdfast_class = own

        def __getattribute__(self, name: str) -> Any:
            held = plain(self, "__dict__")
            watched: Watched | None = held.get(HELD_AS)
            if watched is None:
                return plain(self, name)
            if name in _SAFE and watched.observation.anywhere:
                return _anywhere(watched, held, name)
            hand_out = _HAND_OUT.get(name)
            if hand_out is not None and name not in watched.replaced:
                return hand_out(watched, held, name)
            if name in held:
                if name not in _SAFE:
                    watched.observation.note(f"attribute:{name}", held[name])
                return held[name]
            try:
                return plain(self, name)
            except AttributeError:
                if name[:2] != "__" and name not in _SAFE:
                    watched.observation.note_absent(f"attribute:{name}")
                raise

        def __setattr__(self, name: str, value: Any) -> None:
            watched: Watched | None = plain(self, "__dict__").get(HELD_AS)
            if watched is not None:
                watched.observation.note_written(f"attribute:{name}")
                watched.replaced.add(name)
            super().__setattr__(name, value)

        def __delattr__(self, name: str) -> None:
            watched: Watched | None = plain(self, "__dict__").get(HELD_AS)
            if watched is not None:
                watched.observation.refuse(f"it deletes request.{name}")
            super().__delattr__(name)

        def __reduce_ex__(self, protocol: Any) -> Any:
            held = dict(plain(self, "__dict__"))
            watched: Watched | None = held.pop(HELD_AS, None)
            if watched is not None:
                watched.observation.refuse("it copies the request, whose copy nobody watches")
            return copyreg.__newobj__, (own,), held  # type: ignore[attr-defined]

    Observed.__name__, Observed.__qualname__ = own.__name__, own.__qualname__
    Observed.__module__ = own.__module__
    return Observed


def _anywhere(watched: Watched, held: dict[str, Any], name: str) -> Any:
    """What a page's URL tells, for a fragment."""
    observation = watched.observation
    if name in _OF_BODY:
        observation.note_of_url("attribute:method", held["method"])
        if held["method"] not in _WITHOUT_BODY:
            observation.refuse("it reads the body of the request")
    if name == "resolver_match" and name not in watched.replaced:
        found = watched.made.get(name)
        if found is None:
            found = watched.made[name] = observed_match(held[name], observation)
        return found
    if name in _OF_URL and name in held:
        observation.note_of_url(f"attribute:{name}", held[name])
    return plain(watched.request, name)


def is_unread_user(user: Any) -> bool:
    """Whether it is Django's own lazy user, not loaded yet.

    Who that is will be read from the session, and the rows from the database, by whoever asks.
    """
    return (
        type(user) is SimpleLazyObject
        and user.__dict__.get("_wrapped") is empty
        and _is_djangos(user.__dict__.get("_setupfunc"))
    )


def _is_djangos(function: Any) -> bool:
    if type(function) is partial:
        function = function.func
    return getattr(function, "__module__", None) == "django.contrib.auth.middleware"


# What is handed out in place of an attribute, by the attribute's name.

HandOut = Callable[[Watched, dict[str, Any], str], Any]


def _made_once(make: Callable[[Watched, dict[str, Any]], Any]) -> HandOut:
    def hand_out(watched: Watched, held: dict[str, Any], name: str) -> Any:
        found = watched.made.get(name)
        if found is None:
            found = watched.made[name] = make(watched, held)
        return found

    return hand_out


class _Meta(ObservedDict):
    """`request.META`, where it shows, too, that a page has a CSRF token in it."""

    __slots__ = ()

    def _look(self, key: Any) -> Any:
        if key in _CSRF:
            self._observation.refuse(HAS_TOKEN)
        return super()._look(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in _CSRF:
            self._observation.refuse(HAS_TOKEN)
        super().__setitem__(key, value)


HAS_TOKEN = "there is a CSRF token in it, which is one visitor's own"  # noqa: S105 - no password


def _meta_of(watched: Watched) -> ObservedDict:
    meta: ObservedDict | None = watched.made.get("META")
    if meta is None:
        refuse = partial(watched.observation.refuse, "it reads request.META or .headers as a whole")
        meta = _Meta(
            watched.originals["META"], watched.observation, "meta", refuse, hidden=CONDITIONS
        )
        watched.made["META"] = meta
    return meta


def _meta(watched: Watched, held: dict[str, Any], name: str) -> Any:
    return _meta_of(watched)


@_made_once
def _headers(watched: Watched, held: dict[str, Any]) -> Any:
    return ObservedHeaders(_meta_of(watched))


def _unreadable(watched: Watched, name: str) -> Any:
    watched.observation.refuse(f"request.{name} can't be read")
    return plain(watched.request, name)  # raises


@_made_once
def _query(watched: Watched, held: dict[str, Any]) -> Any:
    if "GET" not in watched.originals:
        return _unreadable(watched, "GET")
    query, observation = watched.originals["GET"], watched.observation

    # Not the query string: middleware may have put another query in its place.
    def whole() -> None:
        observation.note("query-items", dict(query.lists()))

    return ObservedQuery(query, observation, whole)


@_made_once
def _cookies(watched: Watched, held: dict[str, Any]) -> Any:
    if "COOKIES" not in watched.originals:
        return _unreadable(watched, "COOKIES")
    refuse = partial(watched.observation.refuse, "it reads request.COOKIES as a whole")
    return ObservedDict(watched.originals["COOKIES"], watched.observation, "cookie", refuse)


@_made_once
def _scope(watched: Watched, held: dict[str, Any]) -> Any:
    refuse = partial(watched.observation.refuse, "it reads request.scope as a whole")
    return ObservedDict(held["scope"], watched.observation, "scope", refuse)


def _dict(watched: Watched, held: dict[str, Any], name: str) -> Any:
    # Not kept: cached properties write past it, into what it was copied from.
    refuse = partial(watched.observation.refuse, "it reads request.__dict__ as a whole")
    return ObservedDict(held, watched.observation, "attribute", refuse)


def _session(watched: Watched, held: dict[str, Any], name: str) -> Any:
    session = held.get(name)
    if name not in held:
        watched.observation.note_absent("attribute:session")
    elif not isinstance(session, SessionBase):
        watched.observation.note("attribute:session", session)
    return plain(watched.request, name)


def _user(watched: Watched, held: dict[str, Any], name: str) -> Any:
    if name not in held:
        watched.observation.note_absent("attribute:user")
    elif not is_unread_user(held[name]):
        # Loaded before the run, where nobody saw its rows: all that it holds is in the key.
        watched.observation.note("attribute:user", held[name])
    return plain(watched.request, name)


def _auser(watched: Watched, held: dict[str, Any], name: str) -> Any:
    function = held.get(name)
    if not (type(function) is partial and _is_djangos(function)):
        watched.observation.note("attribute:auser", function)
    return plain(watched.request, name)


def _messages(watched: Watched, held: dict[str, Any], name: str) -> Any:
    watched.saw_messages = True
    if name not in held:
        watched.observation.note_absent("attribute:_messages")
    return plain(watched.request, name)


def _accepted(watched: Watched, held: dict[str, Any], name: str) -> Any:
    _meta_of(watched).get("HTTP_ACCEPT")
    return plain(watched.request, name)


def _content_type(watched: Watched, held: dict[str, Any], name: str) -> Any:
    _meta_of(watched).get("CONTENT_TYPE")
    return plain(watched.request, name)


def _body(watched: Watched, held: dict[str, Any], name: str) -> Any:
    watched.observation.refuse("it reads the body of the request")
    return plain(watched.request, name)


_HAND_OUT: dict[str, HandOut] = {
    "COOKIES": _cookies,
    "GET": _query,
    "META": _meta,
    "__dict__": _dict,
    "_messages": _messages,
    "_stream": _body,
    "accepted_types": _accepted,
    "accepted_types_by_precedence": _accepted,
    "auser": _auser,
    "body": _body,
    "content_params": _content_type,
    "content_type": _content_type,
    "encoding": _content_type,
    "environ": _meta,
    "headers": _headers,
    "read": _body,
    "readline": _body,
    "readlines": _body,
    "scope": _scope,
    "session": _session,
    "upload_handlers": _body,
    "user": _user,
}
