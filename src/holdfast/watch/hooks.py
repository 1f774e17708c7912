"""What rewritten code calls: does what was asked for, and tells the shadow."""

from __future__ import annotations

import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import BuiltinFunctionType, ModuleType
from typing import Any

from .contexts import Contexts
from .locals import contextual, is_local, thread_cells, values_of
from .naming import CONTENTS, FunctionCells
from .shadow import Shadow, item_key
from .syntax import HOOKS, OURS

_CONTAINERS = (dict, list, set, deque)
_BUILT_IN = (*_CONTAINERS, OrderedDict, defaultdict)
_CHANGES = frozenset({"add", "append", "appendleft", "extend", "insert", "update"})
_TAKES = frozenset({"pop", "popitem", "popleft", "copy", "items", "values"})
_MISSING: Any = object()


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What a rewritten module calls. One object, since people go through their modules' functions.

    Attributes:
        rewrote: see `hooks`.
        module: whose they are.
    """

    get: Any
    set: Any
    added: Any
    gone: Any
    get_item: Any
    set_item: Any
    added_item: Any
    gone_item: Any
    method: Any
    each: Any
    bound: Any
    seen: Any
    cells: Any
    builtin: Any
    own: Any
    slice: Any
    rewrote: Callable[[], object] | None
    module: ModuleType | None = None

    def hand_over(self, module: ModuleType) -> None:
        """Put them into the module."""
        vars(module)[HOOKS] = replace(self, module=module)
        if self.rewrote is not None:
            self.rewrote()


def hooks(  # noqa: C901, PLR0915 - closures, for speed
    shadow: Shadow, rewrote: Callable[[], object] | None = None
) -> Hooks:
    """The functions for rewritten modules.

    Args:
        shadow: is told what they do.
        rewrote: called when a module gets them.
    """
    cells_of = shadow.cells.get
    contexts = Contexts(shadow.collector)

    # Attributes

    def get(owner: Any, name: str) -> Any:
        try:
            value = getattr(owner, name)
        except AttributeError as error:
            missed(owner, name, error)
            raise
        cells = cells_of(id(owner))
        if cells is not None:
            write = cells.writes.get(name)
            if write is not None:
                shadow.read(owner, name, value, write)
                return value
        if shadow.has_classes:
            look_at_classes(owner, name, value)
        elif is_local(owner):
            read_local(owner, name, value)
        return value

    def missed(owner: Any, name: str, error: Exception) -> None:
        place = thread_cells(owner)
        if place is None:
            shadow.missed(owner, name, error)
        else:
            shadow.missed(place, ("[", name), error)

    def look_at_classes(owner: Any, name: str, value: object) -> None:
        if issubclass(type(owner), type):
            lineage = owner.__mro__
        else:
            if name in values_of(owner):
                return
            if is_local(owner):
                read_local(owner, name, value)
                return
            lineage = type(owner).__mro__
        for kind in lineage:
            cells = cells_of(id(kind))
            if cells is not None and name in vars(kind):
                write = cells.writes.get(name)
                if write is not None:
                    shadow.read(kind, name, value, write)
                return

    def read_local(owner: Any, name: str, value: object) -> None:
        if contextual(owner):
            contexts.read(owner, name, value)
            return
        place = thread_cells(owner)
        cells = cells_of(id(place))
        if cells is not None:
            write = cells.writes.get(("[", name))
            if write is not None:
                shadow.read(place, ("[", name), value, write)

    def set_(value: Any, owner: Any, name: str) -> None:
        setattr(owner, name, value)
        place = thread_cells(owner)
        if place is not None:
            shadow.write(place, ("[", name), value, owner)
        elif contextual(owner):
            contexts.put(owner, name, value)
        else:
            shadow.write(owner, name, value)

    def added(owner: Any, name: str) -> None:
        place = thread_cells(owner)
        if place is not None:
            shadow.change(place, ("[", name), place.get(name))
        elif contextual(owner):
            contexts.put(owner, name, getattr(owner, name))
        else:
            values = values_of(owner)
            if name in values:
                shadow.change(owner, name, values[name])
            else:
                shadow.change(owner, name)

    def gone(owner: Any, name: str) -> None:
        place = thread_cells(owner)
        if place is not None:
            shadow.forget(place, ("[", name))
        elif contextual(owner):
            contexts.forget(owner, name)
        else:
            shadow.forget(owner, name)

    # Items

    def get_item(owner: Any, key: Any) -> Any:
        try:
            value = owner[key]
        except KeyError as error:
            shadow.missed(owner, item_key(key), error)
            raise
        cells = cells_of(id(owner))
        if cells is not None and issubclass(type(owner), _CONTAINERS):
            name = item_key(key) if issubclass(type(owner), dict) else CONTENTS
            write = cells.writes.get(name)
            if write is None and name is not CONTENTS:
                name = CONTENTS
                write = cells.writes.get(CONTENTS)
            if write is not None:
                shadow.read(owner, name, value, write)
        return value

    def set_item(value: Any, owner: Any, key: Any) -> None:
        owner[key] = value
        if issubclass(type(owner), dict):
            shadow.write(owner, item_key(key), value)
        elif issubclass(type(owner), _CONTAINERS):
            shadow.change(owner, CONTENTS)

    def added_item(owner: Any, key: Any) -> None:
        if issubclass(type(owner), dict):
            shadow.change(owner, item_key(key), dict.get(owner, key))
        elif issubclass(type(owner), _CONTAINERS):
            shadow.change(owner, CONTENTS)

    def gone_item(owner: Any, key: Any) -> None:
        if issubclass(type(owner), dict):
            shadow.forget(owner, item_key(key))

    # Containers' and context variables' methods

    def method(owner: Any, name: str) -> Any:
        found = getattr(owner, name)
        if type(owner) is ContextVar:
            return _ON_VARIABLES[name](contexts, owner, found)
        if issubclass(type(owner), _CONTAINERS) and _is_as_built_in(type(owner), name):
            if issubclass(type(owner), dict):
                act = _ON_DICTS.get(name)
                return found if act is None else act(shadow, owner, found)
            if name in _CHANGES:
                return _then(found, lambda: shadow.change(owner, CONTENTS))
            if name in _TAKES:
                return _reading(shadow, owner, found)
            if name == "clear":
                return _then(found, lambda: shadow.forget_all(owner))
        return found

    def each(iterable: Any) -> Any:
        cells = cells_of(id(iterable))
        if cells is not None and issubclass(type(iterable), _CONTAINERS):
            write = cells.writes.get(CONTENTS)
            if write is not None:
                shadow.read(iterable, CONTENTS, iterable, write)
        return iterable

    # Names

    def bound(owner: object, name: str, value: Any) -> Any:
        shadow.write(owner, name, value)
        return value

    def seen(owner: object, name: str, value: Any) -> Any:
        cells = cells_of(id(owner))
        if cells is not None:
            write = cells.writes.get(name)
            if write is not None:
                shadow.read(owner, name, value, write)
        return value

    def new_cells() -> FunctionCells:
        return FunctionCells(sys._getframe(1).f_code.co_qualname)  # noqa: SLF001

    # Builtin functions

    def get_by_name(owner: Any, name: str, default: Any = _MISSING, /) -> Any:
        if default is _MISSING:
            return get(owner, name)
        try:
            return get(owner, name)
        except AttributeError:
            return default

    def set_by_name(owner: Any, name: str, value: Any, /) -> None:
        set_(value, owner, name)

    def delete_by_name(owner: Any, name: str, /) -> None:
        delattr(owner, name)
        gone(owner, name)

    by_name: dict[Any, Any] = {getattr: get_by_name, setattr: set_by_name, delattr: delete_by_name}

    def builtin(function: Any) -> Any:
        # What the name means there may be the user's own.
        return (
            by_name.get(function, function) if type(function) is BuiltinFunctionType else function
        )

    return Hooks(
        get=get,
        set=set_,
        added=added,
        gone=gone,
        get_item=get_item,
        set_item=set_item,
        added_item=added_item,
        gone_item=gone_item,
        method=method,
        each=each,
        bound=bound,
        seen=seen,
        cells=new_cells,
        builtin=builtin,
        own=own,
        slice=slice,
        rewrote=rewrote,
    )


def own(names: Any) -> Any:
    """A function's names, or its variables, without those that rewriting has added."""
    if type(names) is list:
        return [one for one in names if not str(one).startswith(OURS)]
    if type(names) is dict and any(one.startswith(OURS) for one in names):
        return {one: value for one, value in names.items() if not one.startswith(OURS)}
    return names


