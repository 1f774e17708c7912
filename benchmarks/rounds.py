"""Measuring on a machine that others use, too.

Absolute times wander with the load. So everything that is compared is measured in each of many
short rounds, in an order that is shuffled anew, and compared within its round: what disturbs a
round disturbs all of it. What is reported is the median of these comparisons, and their quartiles.

Times are CPU time of this process with all its threads. While a sample is taken the garbage
collector is off; it runs between rounds.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

cpu_seconds = time.process_time


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: how often each subject is measured.
        sample_seconds: how long one sample is to take; it is repeated as often as that needs.
        seed: of the order within rounds.
        quick: whether the figures don't matter, only that they come.
    """

    rounds: int
    sample_seconds: float
    seed: int
    quick: bool = False

    @classmethod
    def full(cls, seed: int) -> Effort:
        """What `make bench` uses."""
        return cls(rounds=41, sample_seconds=0.004, seed=seed)

    @classmethod
    def least(cls, seed: int) -> Effort:
        """Just enough to see that everything runs."""
        return cls(rounds=2, sample_seconds=0.0, seed=seed, quick=True)


@dataclass(frozen=True)
class Subject:
    """Something whose cost is measured.

    Attributes:
        name: what tables call it.
        sample: repeats it a given number of times, and returns the seconds that this took.
        copies: how often one repetition does it.
    """

    name: str
    sample: Callable[[int], float]
    copies: int = 1


@dataclass(frozen=True)
class Spread:
    """A median and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of *values*, of which there is at least one."""
        ordered = sorted(values)
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0])
        low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(median, low, high)

    def times(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Measured:
    """Seconds that each subject took once, in each round; loop overhead is taken off already."""

    seconds: dict[str, list[float]]

    def each(self, name: str) -> Spread:
        """Seconds for one."""
        return Spread.of(self.seconds[name])

    def ratio(self, name: str, floor: str) -> Spread:
        """How many times the floor's cost, compared round by round."""
        pairs = zip(self.seconds[name], self.seconds[floor], strict=True)
        # An empty round (a clock that did not tick, in a --quick run) can't be compared.
        return Spread.of([one / other for one, other in pairs if other > 0] or [float("nan")])

    def beyond(self, name: str, floor: str) -> Spread:
        """Seconds more than the floor, compared round by round."""
        pairs = zip(self.seconds[name], self.seconds[floor], strict=True)
        return Spread.of(one - other for one, other in pairs)


def measure(
    subjects: Sequence[Subject], effort: Effort, *, overhead: Subject | None = None
) -> Measured:
    """Measure *subjects* in interleaved rounds.

    Args:
        subjects: what to compare; each has a name of its own.
        effort: how often and how long.
        overhead: what the measuring itself costs; measured in each round, and taken off.
    """
    everything = [*subjects, overhead] if overhead else list(subjects)
    counts = {subject.name: _count(subject, effort) for subject in everything}
    order = random.Random(effort.seed)
    seconds: dict[str, list[float]] = {subject.name: [] for subject in everything}
    for _ in range(effort.rounds):
        order.shuffle(everything)
        gc.collect()
        gc.disable()
        try:
            for subject in everything:
                count = counts[subject.name]
                seconds[subject.name].append(subject.sample(count) / count / subject.copies)
        finally:
            gc.enable()
    if overhead is not None:
        off = seconds.pop(overhead.name)
        for taken in seconds.values():
            taken[:] = [one - loop for one, loop in zip(taken, off, strict=True)]
    return Measured(seconds)


def _count(subject: Subject, effort: Effort) -> int:
    """How often a sample has to repeat; warms up on the way."""
    count = 2
    subject.sample(count)
    if effort.quick:
        return count
    while (taken := subject.sample(count)) < effort.sample_seconds / 2:
        count = max(2 * count, int(count * effort.sample_seconds / max(taken, 1e-7) / 2))
    return max(1, int(count * effort.sample_seconds / taken))
