"""The example project's cases, as they usually are written, are found; its own code is clean."""

from functools import cache
from pathlib import Path

import pytest

from holdfast.doctor.analysis import analyse
from holdfast.doctor.findings import Finding

EXAMPLE = Path(__file__).resolve().parents[2] / "example"

#: Each case of the example's README, its files in `before/`, and the classes to be found there.
CASES = {
    "the lost cache": ({"label_cache.py"}, {"S3"}),
    "who am I serving": ({"user_log.py", "basket_wsgi.py", "basket_asgi.py"}, {"S3", "S5"}),
    "the global request": ({"request_stack.py"}, {"S5"}),
    "the two views": ({"announcements.py"}, {"S2"}),
    "the API log": ({"api_logger.py"}, {"S1", "S4", "S6", "S7"}),
    "the stale page": ({"reading.py"}, {"S10"}),
}


@cache
def findings() -> list[Finding]:
    return [one for one in analyse([EXAMPLE], EXAMPLE) if one.severity != "info"]


@pytest.mark.parametrize("case", CASES)
def test_finds_each_case_with_its_class(case: str) -> None:
    files, classes = CASES[case]
    found = {one.class_ for one in findings() if one.path in {f"before/{name}" for name in files}}
    assert found == classes


def test_finds_something_in_each_file_of_a_case() -> None:
    with_findings = {one.path.removeprefix("before/") for one in findings()}
    assert {name for files, _ in CASES.values() for name in files} <= with_findings


def test_finds_nothing_in_the_code_that_came_after() -> None:
    assert [one for one in findings() if not one.path.startswith("before/")] == []
