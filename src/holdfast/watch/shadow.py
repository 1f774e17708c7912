"""Who wrote what last: for each attribute, item and global that requests write, the request.

Objects are known by identity. Those that can be referred to weakly are; dicts and lists are held
until nobody else holds them, and looked through a few at a time when a request begins.
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..scope.scope import Scope, scope_var
from ..worker_state import is_declared
from .alike import same, told_apart
from .crossings import Access, Collector, Crossing, Kind
from .naming import CONTENTS, holder_of, is_container, named, named_local, where_it_stands
from .places import Stack, site, stack
from .request_data import all_request_data_in, leaks, request_data_in
from .sections import locked
from .short_repr import short_repr
from .visits import Visit, visit_of

_get = scope_var.get

#: Begins the key of a signal's receiver.
RECEIVER = "receiver"
#: Requests that came one after another and each put their own there: then it is no object that is
#: made once, when somebody needs it first, and kept for all.
EACH_ITS_OWN = 2
#: How many dicts and lists are held at most; the oldest is forgotten.
MOST_HELD = 2000
#: Of how many things that requests have deleted it is known who did.
MOST_GONE = 100
#: How many of them are looked at when another one comes.
LOOKED_AT = 8
#: References to a dict that nobody but the shadow has: the entry, the caller's and our variable,
#: and the argument of `getrefcount`.
_OURS_ONLY = 3

_NOTHING: Any = object()
_NOT_WRITTEN: Any = (None, _NOTHING, ())
#: In place of a set for each writing: a request may write onto very many objects.
_NOBODY: frozenset[object] = frozenset()
_NAMES_OF_PLAIN = (str, bytes, int, float, bool, type(None))


class Write:
    """The last writing of one cell."""

    __slots__ = ("_period", "_told", "anew", "data", "stack", "visit")

    def __init__(self, visit: Visit, where: Stack, before: Write | None = None) -> None:
        self.visit = visit
        self.stack = where
        #: How often a request has written there when the one that had before was over.
        self.anew: int = 0 if before is None else before.anew + visit.came_after(before.visit)
        #: Whether the value is or holds request data; None: nobody has looked.
        self.data: bool | None = None
        self._told: frozenset[object] = _NOBODY
        self._period = 0

    def told(self, period: int) -> frozenset[object]:
        """Who read it already, in the collector's *period*: where, and whether as its writer."""
        return self._told if self._period == period else _NOBODY

    def tell(self, period: int, reader: object) -> None:
        """It is told of this one."""
        self._told = self.told(period) | {reader}
        self._period = period


