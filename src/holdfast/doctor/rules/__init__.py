"""The rules, one a file. A rule has a code, says why, and finds.

CODE      stable; the class of findings, and a letter
TITLE     a line
REASON    what goes wrong, and for whom
WRONG     an example that it finds
RIGHT     the same, mended
check     looks at one file
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ..file import File
from ..findings import Finding


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    code: str
    title: str
    reason: str
    wrong: str
    right: str
    check: Callable[[File], Iterator[Finding]]


@cache
def all_rules() -> tuple[Rule, ...]:
    """All rules, by their codes."""
    found = []
    for module in iter_modules(__path__):
        if not module.name.startswith("_"):
            rule = import_module(f".{module.name}", __name__)
            found.append(
                Rule(rule.CODE, rule.TITLE, rule.REASON, rule.WRONG, rule.RIGHT, rule.check)
            )
    return tuple(sorted(found, key=lambda rule: (len(rule.code), rule.code)))
