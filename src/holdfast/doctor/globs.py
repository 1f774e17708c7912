"""Patterns for paths, as in an ignore file: `legacy`, `*_pb2.py`, `shop/**/generated/*.py`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits *path*, or a folder that it is in.

    Args:
        path: relative to where patterns begin, with `/`.
        patterns: `*` and `?` stay within a name, `**` takes any number of folders. One without a
            `/` fits a name at any depth; others begin at the top.
    """
    return any(_compiled(pattern).match(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [part for part in pattern.replace("\\", "/").split("/") if part not in {"", "."}]
    if len(parts) == 1 and not pattern.startswith("/"):
        parts.insert(0, "**")
    written = ""
    for place, part in enumerate(parts):
        if part == "**":
            written += ".*" if place == len(parts) - 1 else "(?:[^/]+/)*"
        else:
            written += "".join(_letter(letter) for letter in part)
            written += "" if place == len(parts) - 1 else "/"
    return re.compile(f"(?s){written}(?:/|$)")


def _letter(letter: str) -> str:
    return {"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter)
