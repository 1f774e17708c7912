"""How long the users would have taken if nobody had been in another's way."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ..run import Asked, Run

#: Up to this many times the ideal, and this many seconds more, a run is as good as one can be.
ENOUGH_TIMES = 1.5
ENOUGH_SECONDS = 0.1
#: A busy machine is an excuse for this share of the time: one that has nothing else to say would
#: hide users who wait for each other plainly.
EXCUSED = 2 / 3


@dataclass(frozen=True, slots=True)
class Ideal:
    """A run's time against the time that it could have taken. All are seconds.

    Attributes:
        seconds: the users' time if each request took as long as it did alone: the slowest user's
            requests one after another, with the user's own pauses; and no less than the processor
            time of all requests over the cores.
        wall: what it took.
        alone: by path, the median of the requests that ran alone.
        cpu: processor time that a request takes, by path; no key where it isn't known.
        cores: of this machine, for this process.
        starved: how long the machine kept the server from a processor: others were computing.
        parallelism: how many requests it served at once, in effect.
    """

    seconds: float
    wall: float
    alone: Mapping[str, float]
    cpu: Mapping[str, float]
    cores: int
    starved: float
    parallelism: float

    @property
    def limit(self) -> float:
        """The time from which on it is worth to ask why."""
        excused = min(self.starved, EXCUSED * self.wall)
        return ENOUGH_TIMES * self.seconds + ENOUGH_SECONDS + excused

    @property
    def reached(self) -> bool:
        """Nobody was in another's way, as far as can be told on this machine."""
        return self.wall <= self.limit


def ideal_of(run: Run, cores: int | None = None) -> Ideal:
    """The ideal of *run*, on *cores* cores (default: those that this process may use)."""
    count = cores or available_cores()
    alone = _alone(run)
    cpu = _cpu(run)
    served = sum(alone.get(one.path, one.seconds) for one in run.together)
    computing = sum(cpu.get(one.path, 0.0) for one in run.together)
    wall = run.wall
    return Ideal(
        seconds=max(_slowest_user(run, alone), computing / count),
        wall=wall,
        alone=alone,
        cpu=cpu,
        cores=count,
        starved=_starved(run),
        parallelism=min(float(max(run.users, 1)), served / wall) if wall > 0 else 1.0,
    )


def available_cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Not on macOS.
        return os.cpu_count() or 1


def _alone(run: Run) -> Mapping[str, float]:
    seconds = defaultdict[str, list[float]](list)
    # Without requests alone, the quickest of those together is the best that is known.
    for one in run.alone:
        seconds[one.path].append(one.seconds)
    found = {path: median(values) for path, values in seconds.items()}
    for one in run.together:
        if one.path not in seconds:
            found[one.path] = min(one.seconds, found.get(one.path, one.seconds))
    return found


def _slowest_user(run: Run, alone: Mapping[str, float]) -> float:
    asked = defaultdict[int, list[Asked]](list)
    for one in run.together:
        asked[one.user].append(one)
    return max((_alone_and_pauses(run.begun, each, alone) for each in asked.values()), default=0.0)


def _alone_and_pauses(begun: float, asked: Sequence[Asked], alone: Mapping[str, float]) -> float:
    total, free = 0.0, begun
    for one in sorted(asked, key=lambda one: one.sent):
        total += max(0.0, one.sent - free) + min(alone[one.path], one.seconds)
        free = max(free, one.done)
    return total


def _cpu(run: Run) -> Mapping[str, float]:
    of_request = {one.request: one.cpu for one in run.served if one.cpu is not None}
    seconds = defaultdict[str, list[float]](list)
    for one in run.alone:
        if (cpu := of_request.get(one.request)) is not None:
            seconds[one.path].append(cpu)
    found = {path: median(values) for path, values in seconds.items()}
    if run.alone and len(found) < len({one.path for one in run.alone}):
        # On an event loop no request has a thread to itself: the process' time over its requests.
        begun, ended = min(one.sent for one in run.alone), max(one.done for one in run.alone)
        within = sum(
            load.cpu for load in run.loads if load.begun >= begun and load.ended <= ended + 0.1
        )
        for one in run.alone:
            found.setdefault(one.path, within / len(run.alone))
    return found


def _starved(run: Run) -> float:
    """Processes starve side by side: the one that starved most made the users wait."""
    begun, ended = run.begun, run.begun + run.wall
    starved = defaultdict[int, float](float)
    for load in run.loads:
        if load.ended > begun and load.begun < ended:
            # What its one core did is not lost; and of several threads that wait at once, one
            # could have run.
            idle = max(0.0, load.ended - load.begun - load.cpu)
            starved[load.pid] += min(load.starved, idle)
    return max(starved.values(), default=0.0)
