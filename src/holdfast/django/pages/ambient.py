"""What belongs to a request and stands beside it: language, time zone, `holdfast.state`, memos.

Middleware sets them before a view runs. Language and time zone are kept by Django in a variable
each; what stands there is replaced by something that does the same and notes who reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import trans_real

from ...scope.scope import scope_var
from ...scope.state import State
from . import observation as observing
from .observation import Observation, looking_away

LANGUAGE = "language"
TIME_ZONE = "timezone"


class _Active:
    """Stands for the object whose attribute `value` is active, and notes who reads it."""

    __slots__ = ("_holdfast_local", "_holdfast_part")

    _holdfast_local: Any
    _holdfast_part: str

    def __init__(self, local: Any, part: str) -> None:
        object.__setattr__(self, "_holdfast_local", local)
        object.__setattr__(self, "_holdfast_part", part)

    def __getattr__(self, name: str) -> Any:
        watching = observing.current.get()
        if watching is not None:
            watching.note_ambient(self._holdfast_part)
        return getattr(self._holdfast_local, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._holdfast_local, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._holdfast_local, name)


# Parts whose readers aren't seen: they are in each key.
_unseen: set[str] = set()


def watch_ambient() -> None:
    """Have readers of language and time zone noted from now on, in this process."""
    for module, part in ((trans_real, LANGUAGE), (timezone, TIME_ZONE)):
        local = getattr(module, "_active", None)
        if local is None:
            _unseen.add(part)  # a Django that keeps it elsewhere
        elif not isinstance(local, _Active):
            module._active = _Active(local, part)  # type: ignore[attr-defined] # noqa: SLF001


def language() -> str:
    """The active language, as part of a key."""
    return repr(translation.get_language())


def time_zone() -> str:
    """The active time zone, as part of a key."""
    return repr(timezone.get_current_timezone())


@contextmanager
def observed_ambient(watching: Observation) -> Iterator[None]:
    """Have *watching* told what the code inside reads that stands beside the request."""
    watch_ambient()  # once more: Django's tests put new ones in place with some settings
    with looking_away():
        watching.ambient = {LANGUAGE: language(), TIME_ZONE: time_zone()}
    for part in _unseen:
        watching.note_ambient(part)
    outer = observing.current.get()
    observing.current.set(watching)
    scope = scope_var.get()
    if not scope.usable:
        try:
            yield
        finally:
            observing.current.set(outer)
        return
    state, memo = scope.state, scope.memo
    scope.state = _ObservedState(state, watching)
    # What was remembered before the run, was read before it: by nobody who is watched.
    scope.memo = {}
    try:
        yield
    finally:
        observing.current.set(outer)
        if scope.usable:
            remembered = scope.memo
            scope.state, scope.memo = state, memo
            for key, results in remembered.items():
                memo.setdefault(key, results)


class _ObservedState(State):
    """`holdfast.state`, noting which names are read."""

    def __init__(self, original: State, watching: Observation) -> None:
        object.__getattribute__(self, "__dict__")[""] = (original, watching)

    def __getattribute__(self, name: str) -> Any:
        if name in _OWN:
            return object.__getattribute__(self, name)
        original, watching = object.__getattribute__(self, "__dict__")[""]
        _note(original, watching, name)
        return getattr(original, name)

    def __setattr__(self, name: str, value: Any) -> None:
        original, watching = _seen_through(self)
        setattr(original, name, value)
        watching.note_written(f"state:{name}")

    def __delattr__(self, name: str) -> None:
        original, watching = _seen_through(self)
        _note(original, watching, name)
        delattr(original, name)

    def get(self, name: str, default: Any = None) -> Any:
        original, watching = _seen_through(self)
        _note(original, watching, name)
        return original.get(name, default)

    def __contains__(self, name: object) -> bool:
        original, watching = _seen_through(self)
        _note(original, watching, str(name))
        return name in original

    def __iter__(self) -> Iterator[str]:
        return iter(_seen_whole(self))

    def __len__(self) -> int:
        return len(_seen_whole(self))

    def __repr__(self) -> str:
        return repr(_seen_whole(self))


_OWN = frozenset({*dir(State), "get"}) - {"__dict__"}


def _seen_through(observed: _ObservedState) -> tuple[State, Observation]:
    seen: tuple[State, Observation] = object.__getattribute__(observed, "__dict__")[""]
    return seen


def _seen_whole(observed: _ObservedState) -> State:
    original, watching = _seen_through(observed)
    watching.note("state-items", dict(original.__dict__))
    return original


def _note(original: State, watching: Observation, name: str) -> None:
    if name == "__dict__":
        watching.note("state-items", dict(original.__dict__))
    elif name in original.__dict__:
        watching.note(f"state:{name}", original.__dict__[name])
    else:
        watching.note_absent(f"state:{name}")
