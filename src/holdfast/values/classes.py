"""Dataclasses and enums, by the name of their class.

Reading never imports anything: a class is looked for in the modules that this process has imported
by itself, and only there. Neither `__init__` nor `__post_init__` nor `__setattr__` runs: the fields
are put back as they were. A class that makes more of itself than its fields is left to pickle.
"""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum, Flag
from functools import cached_property, reduce
from operator import or_
from types import MemberDescriptorType, ModuleType
from typing import Any, cast
from weakref import WeakKeyDictionary

from .errors import UnreadableValue
from .extensions import DATACLASS, ENUM, array
from .notation import Ext, NotPlain, encode, lower, lowering, raising

# Methods with which a class says that it is more than its fields, or does something when it comes
# and goes.
_OWN_WAYS = (
    "__reduce__",
    "__reduce_ex__",
    "__getstate__",
    "__setstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__del__",
)
# What dataclass(frozen=True, slots=True) itself adds.
_MADE_BY_DATACLASS = frozenset({"_dataclass_getstate", "_dataclass_setstate"})
# Default factories that do nothing but make an empty one.
_EMPTY: frozenset[Any] = frozenset({list, dict, set, tuple, frozenset})

_Class = type[Any]


class _Layout:
    """How the instances of a dataclass are taken apart and put together."""

    __slots__ = ("cls", "defaults", "fields", "module", "qualname", "slots")

    def __init__(self, cls: _Class) -> None:
        self.cls = cls
        self.module, self.qualname = cls.__module__, cls.__qualname__
        fields = dataclasses.fields(cls)
        # Ordered, and a set all the same.
        self.fields = dict.fromkeys(field.name for field in fields).keys()
        self.slots = {
            name: slot
            for name in self.fields
            if isinstance(slot := getattr(cls, name, None), MemberDescriptorType)
        }
        self.defaults = {
            field.name: field.default if field.default_factory is dataclasses.MISSING else None
            for field in fields
            if field.default is not dataclasses.MISSING or field.default_factory in _EMPTY
        }

    def lower(self, value: Any) -> Ext:
        # A dict, or with slots a pair of dicts; None where there would be nothing in it.
        found: Any = object.__getstate__(value)
        parts = found if isinstance(found, tuple) else (found,)
        state: dict[str, Any] = {name: part[name] for part in parts if part for name in part}
        if state.keys() != self.fields:
            extra = state.keys() - self.fields
            if not self.fields <= state.keys() or not all(map(self._is_cache, extra)):
                raise NotPlain
            state = {name: state[name] for name in self.fields}
        lowered = {name: lower(item) for name, item in state.items()}
        return Ext(DATACLASS, encode([self.module, self.qualname, lowered]))

    def _is_cache(self, name: str) -> bool:
        return isinstance(getattr(self.cls, name, None), cached_property)

    def raise_(self, state: dict[str, Any]) -> Any:
        for name in self.fields - state.keys():
            if name not in self.defaults:
                raise UnreadableValue(
                    f"A stored {self.module}.{self.qualname} is older than its field {name!r}."
                    f" Give that field a default."
                )
            state[name] = self._default(name)
        instance = object.__new__(self.cls)
        for name in self.fields:
            if name in self.slots:
                self.slots[name].__set__(instance, state[name])
            else:
                vars(instance)[name] = state[name]
        return instance

    def _default(self, name: str) -> Any:
        factory = self.cls.__dataclass_fields__[name].default_factory
        return self.defaults[name] if factory is dataclasses.MISSING else factory()


_layouts: WeakKeyDictionary[_Class, _Layout | None] = WeakKeyDictionary()


def _layout(cls: _Class) -> _Layout | None:
    try:
        return _layouts[cls]
    except KeyError:
        layout = _Layout(cls) if _is_no_more_than_its_fields(cls) else None
        _layouts[cls] = layout
        return layout


def _is_no_more_than_its_fields(cls: _Class) -> bool:
    new: object = cls.__new__
    if "__dataclass_fields__" not in vars(cls) or new is not object.__new__:
        return False
    for name in _OWN_WAYS:
        method = getattr(cls, name, None)
        if method is not getattr(object, name, None):
            if getattr(method, "__name__", "") not in _MADE_BY_DATACLASS:
                return False
    return _find(cls.__module__, cls.__qualname__) is cls


def _find(module: str, qualname: str) -> object:
    """What bears that name, without running anything: no import, no module's `__getattr__`."""
    found: Any = sys.modules.get(module)
    for name in qualname.split("."):
        # type() can't be deceived by a proxy, and a lazy module isn't loaded by this.
        if issubclass(type(found), ModuleType):
            found = object.__getattribute__(found, "__dict__").get(name)
        elif issubclass(type(found), type):
            found = type.__getattribute__(found, "__dict__").get(name)
        else:
            return None
    return found


def _lower_instance(value: Any) -> Any:
    """An enum's member or a dataclass's instance, lowered; NotPlain for all else."""
    cls = type(value)
    if isinstance(value, Enum):
        if _find(cls.__module__, cls.__qualname__) is not cls:
            raise NotPlain
        return Ext(ENUM, encode([cls.__module__, cls.__qualname__, _member_names(value)]))
    layout = _layout(cls)
    if layout is None:
        raise NotPlain
    return layout.lower(value)


def _member_names(value: Enum) -> list[str]:
    cls = type(value)
    if cls.__members__.get(value.name) is value:
        return [value.name]
    if isinstance(value, Flag):
        names = [name for member in value if (name := member.name) is not None]
        if _together(cls, names) is value:
            return names
    raise NotPlain


def _together(cls: _Class, names: list[str]) -> Any:
    """Several flags, or none, as one."""
    if names:
        return reduce(or_, (cls.__members__[name] for name in names))
    if not issubclass(cls, Flag):
        raise ValueError(f"{cls.__qualname__} has no empty member")  # noqa: TRY004 - as above
    return cls(0)


def _class_of(module: object, qualname: object) -> _Class:
    if not isinstance(module, str) or not isinstance(qualname, str):
        raise ValueError("a class was expected")  # noqa: TRY004 - the bytes are wrong
    cls = _find(module, qualname)
    if not issubclass(type(cls), type):
        raise UnreadableValue(
            f"A stored value is a {module}.{qualname}, and this process has not imported that."
            f" Import {module} before you read, for example where your application starts."
        )
    return cast("_Class", cls)


def _raise_enum(data: memoryview) -> Enum:
    module, qualname, names = array(data)
    cls = _class_of(module, qualname)
    if not issubclass(cls, Enum):
        raise ValueError(f"{module}.{qualname} is no enum")  # noqa: TRY004 - as above
    try:
        members = [cls.__members__[name] for name in names]
    except KeyError as error:
        raise UnreadableValue(
            f"A stored value is {module}.{qualname}[{error}], which there is no more."
        ) from None
    return members[0] if len(members) == 1 else _together(cls, names)


def _raise_dataclass(data: memoryview) -> Any:
    module, qualname, state = array(data)
    layout = _layout(_class_of(module, qualname))
    if layout is None or type(state) is not dict:
        raise ValueError(f"{module}.{qualname} is no plain dataclass")
    return layout.raise_(state)


lowering[object] = _lower_instance
raising[ENUM] = _raise_enum
raising[DATACLASS] = _raise_dataclass
