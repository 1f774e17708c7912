"""Paths by which objects are reached, in words: `shared.middleware.ApiLogger().last`."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import (
    CellType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
    TracebackType,
)
from typing import Any

from ...worker_state import is_declared

#: Items of a container that are looked through for one.
_MOST_ITEMS = 100_000
_LONGEST_KEY = 40
_INDEX = re.compile(r"\[(?:\d+|'[^']*'|\"[^\"]*\"|[^\[\]]*)\]")


def pattern_of(path: str) -> str:
    """The path with its indexes and keys left open."""
    return _INDEX.sub("[...]", path)


@dataclass
class Path:
    """A way from a root to a request.

    Attributes:
        what: the class of what is reached.
        label: of the root: what it is called, with what it holds.
        chain: the objects from the root on, the request at the end.
        requests: those that are reached that way.
        passing: whether it may end by itself: a thread or a task that still runs.
        is_users: whether the root is of the user's own code.
    """

    what: str
    label: str
    chain: Sequence[Any]
    requests: frozenset[str]
    passing: bool = False
    is_users: bool = False

    @property
    def rank(self) -> tuple[bool, int, int]:
        """The less, the better it tells where to look."""
        return not self.is_users, len(self.chain), len(self.label)

    @property
    def holder(self) -> tuple[int, str]:
        """By this one tells that two paths are to the same attribute or item."""
        if len(self.chain) > 2:  # noqa: PLR2004 - root, holder, request
            return id(self.chain[-2]), ""
        return id(self.chain[0]), self.label

    @cached_property
    def text(self) -> str:
        """The path in words."""
        words = [self.label]
        chain = self.chain
        for at, holder in enumerate(chain[:-1]):
            if at == 0 and self._root_is_told:
                continue
            words.append(step(holder, chain[at + 1], chain[at - 1] if at else None))
        return "".join(words)

    @property
    def _root_is_told(self) -> bool:
        """Whether the label says already what the root holds: that of a module's variable."""
        return type(self.chain[0]) is dict and "__name__" in self.chain[0]

    @property
    def is_declared(self) -> bool:
        """Whether it leads through what is one worker's on purpose: `holdfast.worker_state`."""
        for at, holder in enumerate(self.chain[:-1]):
            name = step(holder, self.chain[at + 1]).lstrip(".")
            if at == 0 and self._root_is_told:
                name = self.label.rpartition(".")[2]
                module = _module_of(holder)
                if module is not None and is_declared(module, name):
                    return True
            elif is_declared(holder, name):
                return True
        return is_declared(self.chain[-1])


def _module_of(namespace: dict[str, Any]) -> ModuleType | None:
    found = sys.modules.get(namespace.get("__name__", ""))
    return found if isinstance(found, ModuleType) else None


def step(holder: Any, held: Any, before: Any = None) -> str:  # noqa: C901, PLR0911, PLR0912
    """How *holder*, which *before* holds, comes to *held*, in words."""
    if type(holder) is dict:
        if _is_attributes_of(holder, before) or (before is None and "__builtins__" in holder):
            return _attribute(holder, held)
        return _key(holder, held)
    if _is_attributes_of(held, holder):
        return ""
    if _is(holder, dict):
        found = _key(holder, held)
        if found != "[...]":
            return found
    elif _is(holder, list, tuple, deque):
        if _is(before, FunctionType) and holder is before.__closure__:
            return _variable(before, held)
        return _index(holder, held)
    elif _is(holder, set, frozenset):
        return "[...]"
    if _is(holder, type):
        return "[...]"
    if _is(holder, MethodType):
        return "" if holder.__self__ is held else ".__func__"
    if _is(holder, FunctionType):
        return _of_function(holder, held)
    if _is(holder, CellType) or _is(held, CoroutineType):
        return ""  # of tasks, their coroutines
    if _is(holder, TracebackType):
        return ".tb_frame"
    if _is(holder, FrameType):
        return _local(holder, held)
    if _is(holder, CoroutineType, GeneratorType):
        frame = getattr(holder, "cr_frame", None) or getattr(holder, "gi_frame", None)
        return _local(frame, held) if frame is not None else "[...]"
    return _of_object(holder, held)


def _is(one: Any, *kinds: type) -> bool:
    """As `isinstance`, which would have lazy objects do their work."""
    return issubclass(type(one), kinds)


def _is_attributes_of(values: Any, owner: Any) -> bool:
    if type(values) is not dict or owner is None:
        return False
    if _is(owner, type):
        return True  # a class holds no other dict
    try:
        return object.__getattribute__(owner, "__dict__") is values
    except AttributeError:
        return False


def _attribute(values: dict[Any, Any], held: Any) -> str:
    for name, value in islice(list(values.items()), _MOST_ITEMS):
        if value is held:
            return f".{name}"
    return "[...]"


def _key(holder: dict[Any, Any], held: Any) -> str:
    for key, value in islice(list(dict.items(holder)), _MOST_ITEMS):
        if value is held:
            return f"[{_short(key)}]"
    return "[...]"


def _short(key: Any) -> str:
    if type(key) not in {str, int, bool, bytes, float}:
        return "..."
    text = repr(key)
    return text if len(text) <= _LONGEST_KEY else "..."


def _index(holder: Any, held: Any) -> str:
    for number, one in enumerate(islice(list(holder), _MOST_ITEMS)):
        if one is held:
            return f"[{number}]"
    return "[...]"


def _of_function(function: FunctionType, held: Any) -> str:
    if held is function.__closure__ or held is function.__dict__:
        return ""
    if held is function.__defaults__ or held is function.__kwdefaults__:
        return " default"
    return "[...]"


def _variable(function: FunctionType, held: Any) -> str:
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        if held is cell:
            return f" -> {name}"
    return "[...]"


def _local(frame: FrameType, held: Any) -> str:
    for name, value in list(frame.f_locals.items()):
        if value is held:
            return f" -> {name} in {frame.f_code.co_qualname}"
    return "[...]"


def _of_object(holder: Any, held: Any) -> str:
    try:
        values = object.__getattribute__(holder, "__dict__")
    except AttributeError:
        values = {}
    if type(values) is dict:
        found = _attribute(values, held)
        if found != "[...]":
            return found
    for kind in type(holder).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = vars(kind).get(name)
            try:
                if type(member).__name__ == "member_descriptor" and (
                    member.__get__(holder, kind) is held  # type: ignore[union-attr]
                ):
                    return f".{name}"
            except AttributeError:
                continue
    return f".<{type(holder).__name__}>"
