"""Codes and classes of findings: `S10a` is of the class `S10`."""

from __future__ import annotations

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def class_of(code: str) -> str:
    """The class that a code is of: `S10` for `S10a`, and for `S10`."""
    return code.rstrip(_LETTERS)


def covers(named: str, code: str) -> bool:
    """Whether naming *named*, a class or a code, means *code*, too."""
    return named in {code, class_of(code)}
