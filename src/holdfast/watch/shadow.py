"""Who wrote what last: for each attribute, item and global that requests write, the request.

Objects are known by identity. Those that can be referred to weakly are; dicts and lists are held
until nobody else holds them, and looked through a few at a time when a request begins.
"""

from __future__ import annotations

import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from ..scope.scope import scope_var
from ..worker_state import is_declared
from .crossings import Access, Collector, Crossing, Kind
from .locals import values_of
from .places import Stack, site, stack
from .request_data import request_data_in, short_repr
from .visits import Visit, visit_of

_get = scope_var.get

#: Stands for all that a container holds.
CONTENTS = ("contents",)
#: How many dicts and lists are held at most; the oldest is forgotten.
MOST_HELD = 2000
#: How many of them are looked at when another one comes.
LOOKED_AT = 8
#: References to a dict that nobody but the shadow has: the entry, the caller's and our variable,
#: and the argument of `getrefcount`.
_OURS_ONLY = 3

_NOTHING: Any = object()
_NAMES_OF_PLAIN = (str, bytes, int, float, bool, type(None))
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


class FunctionCells:
    """Stands for a function's variables that functions inside it bind anew."""

    __slots__ = ("__weakref__", "function")

    def __init__(self, function: str) -> None:
        self.function = function


class Write:
    """The last writing of one cell."""

    __slots__ = ("data", "stack", "told", "visit")

    def __init__(self, visit: Visit, where: Stack) -> None:
        self.visit = visit
        self.stack = where
        #: Whether the value is or holds request data; None: nobody has looked.
        self.data: bool | None = None
        #: Who read it already: where, and whether they had written it themselves.
        self.told: set[object] = set()


class Cells:
    """What requests wrote onto one object."""

    __slots__ = ("declared", "held", "of", "reference", "writes")

    def __init__(self) -> None:
        self.writes: dict[object, Write] = {}
        self.reference: weakref.ref[object] | None = None
        self.held: object = None
        self.declared: set[object] = set()
        #: The thread-local whose values these are, if they are one's.
        self.of: object = None


