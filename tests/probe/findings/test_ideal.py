"""What is possible, and when a run is as good as that."""

import pytest

from holdfast.probe.findings.ideal import ideal_of
from tests.probe.findings.telling import START, Telling, at_once, one_worker


def test_the_ideal_is_one_request_alone_if_each_user_sends_one() -> None:
    ideal = ideal_of(one_worker().made, cores=4)
    assert ideal.seconds == pytest.approx(0.2)
    assert ideal.wall == pytest.approx(2.0)
    assert ideal.parallelism == pytest.approx(1.0)
    assert not ideal.reached


def test_all_at_once_is_the_ideal() -> None:
    ideal = ideal_of(at_once(), cores=4)
    assert ideal.reached
    assert ideal.parallelism == pytest.approx(10 * 0.2 / 0.21)


def test_the_slowest_users_requests_one_after_another_with_his_pauses() -> None:
    telling = Telling(2).alone(0.2, "/a/").alone(0.5, "/b/")
    telling.user(0, 0.0, 0.2, path="/a/")
    telling.user(1, 0.0, 0.9, path="/a/")
    telling.user(1, 1.9, 3.0, path="/b/")  # he thought for a second
    assert ideal_of(telling.made, cores=4).seconds == pytest.approx(0.2 + 1.0 + 0.5)


def test_a_user_who_came_later_has_no_earlier_ideal() -> None:
    telling = Telling(2).alone(0.2)
    telling.user(0, 0.0, 0.2)
    telling.user(1, 1.0, 1.2)
    assert ideal_of(telling.made, cores=4).seconds == pytest.approx(1.2)


def test_what_computes_can_be_no_quicker_than_the_cores() -> None:
    telling = Telling(8).alone(0.25, cpu=0.25)
    for number in range(8):
        telling.user(number, 0.0, 2.0, cpu=0.25)
    assert ideal_of(telling.made, cores=4).seconds == pytest.approx(0.5)
    assert ideal_of(telling.made, cores=1).reached


def test_on_a_loop_the_processor_time_is_the_process() -> None:
    telling = Telling(4)
    telling.alone(0.5, cpu=0.0)
    telling.made.served = []
    for number in range(4):
        telling.user(number, 0.0, 2.0, cpu=None)
    first = 10.0 - START
    for number in range(3):
        telling.load(first + number, first + number + 0.5, cpu=0.4)
    assert ideal_of(telling.made, cores=1).cpu == {"/": pytest.approx(0.4)}


def test_a_few_milliseconds_are_never_slow() -> None:
    telling = Telling(10).alone(0.002)
    for number in range(10):
        telling.user(number, 0.0, 0.1)
    assert ideal_of(telling.made, cores=4).reached


def test_what_the_machine_did_not_give_is_not_the_servers_fault() -> None:
    telling = Telling(4).alone(0.2)
    for number in range(4):
        telling.user(number, 0.0, 1.0)
    assert not ideal_of(telling.made, cores=4).reached
    telling.load(0.0, 1.0, cpu=0.1, starved=0.7)
    assert ideal_of(telling.made, cores=4).reached


def test_users_who_plainly_wait_for_each_other_are_not_excused_by_a_busy_machine() -> None:
    telling = one_worker().load(0.0, 2.0, cpu=0.1, starved=5.0)
    assert not ideal_of(telling.made, cores=4).reached


def test_without_requests_alone_the_quickest_is_the_measure() -> None:
    telling = Telling(2)
    telling.user(0, 0.0, 0.3)
    telling.user(1, 0.0, 0.9)
    assert ideal_of(telling.made, cores=4).alone == {"/": pytest.approx(0.3)}


def test_a_run_without_requests_is_no_wonder() -> None:
    ideal = ideal_of(Telling(1).made)
    assert ideal.reached
    assert ideal.wall == 0.0


def test_what_waits_while_the_one_core_is_used_up_does_not_starve() -> None:
    telling = Telling(4).alone(0.2, cpu=0.2)
    for number in range(4):
        telling.user(number, 0.0, 1.0, cpu=0.2)
    telling.load(0.0, 1.0, cpu=0.98, starved=2.5)
    assert ideal_of(telling.made, cores=4).starved == pytest.approx(0.02)
