"""What is noted of one request while it runs, and which requests run now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import framework

if TYPE_CHECKING:
    from .recorder import Recorder

#: How a request ended.
COMPLETE = "complete"  # the whole answer was handed to the server
CLIENT_GONE = "client_gone"  # the client left before that
CANCELLED = "cancelled"  # the server, or code above, called the request off
ERROR = "error"  # an exception came out of the view, the body or the application
TIME_OUT = "time_out"  # the worker was killed for being late

#: The requests of this process that have not ended, by the id of their entry. Whoever takes an
#: entry out writes its OUT event: of all who try, one succeeds.
open_entries: dict[int, Entry] = {}

# Those that run at a fork end in the parent, which says so.
os.register_at_fork(after_in_child=open_entries.clear)


class Known:
    """What a line needs to know of the request, or job, that it belongs to."""

    request_id: str
    traceparent: str = ""
    trace_id: str = ""
    span_id: str = ""


class Entry(Known):
    """One request. Made at its start, filled while it runs, handed to the writer at its end.

    What is not set stays at the class's defaults: a request of a few microseconds can't afford to
    set thirty attributes. Texts are bounded where they are taken.
    """

    recorder: Recorder
    method: str
    path: str
    query: str
    #: The address that the connection came from, and what proxies say before it.
    peer: str
    forwarded: str = ""
    #: In the order of the setting HEADERS; None where the request has none such.
    headers: tuple[str | None, ...] = ()
    #: Seconds since the epoch, and by the clock that durations are taken with.
    time: float
    began: float
    #: By that clock; 0.0: not yet.
    first_byte_at: float = 0.0
    ended_at: float = 0.0
    status: int = 0
    outcome: str = COMPLETE
    bytes_in: int = 0
    bytes_out: int = 0
    route: str = ""
    route_name: str = ""
    view: str = ""
    exception: str = ""
    raised_at: str = ""
    who: dict[str, Any] | None = None
    state: dict[str, Any] | None = None
    #: Name, value and first bytes of the bodies, where they are kept.
    content_type: str = ""
    content_encoding: str = ""
    body: bytearray | None = None
    response_type: str = ""
    response_encoding: str = ""
    response_body: bytearray | None = None
    #: The framework's request, while it runs: for the gauge of requests in flight.
    request: Any = None
    #: Whether the client's leaving was seen, or its upload broke off.
    left: bool = False
    #: Whether this is the IN event's copy.
    is_start: bool = False

    def at_start(self) -> Entry:
        """What is known at the start, for the IN event."""
        copy = Entry.__new__(Entry)
        copy.__dict__.update(self.__dict__)
        copy.is_start = True
        copy.request = None
        return copy


#: The longest text that is taken from a request's line or headers.
LONGEST = 2048


def cut(text: str) -> str:
    """*text*, if it is not too long to be kept."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def note_exception(entry: Entry, error: BaseException) -> None:
    """Its class, and where it was raised: messages may hold secrets."""
    kind = type(error)
    module = kind.__module__
    entry.exception = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    trace = error.__traceback__
    if trace is not None:
        while trace.tb_next is not None:
            trace = trace.tb_next
        entry.raised_at = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def outcome_of(error: BaseException, entry: Entry) -> str:
    """How a request ends out of which *error* comes."""
    if entry.left:
        return CLIENT_GONE
    if isinstance(error, Exception):
        return ERROR
    # gevent.Timeout and eventlet.Timeout are no Exceptions.
    return TIME_OUT if type(error).__name__ == "Timeout" else CANCELLED


_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOST_ITEMS = 50
_LONGEST_VALUE = 500
_DEEPEST = 4


def plain(value: Any, depth: int = 0) -> Any:
    """*value* as it is now: nothing that the writing thread would have to ask, and bounded.

    Never raises: what can't be read here is its type, such as `<Cart>`.
    """
    if type(value) in _PLAIN:
        return value[:_LONGEST_VALUE] if type(value) is str else value
    try:
        return _plain(value, depth)
    except Exception:  # noqa: BLE001 - the project's objects, which may do anything
        return _type_of(value)


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping) and depth < _DEEPEST:
        items = list(value.items())[:_MOST_ITEMS]
        return {str(key)[:100]: plain(one, depth + 1) for key, one in items}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [plain(one, depth + 1) for one in list(value)[:_MOST_ITEMS]]
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return "***"  # as a text, it would say what names hide
    return str(value)[:_LONGEST_VALUE]


def _type_of(value: Any) -> str:
    return f"<{type(value).__name__}>"


def plain_state(names: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The chosen *names* of `holdfast.state`, as they are now.

    Of what nobody has looked at yet, such as Django's `request.user`, only the type: to look at it
    might ask the database, after the request and in an event loop.
    """
    unread = framework.unread
    return {
        name: _type_of(values[name])
        if unread is not None and unread(values[name])
        else plain(values[name])
        for name in names
        if name in values
    }


def note_state(entry: Entry, names: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """The chosen *names* of `holdfast.state`, as they are at the request's end."""
    found = plain_state(names, values)
    if found:
        entry.state = found