class Shadow:
    """Notes writes, and judges reads.

    Args:
        collector: gets what crosses.
        wrote: called after each writing of a request onto something that it did not make itself,
            as far as that can be told: where other requests may step in.
    """

    def __init__(
        self, collector: Collector, wrote: Callable[[Visit], object] | None = None
    ) -> None:
        self.collector = collector
        self.wrote = wrote
        self.cells: dict[int, Cells] = {}
        #: Whether a request has written onto a class.
        self.has_classes = False
        self._held: OrderedDict[int, None] = OrderedDict()
        self._per_request: dict[type, bool] = {}

    # Writing

    def write(self, owner: object, key: object, value: object, of: object = None) -> None:
        """A request, or nobody's code, has put *value* there; *of*: into which thread-local."""
        scope = _get()
        if not scope.usable:
            self.forget(owner, key)
            return
        if self._is_per_request(type(owner)):
            return
        visit = visit_of(scope)
        cells = self._cells_of(owner)
        cells.writes[key] = Write(visit, stack())
        cells.of = of
        visit.own[id(owner), key] = value
        if self.wrote is not None:
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
        if scope.usable:
            visit_of(scope).own.pop((id(owner), key), None)
        cells = self.cells.get(id(owner))
        if cells is not None:
            cells.writes.pop(key, None)

    def forget_all(self, owner: object) -> None:
        """The container was emptied."""
        cells = self.cells.get(id(owner))
        if cells is not None:
            cells.writes.clear()
        scope = _get()
        if scope.usable:
            own = visit_of(scope).own
            for key in [key for key in own if key[0] == id(owner)]:
                own.pop(key, None)

    # Reading

    def read(self, owner: object, key: object, value: object, write: Write) -> None:
        """A request reads *value* there, and *write* was the last writing."""
        scope = _get()
        if not scope.usable:
            return
        visit = visit_of(scope)
        if write.visit is visit:
            return
        own = visit.own.get((id(owner), key), _NOTHING)
        reader = (site(), own is _NOTHING)
        if reader in write.told:
            return
        if own is _NOTHING:
            if write.data is None or key is CONTENTS:
                mine = (scope.request, scope, *visit.own.values())
                write.data = request_data_in(value, mine) is not None
            kind = Kind.LEAK if write.data else Kind.SHARED
        else:
            if same(own, value):
                return
            # Objects made alike (clients, locks) can't be told from one another; all else can.
            telling = _tells(own) or _tells(value)
            telling = telling or request_data_in(value, ()) is not None
            kind = Kind.LOST if telling else Kind.SHARED
        if key is not CONTENTS:
            write.told.add(reader)
        cells = self.cells.get(id(owner))
        if cells is None or key in cells.declared:
            return
        if is_declared(owner if cells.of is None else cells.of, key):
            cells.declared.add(key)
            return
        self.collector.add(
            Crossing(
                kind,
                *(named(owner, key) if cells.of is None else named_local(cells.of, key)),
                short_repr(value),
                Access(str(visit), stack()),
                Access(str(write.visit), write.stack),
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


def same(one: object, other: object) -> bool:
    """Whether nobody could tell the two values from each other."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    try:
        if type(one).__eq__ is not object.__eq__:
            return bool(one == other)
        # Two objects that were made alike, as two who begin at once make them.
        return bool(values_of(one)) and values_of(one) == values_of(other)
    except Exception:  # noqa: BLE001 - it's the user's code
        return False


def _tells(value: Any) -> bool:
    return _is_plain(value) or issubclass(type(value), (dict, list, set, frozenset, tuple))


def _is_plain(value: Any) -> bool:
    if issubclass(type(value), (tuple, list, frozenset, set)):
        return len(value) < 20 and all(_is_plain(one) for one in list(value))  # noqa: PLR2004
    return issubclass(type(value), _PLAIN) or type(value).__module__ in {
        "datetime",
        "decimal",
        "uuid",
    }


def item_key(key: object) -> object:
    """What an item is known by; for keys that aren't plain: the whole container."""
    if isinstance(key, _NAMES_OF_PLAIN):
        return ("[", key)
    if isinstance(key, tuple) and all(isinstance(part, _NAMES_OF_PLAIN) for part in key):
        return ("[", key)
    return CONTENTS


def named(owner: Any, key: object) -> tuple[str, str]:
    """Holder and name, for people."""
    if isinstance(key, str):
        name = key
    elif key is CONTENTS:
        name = "[...]"
    else:
        name = f"[{short_repr(key[1], 40)}]" if isinstance(key, tuple) else str(key)
    if issubclass(type(owner), ModuleType):
        return owner.__name__, name
    if issubclass(type(owner), type):
        return f"{owner.__module__}.{owner.__qualname__}", name
    if type(owner).__module__ in {"builtins", "collections"}:
        return _where_it_stands(owner), name
    kind = type(owner)
    if type(owner) is FunctionCells:
        return owner.function, name
    if type(owner) is FunctionType:
        return f"{owner.__module__}.{owner.__qualname__}", name
    return f"{kind.__module__}.{kind.__qualname__}", name


def named_local(local: Any, key: object) -> tuple[str, str]:
    """Holder and name of a thread-local's value."""
    found = _where_it_stands(local)
    return found, str(key[1]) if isinstance(key, tuple) else "..."


def _where_it_stands(container: object) -> str:
    """A container's name: the global or the class attribute that holds it, if one does."""
    for module in list(sys.modules.values()):
        if type(module) is not ModuleType:
            continue
        for name, value in list(vars(module).items()):
            if value is container:
                return f"{module.__name__}.{name}"
            if issubclass(type(value), type) and value.__module__ == module.__name__:
                for attribute, held in list(vars(value).items()):
                    if held is container:
                        return f"{value.__module__}.{value.__qualname__}.{attribute}"
    return f"a {type(container).__name__}"
