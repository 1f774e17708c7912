"""What processes saw of shared state can have happened one after the other.

First that the checker finds what it is for, then what it says to recorded histories.
"""

import json
import random

import pytest

from tests.shared.conftest import BETWEEN_PROCESSES
from tests.shared.linearizability import (
    GONE,
    NEVER,
    UNKNOWN,
    Operation,
    counter,
    is_linearizable,
    lock,
    one_key,
)
from tests.shared.processes import run_together


def history(*lines):
    """Operations as (process, name, arguments, result, called, returned)."""
    return [Operation(line[0], line[1], tuple(line[2]), *line[3:]) for line in lines]


# The checker itself


def test_operations_that_overlap_may_have_happened_in_either_order():
    overlapping = history(("a", "set", [1], None, 0, 10), ("b", "get", [], None, 1, 2))
    assert is_linearizable(overlapping, one_key, GONE)
    overlapping = history(("a", "set", [1], None, 0, 10), ("b", "get", [], 1, 1, 2))
    assert is_linearizable(overlapping, one_key, GONE)


def test_a_stale_read_is_found():
    stale = history(("a", "set", [1], None, 0, 1), ("b", "get", [], None, 2, 3))
    assert not is_linearizable(stale, one_key, GONE)


def test_a_read_that_goes_back_is_found():
    back = history(
        ("a", "set", [1], None, 0, 10),
        ("b", "get", [], 1, 1, 2),
        ("b", "get", [], None, 3, 4),
    )
    assert not is_linearizable(back, one_key, GONE)


def test_a_lost_addition_is_found():
    lost = history(("a", "add", [1], 1, 0, 5), ("b", "add", [1], 1, 1, 6))
    assert not is_linearizable(lost, counter, 0)
    lost = history(("a", "add_by_change", [1], 1, 0, 5), ("b", "add_by_change", [1], 1, 1, 6))
    assert not is_linearizable(lost, one_key, GONE)


def test_two_holders_are_found():
    both = history(("a", "acquire", [], 1, 0, 1), ("b", "acquire", [], 2, 2, 3))
    assert not is_linearizable(both, lock, (None, 0))
    both += history(("a", "release", [], None, 4, 5))
    assert not is_linearizable(both, lock, (None, 0))


def test_a_fence_that_does_not_grow_is_found():
    same = history(
        ("a", "acquire", [], 1, 0, 1),
        ("a", "release", [], None, 2, 3),
        ("b", "acquire", [], 1, 4, 5),
    )
    assert not is_linearizable(same, lock, (None, 0))


def test_a_refusal_of_a_free_lock_is_found():
    assert not is_linearizable(history(("a", "acquire", [], None, 0, 1)), lock, (None, 0))


def test_two_that_both_pop_one_value_are_found():
    twice = history(
        ("a", "set", [1], None, 0, 1), ("a", "pop", [], 1, 2, 5), ("b", "pop", [], 1, 3, 6)
    )
    assert not is_linearizable(twice, one_key, GONE)


def test_what_was_interrupted_may_have_happened_or_not():
    for seen in (0, 1):
        cut = history(("a", "add", [1], UNKNOWN, 0, NEVER), ("b", "value", [], seen, 5, 6))
        assert is_linearizable(cut, counter, 0)
    cut = history(("a", "add", [1], UNKNOWN, 0, NEVER), ("b", "value", [], 2, 5, 6))
    assert not is_linearizable(cut, counter, 0)


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_violation_among_many_operations_is_found(seed):
    """A true history of four processes; then one of its results made false."""
    chance = random.Random(seed)
    clock = 0.0
    value, operations = 0, []
    for _ in range(200):
        clock += 1
        process = chance.randrange(4)
        before, value = value, value + 1
        operations.append(
            Operation(process, "add", (1,), before + 1, clock - chance.random() * 3, clock + 0.1)
        )
    assert is_linearizable(operations, counter, 0)
    place = chance.randrange(20, 180)
    true = operations[place]
    operations[place] = Operation(
        true.process, "add", (1,), true.result - 10, true.called, true.returned
    )
    assert not is_linearizable(operations, counter, 0)


