"""From the parts that a page depends on to its key.

Two steps: the list of parts that are known for a view and its URL; then their values in the request
at hand. A page that was stored under a list depends on no other part. So whichever list a process
knows, what it finds is right, and what it doesn't find is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from ...scope.scope import scope_var
from . import match
from .ambient import LANGUAGE, TIME_ZONE, language, time_zone
from .canonical import NotCanonical, canonical
from .observation import ABSENT
from .request_class import HELD_AS, plain
from .sessions import aloaded, loaded

#: Reads one part of a request: its value as text.
Reader = Callable[[HttpRequest], str]

_KEY_SIZE = 20


class Parts:
    """A list of parts, ready to be read from requests.

    Args:
        names: of the parts, in any order.

    Attributes:
        names: in order.
        needs_session: whether the session's items are among them, which may have to be loaded.
        vary: the request's headers that they come from.
    """

    __slots__ = ("_readers", "_seed", "names", "needs_session", "vary")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(set(names)))
        self._readers = [_reader(name) for name in self.names]
        self._seed = repr(self.names)
        self.needs_session = any(
            name.startswith(("session:", "session-items")) for name in self.names
        )
        self.vary = headers_of(self.names)

    def __or__(self, names: Iterable[str]) -> Parts:
        return Parts((*self.names, *names))

    def key(self, place: str, request: HttpRequest) -> bytes:
        """The key of the page that *request* gets at *place*, a view and a URL.

        May load the session, and what middleware has left to be loaded. Where the request is
        watched, that these parts are read is noted.

        Raises:
            NotCanonical: a part can't be written down in this request.
        """
        return self._digest(place, [read(request) for read in self._readers])

    async def aprepare(self, request: HttpRequest) -> None:
        """Load the session, if it is needed for the key."""
        if self.needs_session:
            session = _held(request).get("session")
            if isinstance(session, SessionBase):
                await aloaded(session)

    def texts(
        self, request: HttpRequest, variables: Callable[[str], str] | None = None
    ) -> dict[str, str]:
        """The values of the parts, by their names. As `key` otherwise.

        Args:
            request: as for `key`.
            variables: reads the parts that are of a template's context, where there is one.
        """
        found = {}
        for name, read in zip(self.names, self._readers, strict=True):
            if variables is not None and name.startswith("context:"):
                found[name] = variables(name)
            else:
                found[name] = read(request)
        return found

    def key_of(self, place: str, values: Mapping[str, str]) -> bytes:
        """The key of a page whose parts were noted while it was made.

        Raises:
            KeyError: one was not read.
        """
        return self._digest(place, [values[name] for name in self.names])

    def _digest(self, place: str, texts: list[str]) -> bytes:
        # No text has a line break in it, so no two lists of them make one.
        whole = "\n".join((place, self._seed, *texts))
        return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=_KEY_SIZE).digest()


def headers_of(names: Iterable[str]) -> tuple[str, ...]:
    """The request's headers that parts of these *names* come from, as `Vary` has them."""
    found: dict[str, None] = {}
    for name in names:
        kind, _, what = name.partition(":")
        if kind in {"cookie", "session", "session-key", "session-items"}:
            found["Cookie"] = None
        elif kind == "meta" and what.startswith("HTTP_") and what != "HTTP_HOST":
            found[what[5:].replace("_", "-").title()] = None
    return tuple(found)


def _reader(name: str) -> Reader:
    kind, _, what = name.partition(":")
    if kind in _NAMED:
        return _NAMED[kind](what)
    if kind in _WHOLE:
        return _WHOLE[kind]
    # Noted by another version of this library. It reads as nothing, so no page is found.
    raise ValueError(f"there is no part {name!r}")


def _text(found: Mapping[Any, Any], key: str, request: HttpRequest) -> str:
    try:
        value = found[key]
    except KeyError:
        return ABSENT
    return repr(value) if type(value) is str else canonical(value, request)


def _meta(name: str) -> Reader:
    return lambda request: _text(request.META, name, request)


def _scope(name: str) -> Reader:
    return lambda request: _text(getattr(request, "scope", {}), name, request)


def _cookie(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        held = _held(request)
        if "COOKIES" not in held and HELD_AS not in held and "HTTP_COOKIE" not in held["META"]:
            return ABSENT  # without having Django look for them
        return _text(request.COOKIES, name, request)

    return read


def _query(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        held = _held(request)
        if "GET" not in held and HELD_AS not in held and not held["META"].get("QUERY_STRING"):
            return ABSENT  # as above
        query = request.GET
        return canonical(query.getlist(name)) if name in query else ABSENT

    return read


def _query_items(request: HttpRequest) -> str:
    held = _held(request)
    if "GET" not in held and HELD_AS not in held and not held["META"].get("QUERY_STRING"):
        return canonical({})  # as above
    return canonical(dict(request.GET.lists()))


def _held(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = plain(request, "__dict__")
    return found


def _attribute(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        held = _held(request)
        if HELD_AS in held:
            getattr(request, name, None)
        return _text(held, name, request)

    return read


def _session(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        session = _held(request).get("session")
        return _text(loaded(session), name, request) if isinstance(session, SessionBase) else ABSENT

    return read


def _state(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        scope = scope_var.get()
        return _text(scope.state.__dict__, name, request) if scope.usable else ABSENT

    return read


def _session_key(request: HttpRequest) -> str:
    session = _held(request).get("session")
    return canonical(session.session_key) if isinstance(session, SessionBase) else ABSENT


def _session_items(request: HttpRequest) -> str:
    session = _held(request).get("session")
    return canonical(loaded(session), request) if isinstance(session, SessionBase) else ABSENT


def _state_items(request: HttpRequest) -> str:
    scope = scope_var.get()
    return canonical(dict(scope.state.__dict__), request) if scope.usable else ABSENT


def _context(name: str) -> Reader:
    def read(request: HttpRequest) -> str:
        raise NotCanonical(f"the variable {name}, without its template")

    return read


_NAMED: dict[str, Callable[[str], Reader]] = {
    "attribute": _attribute,
    "context": _context,
    "cookie": _cookie,
    "match": match.reader,
    "meta": _meta,
    "query": _query,
    "scope": _scope,
    "session": _session,
    "state": _state,
}
_WHOLE: dict[str, Reader] = {
    "query-items": _query_items,
    "session-items": _session_items,
    "session-key": _session_key,
    "state-items": _state_items,
    LANGUAGE: lambda _: language(),
    TIME_ZONE: lambda _: time_zone(),
}

__all__ = ["NotCanonical", "Parts", "headers_of"]
