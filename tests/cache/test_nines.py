"""What a sample says of the whole."""

import math

import pytest

from holdfast.cache.nines import nines, worst_share


@pytest.mark.parametrize("compared", [100, 10_000, 1_000_000])
def test_none_wrong_is_the_rule_of_three(compared: int) -> None:
    assert worst_share(0, compared) == pytest.approx(3 / compared, rel=0.02)


def test_wrong_ones_are_bound_as_clopper_and_pearson_have_it() -> None:
    # One-sided, 95 %: from tables.
    assert worst_share(1, 10) == pytest.approx(0.3942, abs=1e-4)
    assert worst_share(5, 100) == pytest.approx(0.1023, abs=1e-4)
    assert worst_share(10, 1000) == pytest.approx(0.01689, abs=1e-4)


def test_what_nothing_is_known_of_may_be_all_wrong() -> None:
    assert worst_share(0, 0) == 1.0
    assert worst_share(3, 3) == 1.0
    assert worst_share(100, 200) < 0.6


def test_nines_count_digits() -> None:
    assert nines(0.001) == pytest.approx(3)
    assert nines(1.0) == 0
    assert nines(0.0) == math.inf
