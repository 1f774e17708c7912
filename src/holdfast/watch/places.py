"""Where something was written or read: a few frames, as cheaply as they can be had."""

from __future__ import annotations

import linecache
import os
import sys
from types import CodeType, FrameType

#: How many frames are kept of each stack.
DEPTH = 6

_OURS = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - compared for each frame
#: Of no interest to people: what wraps applications, and calls them.
_PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120

Stack = tuple[tuple[CodeType, int], ...]


def stack() -> Stack:
    """The innermost frames of watched code. Costs about a microsecond."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    found: list[tuple[CodeType, int]] = []
    while frame is not None and len(found) < DEPTH:
        found.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)


def innermost() -> FrameType | None:
    """The innermost frame of watched code, as it runs."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return frame


def site() -> tuple[CodeType, int] | None:
    """Where in the code that is."""
    frame = innermost()
    return None if frame is None else (frame.f_code, frame.f_lineno)


def told(frames: Stack) -> list[dict[str, object]]:
    """The stack as plain data, innermost first."""
    return [
        {
            "path": code.co_filename,
            "line": line,
            "function": code.co_qualname,
            "text": linecache.getline(code.co_filename, line).strip(),
        }
        for code, line in frames
        if not code.co_filename.startswith(_PACKAGE)
    ]
