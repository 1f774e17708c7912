"""Can a recorded history of concurrent operations have happened one after the other?

The search is that of Wing and Gong, with Lowe's memory of what was tried: pick any operation that
began before each of those left had ended, see whether a model that does one thing at a time gives
the same result, and go on with the rest; where nothing fits any more, go back and pick another.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

#: The result of an operation whose process was killed: it happened, or it did not.
UNKNOWN = "unknown"
#: When such an operation ended: it may happen at any time later.
NEVER = float("inf")

State = Hashable


@dataclass(frozen=True)
class Operation:
    """One call: what was asked, what came of it, and between which moments, in nanoseconds."""

    process: Hashable
    name: str
    arguments: tuple[Any, ...]
    result: Any
    called: float
    returned: float


#: What a model says to an operation in a state: the next state, or None if it can't be.
Model = Callable[[State, Operation], State | None]


def is_linearizable(history: Iterable[Operation], model: Model, initial: State) -> bool:
    """Whether some order of *history* that keeps to its moments is one that *model* allows."""
    operations = sorted(history, key=lambda operation: operation.called)
    certain = sum(1 << place for place, one in enumerate(operations) if one.result != UNKNOWN)

    def candidates(done: int) -> list[int]:
        """Those not done that began before each of those not done had ended."""
        found: list[int] = []
        first_return = NEVER
        for place, operation in enumerate(operations):
            if done >> place & 1:
                continue
            if operation.called > first_return:
                break
            found.append(place)
            first_return = min(first_return, operation.returned)
        return [place for place in found if operations[place].called <= first_return]

    seen: set[tuple[int, State]] = set()
    path: list[tuple[int, State, list[int]]] = [(0, initial, candidates(0))]
    while path:
        done, state, choices = path[-1]
        if done & certain == certain:
            return True
        if not choices:
            path.pop()
            continue
        place = choices.pop(0)
        after = model(state, operations[place])
        if after is None:
            continue
        reached = (done | 1 << place, after)
        if reached not in seen:
            seen.add(reached)
            path.append((*reached, candidates(reached[0])))
    return False


# Models: what a thing does that does one thing at a time

GONE = ("gone",)


def one_key(state: State, operation: Operation) -> State | None:
    """One key of a dict. The state is its value, or GONE."""
    name, arguments, result = operation.name, operation.arguments, operation.result
    unknown = result == UNKNOWN
    if name == "set":
        return arguments[0]
    if name == "get":
        return state if unknown or result == (None if state == GONE else state) else None
    if name == "pop":
        return GONE if unknown or result == (None if state == GONE else state) else None
    if name == "setdefault":
        after = arguments[0] if state == GONE else state
        return after if unknown or result == after else None
    if name == "add_by_change":
        after = arguments[0] + (0 if state == GONE else state)
        return after if unknown or result == after else None
    if name == "compare_and_set":
        fits = state == arguments[0]
        after = arguments[1] if fits else state
        return after if unknown or result == fits else None
    raise ValueError(name)


def counter(state: State, operation: Operation) -> State | None:
    """A counter. The state is its value."""
    name, arguments, result = operation.name, operation.arguments, operation.result
    after = {"value": state, "reset": 0}.get(name)
    if name == "add":
        after = state + arguments[0]
    elif name == "set":
        after = arguments[0]
    if name in {"set", "reset"} or result in (UNKNOWN, after):
        return after
    return None


def lock(state: State, operation: Operation) -> State | None:
    """A lock. The state is its holder, or None, and the last fence."""
    holder, fence = state
    if operation.name == "release":
        return (None, fence) if holder == operation.process else None
    if operation.name == "killed":
        return (None, fence) if holder == operation.process else state
    if operation.result is None:
        return state if holder is not None else None
    if holder is not None:
        return None
    if operation.result == UNKNOWN:
        return operation.process, fence
    return (operation.process, operation.result) if operation.result > fence else None