class Cells:
    """What requests wrote onto one object."""

    __slots__ = ("declared", "gone", "held", "kept", "of", "reference", "writes")

    def __init__(self) -> None:
        self.writes: dict[object, Write] = {}
        self.reference: weakref.ref[object] | None = None
        self.held: object = None
        self.declared: frozenset[object] = _NOBODY
        #: What requests have deleted that others had written.
        self.gone: dict[object, Write] = {}
        #: What requests have read without writing it first.
        self.kept: frozenset[object] = _NOBODY
        #: The thread-local whose values these are, if they are one's.
        self.of: object = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another request's receiver, while it runs in this one.

    Attributes:
        signal: what it was connected to.
        key: what it is known by there.
        write: who connected it.
        data: request data that it carries, by identity.
    """

    signal: object
    key: object
    write: Write
    data: Mapping[int, object]


class Shadow:
    """Notes writes, and judges reads.

    Args:
        collector: gets what crosses.
        wrote: called after each writing of a request, where other requests may step in; not in an
            `__init__`, where nobody else has the object yet.
    """

    def __init__(
        self, collector: Collector, wrote: Callable[[Visit], object] | None = None
    ) -> None:
        self.collector = collector
        self.wrote = wrote
        self.cells: dict[int, Cells] = {}
        #: Whether a request has written onto a class.
        self.has_classes = False
        #: Classes whose objects people know by the global that holds them.
        self.known_by_variable: set[type] = set()
        self._held: OrderedDict[int, None] = OrderedDict()
        self._per_request: dict[type, bool] = {}

    # Writing

    def write(self, owner: object, key: object, value: object, of: object = None) -> None:
        """A request, or nobody's code, has put *value* there; *of*: into which thread-local."""
        scope = _get()
        if not scope.usable:
            self.forget(owner, key)
            return
        visit = visit_of(scope)
        if visit.foreign is not None:
            self._brought(visit, visit.foreign, value)
        if self._is_per_request(type(owner)):
            return
        cells = self._cells_of(owner)
        where = visit.known(stack())
        cells.writes[key] = Write(visit, where, cells.writes.get(key))
        cells.of = of
        if cells.gone:
            cells.gone.pop(key, None)
        visit.own[id(owner), key] = (cells, value, where)
        if self.wrote is not None and where[0][0].co_name != "__init__":
            self.wrote(visit)

    def change(self, owner: object, key: object, value: object = _NOTHING) -> None:
        """A request has changed what was there: it claims nothing as its own."""
        scope = _get()
        if not scope.usable:
            self.forget(owner, key)
            return
        if self._is_per_request(type(owner)):
            return
        visit = visit_of(scope)
        writes = self._cells_of(owner).writes
        if value is not _NOTHING and (before := writes.get(key)) is not None:
            self.read(owner, key, value, before)
        writes[key] = Write(visit, stack())
        visit.own.pop((id(owner), key), None)
        if self.wrote is not None:
            self.wrote(visit)

    def forget(self, owner: object, key: object) -> None:
        """It is deleted, or was written outside of requests."""
        scope = _get()
        visit = visit_of(scope) if scope.usable else None
        if visit is not None:
            visit.own.pop((id(owner), key), None)
        cells = self.cells.get(id(owner))
        if cells is not None and cells.writes.pop(key, None) is not None and visit is not None:
            # Lists are made in one step: other threads go on meanwhile.
            for old in list(cells.gone)[: max(0, len(cells.gone) + 1 - MOST_GONE)]:
                cells.gone.pop(old, None)
            cells.gone[key] = Write(visit, stack())

    def forget_all(self, owner: object) -> None:
        """The container was emptied."""
        scope = _get()
        visit = visit_of(scope) if scope.usable else None
        cells = self.cells.get(id(owner))
        if cells is not None:
            if visit is not None:
                emptied = list(cells.writes)[:MOST_GONE]
                cells.gone = dict.fromkeys(emptied, Write(visit, stack()))
            cells.writes.clear()
        if visit is not None:
            for key in [key for key in list(visit.own) if key[0] == id(owner)]:
                visit.own.pop(key, None)

    # Reading

    def read(self, owner: object, key: object, value: object, write: Write) -> None:
        """A request reads *value* there, and *write* was the last writing."""
        scope = _get()
        if not scope.usable:
            return
        visit = visit_of(scope)
        if write.visit is visit:
            return
        cells = self.cells.get(id(owner))
        if cells is None:
            return
        known, own, wrote = visit.own.get((id(owner), key), _NOT_WRITTEN)
        if known is not cells:
            # Of an object that was there before, and is gone.
            own = _NOTHING
        if own is _NOTHING:
            if type(key) is str:
                cells.kept |= {key}
            visit.used.add((id(owner), key))
        reader = (site(), own is _NOTHING)
        if reader in write.told(self.collector.period):
            return
        kind = (
            self._found(key, value, write, scope)
            if own is _NOTHING
            else self._differs(cells, key, value, own, wrote, write)
        )
        if kind is None:
            return
        if key is not CONTENTS:
            write.tell(self.collector.period, reader)
        self._add(kind, owner, key, value, visit, write)

    def missed(self, owner: object, key: object, error: Exception) -> None:
        """Nothing is there, where a request looks: *error* says so.

        It may well expect that, as who looks into a cache does. It's a bug where the request had
        put or seen something there, another one has taken it away, and the request fails of it.
        """
        cells = self.cells.get(id(owner))
        deletion = None if cells is None else cells.gone.get(key)
        scope = _get()
        if deletion is None or not scope.usable:
            return
        visit = visit_of(scope)
        known, *_ = visit.own.get((id(owner), key), _NOT_WRITTEN)
        if deletion.visit is visit or not (known is cells or (id(owner), key) in visit.used):
            return
        reading = stack()
        visit.missed.append(
            (error, lambda: self._add(Kind.LOST, owner, key, error, visit, deletion, reading))
        )

    @staticmethod
    def _found(key: object, value: object, write: Write, scope: Scope) -> Kind:
        """What it is to read *value*, having written nothing there."""
        if write.data is None or key is CONTENTS:
            written = list(visit_of(scope).own.values())
            mine = (scope.request, scope, *(one for _, one, _ in written))
            write.data = leaks(value, mine)
        return Kind.LEAK if write.data else Kind.SHARED

    @staticmethod
    def _differs(  # noqa: PLR0913, PLR0917 - all that a judgement needs
        cells: Cells, key: object, value: object, own: object, wrote: Stack, write: Write
    ) -> Kind | None:
        """What it is to read *value*, having written *own* there, and at *wrote*."""
        if same(own, value):
            return None
        if request_data_in(value, ()) is not None:
            return Kind.LOST
        lock = locked(wrote, write.stack)
        if lock is not None and lock.anew:
            return Kind.SHARED
        if _is_each_ones_own(cells, key, write):
            return Kind.LOST
        return Kind.LOST if lock is None and told_apart(own, value) else Kind.SHARED

    def _brought(self, visit: Visit, foreign: Foreign, value: object) -> None:
        """Another request's receiver writes in this one: is it the other one's data?"""
        if any(id(one) in foreign.data for one in all_request_data_in(value)):
            self._add(Kind.LEAK, foreign.signal, foreign.key, value, visit, foreign.write)

    def _add(  # noqa: PLR0913, PLR0917 - all that makes a crossing
        self,
        kind: Kind,
        owner: object,
        key: object,
        value: object,
        visit: Visit,
        write: Write,
        reading: Stack = (),
    ) -> None:
        cells = self.cells.get(id(owner))
        if cells is None or key in cells.declared:
            return
        holder = holder_of(owner) if cells.of is None and is_container(owner) else None
        if is_declared(owner if cells.of is None else cells.of, key) or (
            holder is not None and is_declared(*holder)
        ):
            cells.declared |= {key}
            return
        if cells.of is not None:
            name = named_local(cells.of, key)
        elif issubclass(type(owner), tuple(self.known_by_variable)):
            name = where_it_stands(owner), "receivers"
        else:
            name = named(owner, key, holder)
        self.collector.add(
            Crossing(
                kind,
                *name,
                short_repr(value),
                Access(str(visit), reading or stack()),
                Access(str(write.visit), write.stack),
                gone=bool(reading),
            )
        )

    # Which objects

    def _is_per_request(self, kind: type) -> bool:
        """Whether objects of this class are a request's by their nature."""
        known = self._per_request.get(kind)
        if known is None:
            known = self._per_request[kind] = any(
                (base.__module__, base.__name__) in _PER_REQUEST for base in kind.__mro__
            )
        return known

    def _cells_of(self, owner: object) -> Cells:
        ident = id(owner)
        cells = self.cells.get(ident)
        if cells is None:
            cells = Cells()
            try:
                cells.reference = weakref.ref(owner, lambda _: self.cells.pop(ident, None))
            except TypeError:
                cells.held = owner
                self._held[ident] = None
            self.cells[ident] = cells
            if issubclass(type(owner), type):
                self.has_classes = True
            if cells.reference is None:
                self._sweep()
        return cells

    def _sweep(self) -> None:
        """Let go of some containers that nobody else holds."""
        for _ in range(min(LOOKED_AT, len(self._held))):
            try:
                ident, _ = self._held.popitem(last=False)
            except KeyError:
                return
            cells = self.cells.get(ident)
            if cells is None:
                continue
            if self._is_abandoned(cells) or len(self._held) >= MOST_HELD:
                self.cells.pop(ident, None)
            else:
                self._held[ident] = None

    @staticmethod
    def _is_abandoned(cells: Cells) -> bool:
        # The values of requests under way would count as well, but those are under way.
        return sys.getrefcount(cells.held) < _OURS_ONLY


_PER_REQUEST = frozenset(
    {
        ("django.http.request", "HttpRequest"),
        ("django.http.response", "HttpResponseBase"),
        ("django.contrib.sessions.backends.base", "SessionBase"),
        ("django.http.request", "QueryDict"),
        ("rest_framework.request", "Request"),
        ("starlette.requests", "HTTPConnection"),
        ("starlette.responses", "Response"),
        ("werkzeug.wrappers.request", "Request"),
        ("holdfast.scope.scope", "Scope"),
        ("holdfast.scope.state", "State"),
    }
)


def _is_each_ones_own(cells: Cells, key: object, write: Write) -> bool:
    """Whether each request that used it had put its own there: a profile, a timer, a form."""
    return type(key) is str and write.anew >= EACH_ITS_OWN and key not in cells.kept


def item_key(key: object) -> object:
    """What an item is known by; for keys that aren't plain: the whole container."""
    if isinstance(key, _NAMES_OF_PLAIN):
        return ("[", key)
    if isinstance(key, tuple) and all(isinstance(part, _NAMES_OF_PLAIN) for part in key):
        return ("[", key)
    return CONTENTS
