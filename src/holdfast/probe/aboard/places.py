"""Where code stands: in the user's own files, or elsewhere."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

from ..events import Stack

#: Frames of a stack that are written down.
DEEPEST = 30

_OBSERVERS = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
_HOLDFAST = os.path.dirname(os.path.dirname(_OBSERVERS))  # noqa: PTH120
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")

_roots: tuple[str, ...] = ()
#: Where code was written, if by the user; else empty.
_known: dict[CodeType, str] = {}
_MOST_KNOWN = 20_000


def begin(roots: tuple[str, ...]) -> None:
    """Take what lies in *roots*, installed packages left out, for the user's own code."""
    global _roots
    _roots = tuple(os.path.realpath(root).rstrip(os.sep) + os.sep for root in roots)
    _known.clear()


def users_file(code: CodeType) -> str:
    """The path of the file, if the code is the user's own; else empty."""
    known = _known.get(code)
    if known is None:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        known = _known[code] = _users_path(code.co_filename)
    return known


def _users_path(name: str) -> str:
    if name.startswith("<") or not _roots:
        return ""
    path = os.path.realpath(name)
    if path.startswith(_HOLDFAST + os.sep) or any(part in path for part in _INSTALLED):
        return ""
    return path if path.startswith(_roots) else ""


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


def stack_of(frame: FrameType | None) -> Stack:
    """*frame* and who called it, the innermost first; frames of the observers are left out."""
    found: list[str] = []
    while frame is not None and len(found) < DEEPEST:
        code = frame.f_code
        if not code.co_filename.startswith(_OBSERVERS):
            found.append(f"{code.co_filename}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    return tuple(found)


def stack() -> Stack:
    """That of the caller."""
    return stack_of(sys._getframe(1))


def place_of(function: object) -> str:
    """Where a function was written; empty where that can't be told."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if not isinstance(code, CodeType):
        return ""
    return f"{users_file(code) or code.co_filename}:{code.co_firstlineno}"


def name_of(function: object) -> str:
    """`module.name` of a function, a method, a class, or of an object's class."""
    while (inner := getattr(function, "func", None)) is not None and callable(inner):
        function = inner  # functools.partial
    named = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(named, "__module__", "") or ""
    return f"{module}.{named.__qualname__}".lstrip(".")  # type: ignore[attr-defined]