_as_built_in: dict[tuple[type, str], bool] = {}


def _is_as_built_in(kind: type, name: str) -> bool:
    """Whether the class does by *name* what a container of Python's own does."""
    known = _as_built_in.get((kind, name))
    if known is None:
        method = getattr(kind, name, None)
        known = any(method is getattr(base, name, _MISSING) for base in _BUILT_IN)
        _as_built_in[kind, name] = known
    return known


def _then(method: Any, note: Callable[[], object]) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        note()
        return result

    return call


def _reading(shadow: Shadow, owner: Any, method: Any) -> Any:
    """The container's contents are read."""
    cells = shadow.cells.get(id(owner))
    write = None if cells is None else cells.writes.get(CONTENTS)
    if write is None:
        return method

    def call(*args: Any, **kwargs: Any) -> Any:
        result = method(*args, **kwargs)
        shadow.read(owner, CONTENTS, owner if result is None else result, write)
        return result

    return call


# What the methods of context variables do.


def _variable_get(contexts: Contexts, owner: Any, method: Any) -> Any:
    def call(*default: Any) -> Any:
        value = method(*default)
        contexts.read(owner, "", value)
        return value

    return call


def _variable_set(contexts: Contexts, owner: Any, method: Any) -> Any:
    def call(value: Any) -> Any:
        token = method(value)
        contexts.put(owner, "", value)
        return token

    return call


