"""Only who is proved by running again is said to be to blame."""

import pytest

from holdfast.probe.change import Change
from holdfast.probe.findings import examine, prove
from holdfast.probe.findings.proof import both
from holdfast.probe.run import Run
from tests.probe.findings.telling import Reruns, Telling, at_once, one_lock, one_worker


def test_without_the_lock_it_is_quick_so_the_lock_is_to_blame() -> None:
    reruns = Reruns(lambda change: at_once() if change.without_lock else one_lock().made)
    (found,) = prove(examine(one_lock().made, cores=4), reruns)
    assert found.proved
    assert found.code == "lock"
    assert found.sentence.endswith("without threading.Lock: 0.21 s instead of 2.00 s.")
    assert found.proof is not None
    assert found.proof.saved > 0.8
    assert [name for name, _ in reruns.asked] == ["without threading.Lock"]


def test_without_the_lock_it_is_as_slow_so_it_is_said_that_it_is_not_proved() -> None:
    reruns = Reruns(lambda _: one_lock().made)
    found = prove(examine(one_lock().made, cores=4), reruns)
    assert [one.proved for one in found] == [False]
    assert found[0].sentence.startswith("Not proved: ")
    assert "without threading.Lock: 2.00 s instead of 2.00 s" in found[0].sentence


def test_the_second_change_of_a_suspect_is_tried_where_the_first_does_not_help() -> None:
    reruns = Reruns(lambda change: at_once() if change.workers else one_worker().made)
    (found,) = prove(examine(one_worker().made, cores=4), reruns)
    assert found.proved
    assert found.proof is not None
    assert found.proof.changed == "with 10 workers"


def test_nothing_is_run_again_where_nobody_waited() -> None:
    reruns = Reruns(lambda _: at_once())
    assert list(prove(examine(at_once(), cores=4), reruns)) == []
    assert reruns.asked == []


def test_other_answers_prove_nothing() -> None:
    def forbidden(change: Change) -> Run:
        telling = Telling().alone()
        for number in range(10):
            telling.user(number, 0.0, 0.21, status=403)
        return telling.made

    found = prove(examine(one_lock().made, cores=4), Reruns(forbidden))
    assert [one.proved for one in found] == [False]
    assert "the answers were others (/: 403)" in found[0].sentence


def test_a_server_that_does_not_come_up_proves_nothing() -> None:
    def fails(change: Change) -> Run:
        raise RuntimeError("the server ended")

    found = prove(examine(one_lock().made, cores=4), Reruns(fails))
    assert [one.proved for one in found] == [False]
    assert "the server did not come up" in found[0].sentence


def test_a_saving_that_is_not_plain_counts_if_the_run_is_slow_a_second_time() -> None:
    def answer(change: Change) -> Run:
        return at_once(seconds=1.2) if change.without_lock else one_lock().made

    reruns = Reruns(answer)
    found = prove(examine(one_lock().made, cores=4), reruns)
    assert found[0].proved
    assert ("as it is, again", Change()) in reruns.asked


def test_a_machine_that_was_busy_for_a_while_is_no_finding() -> None:
    reruns = Reruns(lambda change: at_once(seconds=0.9 if change.without_lock else 0.22))
    found = prove(examine(one_lock().made, cores=4), reruns)
    assert list(found) == []


def test_what_is_proved_stays_changed_while_the_next_is_heard() -> None:
    """A lock, and then too few threads: each is found, and both times are said."""

    def lock_and_four_threads() -> Telling:
        telling = Telling().alone()
        for turn in range(10):
            begun = max(0.0, (turn - 3) * 0.2)
            name = telling.user(turn, 0.0, (turn + 1) * 0.2, entered=begun)
            telling.span(name, "lock", "Lock", begun, turn * 0.2, place="shop/locks.py:9")
        return telling

    def answer(change: Change) -> Run:
        if change.without_lock and change.threads:
            return at_once()
        if change.without_lock:
            telling = Telling().alone()
            for turn in range(10):
                telling.user(turn, 0.0, (turn // 4 + 1) * 0.3, entered=(turn // 4) * 0.3)
            return telling.made
        return lock_and_four_threads().made

    found = prove(examine(lock_and_four_threads().made, cores=4), Reruns(answer))
    assert [(one.code, one.proved) for one in found] == [("lock", True), ("worker", True)]
    assert found[0].proof is not None
    assert found[1].proof is not None
    assert (found[0].proof.before, found[0].proof.after) == pytest.approx((2.0, 0.9))
    assert (found[1].proof.before, found[1].proof.after) == pytest.approx((0.9, 0.21))


def test_not_more_reruns_than_wanted_are_made() -> None:
    reruns = Reruns(lambda _: one_worker().made)
    prove(examine(one_worker().made, cores=4), reruns, most=1)
    assert len(reruns.asked) == 1


def test_when_the_time_is_up_no_rerun_is_begun() -> None:
    reruns = Reruns(lambda _: one_worker().made)
    (found,) = prove(examine(one_worker().made, cores=4), reruns, seconds=-1.0)
    assert reruns.asked == []
    assert not found.proved


def in_the_database() -> Run:
    telling = Telling(6).alone()
    for number in range(6):
        name = telling.user(number, 0.0, 0.2 + number * 0.2)
        telling.span(name, "database", "default", 0.0, number * 0.2, place="shop/stock.py:12")
    return telling.made


def test_a_database_is_to_blame_if_it_is_so_in_two_runs() -> None:
    reruns = Reruns(lambda _: in_the_database())
    (found,) = prove(examine(in_the_database(), cores=4), reruns)
    assert (found.code, found.proved) == ("database", True)
    assert reruns.asked == [("as it is, again", Change())]


def test_a_database_that_was_slow_once_is_not() -> None:
    reruns = Reruns(lambda _: at_once(6))
    assert [one.proved for one in prove(examine(in_the_database(), cores=4), reruns)] == [False]


def test_runs_of_a_fixed_time_are_compared_by_what_they_served() -> None:
    """Twice as many requests in the same time is half the time for as many."""

    def run(requests: int) -> Run:
        telling = Telling(1).alone(0.1)
        length = 2.0 / requests
        for number in range(requests):
            name = telling.user(0, number * length, (number + 1) * length)
            end = (number + 1) * length - 0.1
            telling.span(name, "lock", "Lock", number * length, end, place="a.py:1")
        return telling.made

    found = prove(examine(run(5), cores=4), Reruns(lambda _: run(20)))
    assert found[0].proved
    assert found[0].proof is not None
    assert found[0].proof.after == pytest.approx(0.5)


def test_changes_add_up() -> None:
    one = Change(without_lock=("a",), threads=4)
    assert both(one, Change(without_lock=("b",), workers=2)) == Change(
        without_lock=("a", "b"), threads=4, workers=2
    )
    assert both(one, one) == one
