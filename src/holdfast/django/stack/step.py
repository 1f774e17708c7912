"""What one thing that runs in a request is described by.

A switch is a way to another thread, and back: the event loop waits for the request's thread, or
the request's thread for the event loop.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from .receivers import Receivers


class Place(enum.Enum):
    """Where code runs."""

    LOOP = "event loop"
    THREAD = "request's thread"
    WORKER = "worker's thread"
    OWN_LOOP = "event loop for this call"


class Switch(enum.Enum):
    """Ways to another thread and back, by what they cost."""

    #: From an event loop to the request's thread.
    TO_THREAD = "to_thread"
    #: From the request's thread to the event loop above it.
    TO_LOOP = "to_loop"
    #: From a thread without an event loop: one is made, in a thread made for it.
    NEW_LOOP = "new_loop"


class When(enum.Enum):
    """In which requests."""

    ALWAYS = "always"
    TEMPLATE = "where a TemplateResponse is rendered"
    EXCEPTION = "where the view raises"


@dataclass(frozen=True)
class Cause:
    """Who makes a request switch.

    Attributes:
        kind: what it is: `sync-only`, `async-only`, `mixin`, `hook`, `view`, `receivers`,
            `closing`, `handler`.
        name: the middleware, or another name.
    """

    kind: str
    name: str


#: On the way to a step: how, and who is to blame.
Switches = tuple[tuple[Switch, Cause], ...]


@dataclass(frozen=True)
class Step:
    """One thing that runs in a request.

    Attributes:
        what: such as `process_view of shop.middleware.Basket`.
        place: where it runs.
        switches: on the way there and, for the middleware itself, on the way to what is below it.
        when: in which requests.
        middleware: its entry in `MIDDLEWARE`, if it is one's.
        hook: such as `process_view`; `__call__` for the middleware itself.
    """

    what: str
    place: Place
    switches: Switches = ()
    when: When = When.ALWAYS
    middleware: str | None = None
    hook: str | None = None


@dataclass(frozen=True)
class Setting:
    """What a request is like, beside its middleware.

    Attributes:
        receivers: of the signals that each request sends.
        view_is_async: what kind of view it reaches.
        ours: whether Holdfast's ASGI handler serves it, or Django's.
    """

    receivers: Receivers
    view_is_async: bool
    ours: bool = False
