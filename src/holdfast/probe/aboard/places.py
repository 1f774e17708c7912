"""Where code stands: in the user's own files, or elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextvars import Context
from types import CodeType, FrameType
from typing import Any

from ..events import Stack

#: Frames of a stack that are written down, and that are looked at.
DEEPEST = 30
_DEEPEST_LOOK = 500

_OBSERVERS = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
_HOLDFAST = os.path.dirname(os.path.dirname(_OBSERVERS))  # noqa: PTH120
_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

_roots: tuple[str, ...] = ()
#: By the name of a file as code has it: its path, if it is the user's own; else empty. Not by the
#: code itself: pieces of code that are alike are equal, whatever file they are from.
_known: dict[str, str] = {}
_MOST_KNOWN = 20_000


def begin(roots: tuple[str, ...]) -> None:
    """Take what lies in *roots*, installed packages left out, for the user's own code."""
    global _roots
    _roots = tuple(os.path.realpath(root).rstrip(os.sep) + os.sep for root in roots)
    _known.clear()


def users_file(code: CodeType) -> str:
    """The path of the file, if the code is the user's own; else empty."""
    name = code.co_filename
    known = _known.get(name)
    if known is None:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        known = _known[name] = _users_path(name)
    return known


def _users_path(name: str) -> str:
    if name.startswith("<") or not _roots:
        return ""
    path = os.path.realpath(name)
    if path.startswith(_HOLDFAST + os.sep) or any(part in path for part in _INSTALLED):
        return ""
    return path if path.startswith(_roots) else ""


def users_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """The first of *frames* that is the user's own code."""
    return next((frame for frame in frames if users_file(frame.f_code)), None)


def packages_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """The first of *frames* that is no code of Python's own library, nor of the observers."""
    return next((frame for frame in frames if not _is_pythons(frame.f_code.co_filename)), None)


def _is_pythons(name: str) -> bool:
    if name.startswith(("<", _OBSERVERS)):
        return True
    return name.startswith(_LIBRARY) and not any(part in name for part in _INSTALLED)


def users_place(frame: FrameType | None = None) -> str:
    """`path:line` of the innermost frame of the user's own code; empty where there is none.

    Args:
        frame: where to begin; default: at the caller.
    """
    if frame is None:
        frame = sys._getframe(1)
    while frame is not None:
        path = users_file(frame.f_code)
        if path:
            return f"{path}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def place_at(frame: FrameType | None) -> str:
    """`path:line` of *frame*, which is the user's own code; empty for none."""
    return "" if frame is None else f"{users_file(frame.f_code)}:{frame.f_lineno}"


def outwards(frame: FrameType | None) -> list[FrameType]:
    """*frame* and who called it, the innermost first."""
    found: list[FrameType] = []
    while frame is not None and len(found) < _DEEPEST_LOOK:
        found.append(frame)
        frame = frame.f_back
    return found


def stack_of(frames: Iterable[FrameType]) -> Stack:
    """*frames*, the innermost first, in words; those of the observers are left out."""
    found: list[str] = []
    for frame in frames:
        code = frame.f_code
        if not code.co_filename.startswith(_OBSERVERS):
            found.append(f"{code.co_filename}:{frame.f_lineno} {code.co_qualname}")
            if len(found) == DEEPEST:
                break
    return tuple(found)


def stack() -> Stack:
    """That of the caller."""
    return stack_of(outwards(sys._getframe(1)))


def place_of(function: Any) -> str:
    """Where a function was written; empty where that can't be told."""
    function = innermost(function)
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if not isinstance(code, CodeType):
        return ""
    return f"{users_file(code) or code.co_filename}:{code.co_firstlineno}"


#: By this attribute a wrapper says what it stands for.
NAME = "_holdfast_name"


def innermost(function: Any) -> Any:
    """The function itself, without `functools.partial`, `functools.wraps`, and contexts to run in.

    A wrapper that has a name of its own (`NAME`) is left as it is.
    """
    for _ in range(20):
        if NAME in getattr(function, "__dict__", ()):
            break
        arguments = getattr(function, "args", None)
        inner = getattr(function, "func", None)
        if isinstance(arguments, tuple) and callable(inner):  # functools.partial
            is_run = isinstance(getattr(inner, "__self__", None), Context)
            inner = arguments[0] if is_run and arguments else inner
        else:
            inner = getattr(function, "__wrapped__", None)
        if not callable(inner):
            break
        function = inner
    return function


def name_of(function: Any) -> str:
    """`module.name` of a function, a method, a class, or of an object's class."""
    function = innermost(function)
    named: str | None = getattr(function, "__dict__", {}).get(NAME)
    if named is not None:
        return named
    named_thing = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named_thing, "__module__", "") or ""
    return f"{module}.{named_thing.__qualname__}".lstrip(".")


def name_at(frame: FrameType) -> str:
    """`module.name` of the function that runs in *frame*."""
    return f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_qualname}".lstrip(".")
