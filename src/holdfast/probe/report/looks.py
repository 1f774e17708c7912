"""How each cause looks: in the terminal, on the page, in black and white.

Work is drawn broad, and waiting thin, so that a picture can be read without its colours. The
colours are readable on white and on black: one palette serves both, and the terminal as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Look:
    """Of a cause.

    Attributes:
        title: what a request did meanwhile: "waited for a worker".
        letter: for a picture without colours; small where the request waited.
        colour: `#rrggbb`.
        waits: whether it waited for somebody else.
    """

    title: str
    letter: str
    colour: str
    waits: bool


#: By cause, in the order of legends: work first, and then what a request may wait for, from the
#: server's door inwards. Causes of waits are called as the findings about them.
LOOKS: Mapping[str, Look] = {
    "view": Look("in the view", "V", "#23936a", waits=False),
    "database": Look("in the database", "D", "#2a7fc9", waits=False),
    "middleware": Look("in a middleware", "M", "#7f8a1f", waits=False),
    "application": Look("in the application", "P", "#4f8fa8", waits=False),
    "answer": Look("answer on its way", "A", "#7a8592", waits=False),
    "worker": Look("waited for a worker", "w", "#d9731a", waits=True),
    "thread": Look("waited for a thread", "t", "#e2574c", waits=True),
    "thread-sensitive": Look("waited for the one thread of sync code", "s", "#c93a86", waits=True),
    "executor": Look("waited in an executor's queue", "e", "#d0648c", waits=True),
    "lock": Look("waited for a lock", "l", "#8f5fd9", waits=True),
    "pool": Look("waited for a connection of a pool", "p", "#a8682a", waits=True),
    "blocked-loop": Look("the event loop stood still", "b", "#c2362f", waits=True),
    "blocked-hub": Look("the hub stood still", "h", "#c2362f", waits=True),
    "gil": Look("waited for the interpreter", "g", "#5b6ee0", waits=True),
    "collector": Look("the garbage collector ran", "c", "#3f8e96", waits=True),
    "unknown": Look("not seen by the observers", "U", "#8a8f98", waits=False),
}


def look_of(cause: str) -> Look:
    """The look of *cause*; of `unknown` for one that is not known here."""
    return LOOKS.get(cause) or LOOKS["unknown"]


def as_seconds(seconds: float) -> str:
    """As people read it: `10.1 s`, `1.02 s`, `85 ms`."""
    if seconds >= 10:  # noqa: PLR2004 - three digits are enough for anybody
        return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:,.0f} s"  # noqa: PLR2004
    return f"{seconds:.2f} s" if seconds >= 0.995 else f"{seconds * 1000:.0f} ms"  # noqa: PLR2004


#: Where Python keeps packages, and its own modules.
_PACKAGES = re.compile(r"\S*?/(?:site|dist)-packages/|\S*/lib/(?=python\d)")


def short(text: str) -> str:
    """*text* with paths as people say them: from here on, and packages by their names.

    Pages are given to others: whose machine it was, and where he keeps things, is not told.
    """
    here = f"{Path.cwd()}/"
    return _PACKAGES.sub("", text.replace(here, "") if len(here) > 1 else text)
