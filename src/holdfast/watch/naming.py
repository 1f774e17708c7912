"""What people call the things that hold state."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

from .locals import values_of
from .places import DEPTH, innermost
from .short_repr import short_repr

#: Stands for all that a container holds.
CONTENTS = ("contents",)


class FunctionCells:
    """Stands for a function's variables that functions inside it bind anew."""

    __slots__ = ("__weakref__", "function")

    def __init__(self, function: str) -> None:
        self.function = function


def named(owner: Any, key: object, holder: tuple[Any, str] | None) -> tuple[str, str]:
    """Holder and name, for people; *holder*: what holds a container, as `holder_of` has found."""
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
    if is_container(owner):
        return _standing(owner, holder), name
    kind = type(owner)
    if type(owner) is FunctionCells:
        return owner.function, name
    if type(owner) is FunctionType:
        return f"{owner.__module__}.{owner.__qualname__}", name
    return f"{kind.__module__}.{kind.__qualname__}", name


def named_local(local: Any, key: object) -> tuple[str, str]:
    """Holder and name of a thread-local's value."""
    found = where_it_stands(local)
    return found, str(key[1]) if isinstance(key, tuple) else "..."


def named_in_context(owner: Any, name: str) -> tuple[str, str]:
    """Holder and name of what is in a context; *name* is empty for a context variable."""
    found = where_it_stands(owner)
    if name:
        return found, name
    holder, _, variable = found.rpartition(".")
    return (holder, variable) if holder else ("a context variable", str(owner.name))


def is_container(owner: object) -> bool:
    """Whether it is one of Python's own, which people know by what holds it."""
    return type(owner).__module__ in {"builtins", "collections"}


def where_it_stands(container: object) -> str:
    """A container's name: what holds it, if that is known."""
    return _standing(container, holder_of(container))


def _standing(container: object, found: tuple[Any, str] | None) -> str:
    if found is None:
        return f"a {type(container).__name__}"
    holder, name = found
    if issubclass(type(holder), ModuleType):
        return f"{holder.__name__}.{name}"
    kind = holder if issubclass(type(holder), type) else type(holder)
    return f"{kind.__module__}.{kind.__qualname__}.{name}"


def holder_of(container: object) -> tuple[Any, str] | None:
    """The module, the class or the object that holds a container, and by which name.

    Objects are found where they take part in what runs right now, such as `self`.
    """
    found = _by_module(container)
    return _by_object(container) if found is None and is_container(container) else found


def _by_module(container: object) -> tuple[Any, str] | None:
    for module in list(sys.modules.values()):
        if type(module) is not ModuleType:
            continue
        for name, value in list(vars(module).items()):
            if value is container:
                return module, name
            if issubclass(type(value), type) and value.__module__ == module.__name__:
                for attribute, held in list(vars(value).items()):
                    if held is container:
                        return value, attribute
    return None


def _by_object(container: object) -> tuple[Any, str] | None:
    frame = innermost()
    for _ in range(DEPTH):
        if frame is None:
            break
        for owner in list(frame.f_locals.values()):
            for name, held in list(values_of(owner).items()):
                if held is container:
                    return owner, name
        frame = frame.f_back
    return None
