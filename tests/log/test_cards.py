"""Card numbers: what looking for them costs. What is found stands in test_redaction.py."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.log.cards import HIDDEN, without_cards
from tests.log.fuzzing import examples

CARD = "4111111111111111"
#: Lines of Python for each character of a text.
MOST_LINES = 40


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python *work* takes: as a clock would, on a machine with nothing else."""
    lines = 0

    def count(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("part", ["4 ", "4", "4444 ", "41-", "5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 x"])
def test_each_digit_costs_the_same_however_many_there_are(part: str):
    for size in (200, 2_000, 20_000):
        text = part * (size // len(part))
        assert lines_run(lambda text=text: without_cards(text)) < MOST_LINES * len(text) + 500


digits: Any = st.lists(st.sampled_from(["4", "41", "4111", "0", "12345", CARD]), max_size=40)


@examples(100)
@given(before=digits, after=digits, between=st.sampled_from([" ", "-", " - ", "."]))
def test_a_card_is_hidden_within_any_number_of_digits(
    before: list[str], after: list[str], between: str
):
    groups = ["4532", "0151", "1283", "0366"]
    shown = without_cards(between.join([*before, *groups, *after]))
    assert HIDDEN in shown
    assert between.join(groups) not in shown
