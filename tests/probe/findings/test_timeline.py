"""A stretch of time is cut without gap or overlap, whatever lies over whatever."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from holdfast.probe.findings.timeline import Cause, Mark, Marks, Slice, exclusive, within

REST = Cause("worker")
OUTER, INNER, LOCK = Cause("middleware", "Outer"), Cause("view", "shop.view"), Cause("lock", "Lock")

times = st.integers(-5, 25).map(float)
marks = st.builds(
    Mark,
    times,
    times,
    st.integers(1, 4),
    st.sampled_from([OUTER, INNER, LOCK]),
)


@given(st.lists(marks, max_size=12))
def test_slices_follow_each_other_from_the_begin_to_the_end(given_marks: list[Mark]) -> None:
    slices = exclusive(0.0, 20.0, given_marks, REST)
    assert slices[0].begun == 0.0
    assert slices[-1].ended == 20.0
    for before, after in pairwise(slices):
        assert before.ended == after.begun
        assert before.cause != after.cause
    assert sum(one.seconds for one in slices) == 20.0


@given(st.lists(marks, max_size=12), st.integers(0, 19))
def test_each_moment_belongs_to_the_highest_and_then_to_the_innermost(
    given_marks: list[Mark], second: int
) -> None:
    moment = second + 0.5
    over = [mark for mark in given_marks if mark.begun < moment < mark.ended]
    (found,) = [
        one.cause
        for one in exclusive(0.0, 20.0, given_marks, REST)
        if one.begun < moment < one.ended
    ]
    if not over:
        assert found == REST
    else:
        best = max((mark.rank, max(mark.begun, 0.0)) for mark in over)
        assert found in {m.cause for m in over if (m.rank, max(m.begun, 0.0)) == best}


@given(st.lists(marks, max_size=12), times, times)
def test_marks_are_found_by_time(given_marks: list[Mark], begun: float, ended: float) -> None:
    found = list(Marks(given_marks).between(begun, ended))
    wanted = [m for m in given_marks if m.begun < ended and m.ended > begun]
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))


def test_of_slices_only_the_part_within_is_given() -> None:
    slices = [Slice(0, 2, REST), Slice(2, 5, LOCK), Slice(5, 9, INNER)]
    assert list(within(slices, 1, 6)) == [Slice(1, 2, REST), Slice(2, 5, LOCK), Slice(5, 6, INNER)]
    assert list(within(slices, 9, 12)) == []


def test_nothing_takes_no_time() -> None:
    assert exclusive(3.0, 3.0, [], REST) == []
