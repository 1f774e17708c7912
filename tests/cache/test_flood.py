"""A flood of different keys that have no result."""

import threading
from typing import Any

import pytest

import holdfast
from holdfast.cache import counts, flood
from tests.cache.conftest import Face, elsewhere, wait_for

pytestmark = pytest.mark.parametrize("engine", ["lmdb"], indirect=True)


class Peak:
    """How many calls there were at once, at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0
        self.let = threading.Event()

    def load(self, _: Any) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.let.wait(20)
        with self._lock:
            self.now -= 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("face", ["sync"], indirect=True)
def test_in_a_flood_loads_of_keys_that_are_not_there_queue_in_a_few_lanes(
    face: Face, name: str, configure: Any
) -> None:
    configure(FLOOD=20)
    peak = Peak()
    f = face.cached(name, negative_ttl=60)(peak.load)
    peak.let.set()
    for number in range(30):
        f(number)
    peak.let.clear()
    peak.most = 0
    askers = [elsewhere(lambda number=number: f(number)) for number in range(100, 120)]
    wait_for(lambda: counts(name).floods >= 20)
    assert peak.most <= flood.LANES
    # What is there is served as ever, and other functions know nothing of it.
    assert f(1) is None
    assert holdfast.cached(60, name=name + "other")(lambda number: number)(1) == 1
    peak.let.set()
    assert [asker.result() for asker in askers] == [None] * 20
    assert peak.most <= flood.LANES
    assert counts(name).floods >= 20


@pytest.mark.usefixtures("store")
def test_nobody_is_held_back_longer_than_he_may_wait(face: Face, name: str, configure: Any) -> None:
    configure(FLOOD=1)
    peak = Peak()
    peak.let.set()
    f = face.cached(name, wait=0.05, negative_ttl=60)(peak.load)
    f(0), f(1)
    peak.let.clear()
    askers = [elsewhere(lambda number=number: f(number)) for number in range(100, 110)]
    wait_for(lambda: peak.now == 10)
    peak.let.set()
    assert [asker.result() for asker in askers] == [None] * 10


def test_a_flood_ends_with_its_time(monkeypatch: pytest.MonkeyPatch, configure: Any) -> None:
    configure(FLOOD=10)
    now = [1000.0]
    monkeypatch.setattr(flood.time, "monotonic", lambda: now[0])
    counted = flood.Flood()
    for _ in range(9):
        counted.count()
    assert not counted.on
    counted.count()
    assert counted.on
    now[0] += flood.WINDOW / 2
    assert counted.on
    now[0] += flood.WINDOW
    assert not counted.on
    for _ in range(9):
        counted.count()
    assert counted.on  # half of the last window counts still
    now[0] += 10 * flood.WINDOW
    assert not counted.on


def test_it_can_be_turned_off(configure: Any) -> None:
    configure(FLOOD=None)
    counted = flood.Flood()
    for _ in range(100_000):
        counted.count()
    assert not counted.on


@pytest.mark.usefixtures("store")
def test_what_has_results_is_no_flood(face: Face, name: str, configure: Any) -> None:
    configure(FLOOD=5)

    @face.cached(name)
    def f(number):
        return number

    for number in range(20):
        f(number)
    assert counts(name).floods == 0