def _variable_reset(contexts: Contexts, owner: Any, method: Any) -> Any:
    return _then(method, lambda: contexts.forget(owner, ""))


_ON_VARIABLES = {"get": _variable_get, "set": _variable_set, "reset": _variable_reset}


# What the methods of dicts do, key by key.


def _dict_get(shadow: Shadow, owner: Any, method: Any) -> Any:
    cells = shadow.cells.get(id(owner))
    if cells is None:
        return method

    def call(key: Any, *default: Any) -> Any:
        result = method(key, *default)
        name = item_key(key)
        write = cells.writes.get(name)
        if write is not None and key in owner:
            shadow.read(owner, name, result, write)
        return result

    return call


def _dict_pop(shadow: Shadow, owner: Any, method: Any) -> Any:
    cells = shadow.cells.get(id(owner))
    if cells is None:
        return method

    def call(key: Any, *default: Any) -> Any:
        name = item_key(key)
        write = cells.writes.get(name)
        there = key in owner
        result = method(key, *default)
        if write is not None and there:
            shadow.read(owner, name, result, write)
        shadow.forget(owner, name)
        return result

    return call


def _dict_setdefault(shadow: Shadow, owner: Any, method: Any) -> Any:
    def call(key: Any, default: Any = None) -> Any:
        there = key in owner
        result = method(key, default)
        name = item_key(key)
        if not there:
            shadow.write(owner, name, result)
            return result
        cells = shadow.cells.get(id(owner))
        write = None if cells is None else cells.writes.get(name)
        if write is not None:
            shadow.read(owner, name, result, write)
        return result

    return call


def _dict_update(shadow: Shadow, owner: Any, method: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        # Once, as an iterator can't be read twice.
        given = [dict(*args, **kwargs)] if args or kwargs else []
        result = method(*given)
        for values in given:
            for key, value in values.items():
                shadow.write(owner, item_key(key), value)
        return result

    return call


def _dict_clear(shadow: Shadow, owner: Any, method: Any) -> Any:
    return _then(method, lambda: shadow.forget_all(owner))


_ON_DICTS: dict[str, Callable[[Shadow, Any, Any], Any]] = {
    "get": _dict_get,
    "pop": _dict_pop,
    "popitem": _reading,
    "copy": _reading,
    "items": _reading,
    "values": _reading,
    "setdefault": _dict_setdefault,
    "update": _dict_update,
    "clear": _dict_clear,
}
