"""Crossings as text: one for people to read, with both requests and both stacks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

from .crossings import Access, Crossing, Kind
from .places import told

#: Frames that are shown of each stack.
SHOWN = 4


def words(crossings: Sequence[Crossing], *, quiet: bool = True) -> str:
    """All of them: bugs at length, once a place; what may be on purpose in a line each.

    Args:
        crossings: bugs first.
        quiet: whether what may be on purpose is only listed.
    """
    parts = []
    places: dict[object, list[Crossing]] = {}
    for crossing in crossings:
        if crossing.kind.is_bug or not quiet:
            places.setdefault((crossing.kind, crossing.place), []).append(crossing)
    for first, *others in places.values():
        parts.append(at_length(first))
        read = {_where(one.read): None for one in others if one.read.stack[:1]}
        read.pop(_where(first.read), None)
        if read:
            parts.append(f"  read so as well at {', '.join(read)}")
    shared = [one for one in crossings if one.kind is Kind.SHARED]
    if shared and quiet:
        parts += listed(places_of(shared))
    return "\n".join(parts)


def places_of(shared: Iterable[Crossing]) -> Counter[tuple[str, str]]:
    """How often each place was read, by what it's called and where it was written."""
    found: Counter[tuple[str, str]] = Counter()
    for one in shared:
        found[one.place, _where(one.written)] += one.count
    return found


def listed(shared: Counter[tuple[str, str]]) -> list[str]:
    """What may be on purpose, in lines; see `places_of`."""
    lines = [f"  {place}  ({where}, {count}x)" for (place, where), count in shared.items()]
    return ["shared between requests; if on purpose: holdfast.worker_state(...)", *lines]


def at_length(crossing: Crossing) -> str:
    """One crossing: the story, both stacks, the mend."""
    times = f" ({crossing.count} times)" if crossing.count > 1 else ""
    lines = [f"{crossing.kind.value}: {crossing.message}{times}"]
    done = "deleted" if crossing.gone else "written"
    for what, access in ((done, crossing.written), ("read", crossing.read)):
        lines.append(f"  {what} by {access.request}")
        for frame in told(access.stack)[:SHOWN]:
            path = _short(str(frame["path"]))
            lines.append(f"    {path}:{frame['line']} in {frame['function']}")
            if frame["text"]:
                lines.append(f"      {frame['text']}")
    lines.append(f"  mend: {crossing.mend}")
    return "\n".join(lines)


def _where(access: Access) -> str:
    if not access.stack:
        return "?"
    code, line = access.stack[0]
    return f"{_short(code.co_filename)}:{line}"


def _short(path: str) -> str:
    inside = os.path.relpath(path)
    return path if inside.startswith("..") else inside
