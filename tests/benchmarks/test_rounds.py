"""Comparisons are made round by round."""

from benchmarks.rounds import Effort, Measured, Spread, Subject, measure


def test_a_disturbed_round_disturbs_both_sides_and_no_ratio():
    measured = Measured({"floor": [1.0, 10.0, 1.0], "ours": [2.0, 20.0, 2.0]})
    assert measured.ratio("ours", "floor") == Spread(2.0, 2.0, 2.0)


def test_the_loop_is_taken_off_in_each_round():
    loops, both = iter([1.0] * 8), iter([3.0] * 8)
    measured = measure(
        [Subject("ours", lambda count: next(both) * count)],
        Effort.least(seed=1),
        overhead=Subject("loop", lambda count: next(loops) * count),
    )
    assert measured.seconds == {"ours": [2.0, 2.0]}


def test_copies_within_one_repetition_are_counted():
    measured = measure([Subject("ours", lambda count: 10.0 * count, 5)], Effort.least(seed=1))
    assert measured.each("ours").median == 2.0