# Histories of real processes

RECORD = """
    import json, random, sys, time
    import holdfast
    from holdfast import shared

    url, name, process, seed = sys.argv[1:]
    holdfast.configure({"STORES": {"default": url}})
    chance = random.Random(f"{seed} {process}")
    records = []

    def record(thing, operation, arguments, call):
        called = time.monotonic_ns()
        result = call(*arguments)
        records.append([thing, process, operation, arguments, result, called, time.monotonic_ns()])

    def bursts(number, size):
        # All processes begin each burst at one moment: else the first would be done too soon.
        begin()
        first = time.monotonic() // 0.1 + 2
        for burst in range(number):
            moment = first * 0.1 + burst * 0.01
            time.sleep(max(0, moment - time.monotonic() - 0.001))
            while time.monotonic() < moment:
                pass
            for _ in range(size):
                yield burst
"""

RECORD_DICT = (
    RECORD
    + """
    flags = shared.dict(name)
    flags.get("a")
    number = lambda: chance.randrange(3)
    for _ in bursts(10, 15):
        key = chance.choice("ab")
        match chance.randrange(6):
            case 0: record(key, "set", [number()], lambda n: flags.set(key, n))
            case 1: record(key, "get", [], lambda: flags.get(key))
            case 2: record(key, "pop", [], lambda: flags.pop(key, None))
            case 3: record(key, "setdefault", [number()], lambda n: flags.setdefault(key, n))
            case 4: record(key, "compare_and_set", [number(), number()],
                           lambda old, new: flags.compare_and_set(key, old, new))
            case 5: record(key, "add_by_change", [1],
                           lambda n: flags.change(key, lambda value: value + n, default=0))
    print(json.dumps(records))
"""
)

RECORD_COUNTER = (
    RECORD
    + """
    hits = shared.counter(name)
    hits.value
    for _ in bursts(10, 20):
        match chance.randrange(8):
            case 0: record("", "value", [], lambda: hits.value)
            case 1: record("", "set", [chance.randrange(100)], hits.set)
            case 2: record("", "reset", [], hits.reset)
            case _: record("", "add", [chance.randrange(-3, 4)], hits.add)
    print(json.dumps(records))
"""
)

RECORD_LOCK = (
    RECORD
    + """
    lock = shared.lock(name)
    shared.counter(name).value

    def acquire(timeout):
        try:
            return lock.acquire(timeout=timeout).fence
        except shared.LockTimeout:
            return None

    for _ in bursts(10, 6):
        record("", "acquire", [chance.choice([0, 30])], acquire)
        if lock.held:
            time.sleep(chance.random() / 1000)
            record("", "release", [], lock.release)
    print(json.dumps(records))
"""
)

MODELS = {
    "dict": (RECORD_DICT, one_key, GONE),
    "counter": (RECORD_COUNTER, counter, 0),
    "lock": (RECORD_LOCK, lock, (None, 0)),
}


@pytest.mark.parametrize("engine", BETWEEN_PROCESSES, indirect=True)
@pytest.mark.parametrize("kind", MODELS)
def test_what_four_processes_saw_can_have_happened_one_after_the_other(kind, store, name):
    program, model, initial = MODELS[kind]
    together = 0
    for seed in range(2):
        arguments = [(store, f"{name}-{seed}", str(process), str(seed)) for process in range(4)]
        outputs = run_together(program, arguments)
        records = [line for output in outputs for line in json.loads(output)]
        together += overlapping(records)
        for thing in {line[0] for line in records}:
            assert is_linearizable(
                history(*(line[1:] for line in records if line[0] == thing)), model, initial
            )
    assert together > 20, "they hardly ever ran at the same time"


def overlapping(records):
    """How many operations began while another one was under way."""
    count, latest = 0, 0
    for called, returned in sorted(tuple(line[5:7]) for line in records):
        count += called < latest
        latest = max(latest, returned)
    return count
