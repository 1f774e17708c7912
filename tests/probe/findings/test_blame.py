"""Who kept the users, when one waits for another who waits himself."""

import pytest

from holdfast.probe.findings.blame import blamed
from holdfast.probe.findings.causes import spent_by
from tests.probe.findings.telling import Telling, one_lock, one_worker


def charged(telling: Telling) -> dict[str, float]:
    """Seconds by kind and name; who is charged with nothing is left out."""
    found = blamed(telling.made, spent_by(telling.made))
    return {
        f"{one.cause.kind} {one.cause.name}".strip(): round(one.charged, 3)
        for one in found
        if one.charged > 0.0005
    }


def test_waiting_for_the_one_worker_is_its_own() -> None:
    assert charged(one_worker(4)) == {"worker": pytest.approx(0.2 + 0.4 + 0.6)}


def test_waiting_for_a_lock_is_the_locks() -> None:
    assert charged(one_lock(4))["lock threading.Lock"] == pytest.approx(1.2)


def test_who_waits_for_workers_that_wait_for_a_lock_waits_for_the_lock() -> None:
    # Two are in the application: one holds the lock, one waits for it. The others wait outside.
    telling = Telling(6).alone()
    for turn in range(6):
        begun = max(0.0, (turn - 1) * 0.2)
        name = telling.user(turn, 0.0, (turn + 1) * 0.2, entered=begun)
        telling.span(name, "lock", "Lock", begun, turn * 0.2)
    found = charged(telling)
    assert found["lock Lock"] > found["worker"]


def test_who_waits_for_a_holder_who_waits_for_a_pool_waits_for_the_pool() -> None:
    telling = Telling(2).alone()
    holder = telling.user(0, 0.0, 1.0)
    telling.span(holder, "pool", "ConnectionPool", 0.0, 0.8)
    waiter = telling.user(1, 0.0, 1.2)
    telling.span(waiter, "lock", "Lock", 0.0, 1.0, holder=holder)
    found = charged(telling)
    assert found["pool ConnectionPool"] == pytest.approx(0.8 + 0.8)
    assert found["lock Lock"] == pytest.approx(0.2)


def test_a_lock_held_over_a_query_is_to_blame_and_not_the_query() -> None:
    telling = Telling(2).alone()
    for number in range(3):
        telling.span(f"r-alone-{number}", "database", "default", number - 90.0, number - 89.8)
    holder = telling.user(0, 0.0, 0.2)
    telling.span(holder, "database", "default", 0.0, 0.2)
    waiter = telling.user(1, 0.0, 0.4)
    telling.span(waiter, "lock", "Lock", 0.0, 0.2, holder=holder)
    telling.span(waiter, "database", "default", 0.2, 0.4)
    assert charged(telling) == {"lock Lock": pytest.approx(0.2)}


def test_two_who_wait_for_each_other_come_to_an_end() -> None:
    telling = Telling(2).alone()
    one, other = telling.user(0, 0.0, 1.0), telling.user(1, 0.0, 1.0)
    telling.span(one, "lock", "A", 0.0, 1.0, holder=other)
    telling.span(other, "lock", "B", 0.0, 1.0, holder=one)
    assert sum(charged(telling).values()) == pytest.approx(2.0)


def test_what_takes_as_long_alone_keeps_nobody() -> None:
    telling = Telling(2).alone()
    for number in range(3):
        telling.span(f"r-alone-{number}", "pool", "Queue", number - 90.0, number - 89.8)
    for user in range(2):
        name = telling.user(user, 0.0, 0.2)
        telling.span(name, "pool", "Queue", 0.0, 0.2)
    assert charged(telling) == {}


def test_the_costliest_comes_first_with_what_it_cost_whom() -> None:
    (first, *_) = blamed(one_lock(5).made, spent_by(one_lock(5).made))
    assert first.cause.kind == "lock"
    assert first.requests == 4
    assert first.longest == pytest.approx(0.8)
