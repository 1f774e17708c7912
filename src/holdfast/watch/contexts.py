"""What requests leave in a context: in context variables, and in asgiref's and Werkzeug's locals.

A context may be handed from one request to the next. Each thread of a WSGI server has one, in which
its requests come one after another: who reads there before it has set anything finds what the last
one has left. Who set what stands in a context variable of our own, which goes where the values go.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType

from ..scope.scope import scope_var
from ..worker_state import is_declared
from .crossings import Access, Collector, Crossing, Kind
from .naming import named_in_context
from .places import Stack, site, stack
from .request_data import request_data_in
from .short_repr import short_repr
from .visits import Visit, visit_of

#: How much is known of one context at most; the oldest is forgotten.
MOST = 200

_Place = tuple[int, str]


class _Setting:
    """What a request has put somewhere.

    Attributes:
        told: where it was read, by requests that are told of already.
    """

    __slots__ = ("_value", "owner", "stack", "told", "visit")

    def __init__(self, owner: object, value: object, visit: Visit, where: Stack) -> None:
        self.owner = owner
        self.visit = visit
        self.stack = where
        self.told: set[object] = set()
        self._value = _held(value)

    def is_there(self, owner: object, value: object) -> bool:
        """Whether it is this that was read: code that isn't watched may have set another."""
        return self.owner is owner and self._value() is value


def _held(value: object) -> Callable[[], object]:
    """The value as long as others have it, where that can be told."""
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


_set: ContextVar[Mapping[_Place, _Setting]] = ContextVar(
    "holdfast watch", default=MappingProxyType({})
)


class Contexts:
    """Notes what is set in contexts, and judges what is read there.

    Args:
        collector: gets what crosses.
    """

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def put(self, owner: object, name: str, value: object) -> None:
        """A request, or nobody's code, has set *value*; *name* is empty for a context variable."""
        scope = scope_var.get()
        if not scope.usable:
            self.forget(owner, name)
            return
        known = dict(_set.get())
        known.pop((id(owner), name), None)
        if len(known) >= MOST:
            known.pop(next(iter(known)))
        known[id(owner), name] = _Setting(owner, value, visit_of(scope), stack())
        _set.set(known)

    def forget(self, owner: object, name: str) -> None:
        """It is deleted, or what it was before."""
        known = _set.get()
        if (id(owner), name) in known:
            _set.set({place: one for place, one in known.items() if place != (id(owner), name)})

    def read(self, owner: object, name: str, value: object) -> None:
        """*value* was read there."""
        setting = _set.get().get((id(owner), name))
        scope = scope_var.get()
        if setting is None or not scope.usable:
            return
        visit = visit_of(scope)
        if setting.visit is visit or not setting.is_there(owner, value):
            return
        reader = (site(), self._collector.period)
        if reader in setting.told or is_declared(owner, name):
            return
        setting.told.add(reader)
        is_data = request_data_in(value, (scope.request, scope)) is not None
        self._collector.add(
            Crossing(
                Kind.LEAK if is_data else Kind.SHARED,
                *named_in_context(owner, name),
                short_repr(value),
                Access(str(visit), stack()),
                Access(str(setting.visit), setting.stack),
            )
        )
