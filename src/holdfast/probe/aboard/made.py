"""Locks, semaphores and pools that are watched: where they were made, and who has them now."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

from ..events import Stack
from . import places, requests, spans

#: By this name an object holds its `Made`.
ATTRIBUTE = "_holdfast_made"

_TARGET = re.compile(r"\s*([A-Za-z_][\w.]*(?:\[[^\]]*\])?)\s*(?::[^=]+)?=[^=]")
_open_places: frozenset[str] = frozenset()


def let_through(names: Iterable[str]) -> None:
    """Locks that were made at these places let everybody through from now on."""
    global _open_places
    _open_places = frozenset(names)


class Made:
    """What is known of one lock.

    Attributes:
        kind: such as `threading.Lock`.
        place: where it was made, as `path:line`, or what stands for that.
        holder: the request that took it last; while somebody has to wait, it is who has it.
        open: whether it lets everybody through.
    """

    __slots__ = ("_name", "holder", "kind", "open", "place")

    def __init__(self, kind: str, place: str, name: str = "") -> None:
        self.kind = kind
        self.place = place
        self.holder = ""
        self.open = place in _open_places
        self._name = name

    @property
    def name(self) -> str:
        """What it is assigned to, where it is made; else its kind."""
        if not self._name:
            self._name = name_at(self.place) or self.kind
        return self._name

    def taken(self) -> None:
        """The calling code's request has it."""
        request = requests.current()
        self.holder = "" if request is None else request.name

    def waited(
        self, begun: float, holder: str, stack: Stack, detail: Mapping[str, Any] | None = None
    ) -> None:
        """The calling code has waited for it since *begun*.

        Of waits of no request nothing is said: background threads wait for most of their lives.
        """
        request = requests.current()
        if request is not None:
            if holder in {"", request.name}:
                # Who has got it notes so a little later, and by now has done so.
                holder = self.holder
            spans.note(
                "lock",
                self.name,
                begun,
                request=request,
                place=self.place,
                holder=holder,
                stack=stack,
                detail={"kind": self.kind, **(detail or {})},
            )


def name_at(place: str) -> str:
    """What is assigned to at `path:line`, such as `self._lock`; empty where that can't be told."""
    path, _, line = place.rpartition(":")
    text = linecache.getline(path, int(line)) if line.isdigit() else ""
    found = _TARGET.match(text)
    return found[1] if found else ""


def made_of(thing: Any) -> Made | None:
    """What is known of *thing*; None: it isn't watched."""
    found: Made | None = getattr(thing, "__dict__", {}).get(ATTRIBUTE)
    return found


def makers_place(frame: FrameType | None, made: object = None) -> str:
    """`path:line` of the code that makes something, if it is the user's own; else nothing.

    Args:
        frame: of who makes it. Generated code (dataclasses) stands for who called it.
        made: what is made; constructors of subclasses stand for who called them, too.
    """
    while frame is not None:
        code = frame.f_code
        generated = code.co_filename.startswith("<")
        if not generated and not (
            made is not None and code.co_name == "__init__" and _first(frame) is made
        ):
            path = places.users_file(code)
            return f"{path}:{frame.f_lineno}" if path else ""
        frame = frame.f_back
    return ""


def _first(frame: FrameType) -> object:
    names = frame.f_code.co_varnames
    return frame.f_locals.get(names[0]) if names else None


def caller(depth: int = 1) -> FrameType:
    """The frame of who called the function that asks."""
    return sys._getframe(depth + 1)
