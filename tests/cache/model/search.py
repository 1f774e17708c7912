"""An exhaustive search: every order in which some processes can take their steps, crashes included.

A process is a name, where it stands, and what it remembers; the world is all that they share. Both
are plain immutable values, so a state that was met before is not followed again, however it was
come to: that is what makes "every order" feasible.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

DONE, CRASHED = "done", "crashed"
#: Done, too: a reader that was given what was in the store.
SERVED = "served"


class Process(NamedTuple):
    """Where it stands, and what it remembers.

    *need* is what a read that begins now must see at least, *stamp* and *value* are its own; *seen*
    is what steps of one call hand on to the next.
    """

    name: str
    at: str
    need: Any = None
    stamp: Any = None
    value: Any = None
    seen: Any = None

    @property
    def alive(self) -> bool:
        return self.at not in {DONE, CRASHED, SERVED}


#: From the world and the process to all that may come of the next step.
Step = Callable[[Any, Process], Iterable[tuple[Any, Process]]]
State = tuple[Any, tuple[Process, ...]]


@dataclass
class Findings:
    """What a search has met.

    Attributes:
        states: that there are.
        reads: hits, in all of them.
        stale: those that showed less than was committed before the read began.
        permanent: states in which nothing is left to happen, and a wrong result is still served.
        example: how the first wrong one came about.
    """

    states: int = 0
    reads: int = 0
    stale: int = 0
    permanent: int = 0
    example: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        return self.stale + self.permanent


def search(
    world: Any,
    processes: Iterable[Process],
    steps: Mapping[str, Step],
    events: Callable[[Any, tuple[Process, ...]], Iterator[tuple[str, Any]]],
    settled_wrong: Callable[[Any, tuple[Process, ...]], bool],
) -> Findings:
    """Try everything.

    Args:
        world: as it is at the beginning.
        processes: likewise.
        steps: by the place where a process stands.
        events: what may happen in a state by itself, with the world after it.
        settled_wrong: whether a state in which nothing is left to happen is a wrong one.
    """
    found = Findings()
    begin: State = (world, tuple(processes))
    met: dict[State, tuple[State | None, str]] = {begin: (None, "")}
    todo = [begin]
    while todo:
        state = todo.pop()
        world, processes = state
        if settled_wrong(world, processes):
            found.permanent += 1
            found.example = found.example or _how(state, met)
        for label, after in _after(world, processes, steps, events, found):
            if after not in met:
                met[after] = (state, label)
                todo.append(after)
            if label.endswith("STALE") and not found.example:
                found.example = (*_how(state, met), label)
    found.states = len(met)
    return found


def _after(
    world: Any,
    processes: tuple[Process, ...],
    steps: Mapping[str, Step],
    events: Callable[[Any, tuple[Process, ...]], Iterator[tuple[str, Any]]],
    found: Findings,
) -> Iterator[tuple[str, State]]:
    for place, process in enumerate(processes):
        if not process.alive:
            continue
        before, later = processes[:place], processes[place + 1 :]
        for changed, moved in steps[process.at](world, process):
            label = f"{process.name}: {process.at}"
            if moved.at == SERVED:
                found.reads += 1
                if any(a < b for a, b in zip(moved.value, moved.need, strict=True)):
                    found.stale += 1
                    label += " STALE"
            # What it remembers makes no difference any more, when it is done.
            now = moved if moved.alive else Process(process.name, DONE)
            yield label, (changed, _ordered((*before, now, *later)))
        # A reader that is killed, or that never goes on, is all the same to the others.
        if not process.name.startswith("R"):
            killed = Process(process.name, CRASHED)
            yield f"{process.name}: killed", (world, (*before, killed, *later))
    for label, changed in events(world, processes):
        yield label, (changed, processes)


def _ordered(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    """Readers are alike: which of them is where makes no difference."""
    others = [process for process in processes if process.name != "R"]
    readers = [process for process in processes if process.name == "R"]
    return (*others, *sorted(readers, key=hash))


def _how(state: State, met: Mapping[State, tuple[State | None, str]]) -> tuple[str, ...]:
    steps: list[str] = []
    at: State | None = state
    while at is not None:
        at, label = met[at]
        steps.append(label)
    return tuple(reversed([step for step in steps if step]))
