"""What counts as right in the garden: the culprit first, and proved."""

from typing import Any

import pytest

from tests.probe.garden.judging import judged
from tests.probe.garden.plots import Blame, Plot
from tests.probe.garden.table import page

FAULT = Plot(
    "lock",
    "a lock",
    "waitress",
    (),
    "/",
    Blame(("lock",), ("_printer",), ("locks.py: _printer = ",)),
)
HEALTHY = Plot("well", "nobody waits", "waitress", (), "/")
PLACE = next(iter(FAULT.blame.places())) if FAULT.blame else ""


def finding(**values: Any) -> dict[str, Any]:
    proof = {"before": 2.0, "after": 0.2}
    return {
        "code": "lock",
        "culprit": "shop.locks._printer",
        "place": "",
        "proved": True,
        "proof": proof,
        **values,
    }


OTHER = finding(code="worker", culprit="waitress: 4 at a time")


@pytest.mark.parametrize(
    ("findings", "right"),
    [
        ([finding()], True),
        ([finding(culprit="threading.Lock", place=f"/home/me/{PLACE}")], True),
        ([finding(), OTHER], True),
        ([finding(proved=False), finding()], True),
        ([], False),
        ([finding(proved=False)], False),
        ([OTHER, finding()], False),
        ([finding(code="pool")], False),
        ([finding(culprit="threading.Lock", place="shop/locks.py:1")], False),
    ],
)
def test_the_planted_one_is_right_if_it_is_proved_and_first(findings, *, right: bool) -> None:
    verdict = judged(FAULT, {"findings": findings}, 1.0)
    assert verdict.right is right
    if right:
        assert (verdict.before, verdict.after) == (2.0, 0.2)


@pytest.mark.parametrize(
    ("findings", "right"), [([], True), ([finding(proved=False)], True), ([finding()], False)]
)
def test_where_all_is_well_nothing_may_be_proved(findings, *, right: bool) -> None:
    assert judged(HEALTHY, {"findings": findings}, 1.0).right is right


def test_the_page_counts_them_and_shows_what_was_wrong() -> None:
    text = page(
        [
            judged(FAULT, {"findings": [finding()]}, 7.0),
            judged(FAULT, {"findings": [OTHER]}, 9.0),
            judged(HEALTHY, {"findings": []}, 3.0),
        ],
        load=3.0,
    )
    assert "Named rightly: 1 of 2, under 1 servers. Silent on healthy set-ups: 1 of 1." in text
    assert "2.00 s → 0.20 s" in text
    assert "cores that 3 processes wanted at a time" in text
    assert "**wrong**: worker: waitress: 4 at a time" in text
