"""Puts what the observers wrote into the run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import markers
from .events import Count, Event, Kept, Leak, Load, Process, Route, Served, Span, Trouble, read
from .run import Crossed, Run


def gathered(run: Run, folder: Path, name: str, person: Callable[[int], object]) -> Run:
    """The run, with all that was written into its folder.

    Args:
        run: what the users saw.
        folder: where the observers wrote to.
        name: the run's, in requests and markers.
        person: who a user is, by its number: users of one account are one person.
    """
    kinds: dict[type[Any], list[Event]] = {}
    for event in read(folder):
        kinds.setdefault(type(event), []).append(event)

    def of(kind: type[Any]) -> list[Any]:
        return kinds.get(kind, [])

    # A process tells of itself again when it knows more.
    run.processes = list({event.pid: event for event in of(Process)}.values())
    run.served, run.spans, run.loads = of(Served), of(Span), of(Load)
    run.kept, run.counts, run.routes = of(Kept), of(Count), of(Route)
    run.leaks, run.troubles = of(Leak), of(Trouble)
    run.crossed = [*run.crossed, *_crossed(run.leaks, name, person)]
    return run


def _crossed(leaks: list[Leak], run: str, person: Callable[[int], object]) -> list[Crossed]:
    """What the observers saw of one user in another one's request."""
    pattern = re.compile(markers.pattern(run))
    found: dict[tuple[str, str, str, str], Crossed] = {}
    for leak in leaks:
        marker = pattern.search(leak.marker.lower())
        if marker is None or not leak.request.startswith(f"{run}-"):
            continue
        kind, owner = markers.read(run, marker)
        if _whose(owner, person) == _whose(leak.request, person):
            continue
        key = (kind, owner, leak.request, leak.where)
        found.setdefault(key, Crossed(kind, owner, leak.request, leak.where, leak.text, leak.place))
    return list(found.values())


def _whose(request: str, person: Callable[[int], object]) -> object:
    user = markers.user_of(request)
    return person(-1 if user == markers.ALONE else int(user))
