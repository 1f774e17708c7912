"""Each rule finds what it is for, and leaves alone what only looks like it."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from holdfast.doctor.analysis import analyse
from holdfast.doctor.findings import CONFIDENCES, SEVERITIES, Finding
from holdfast.doctor.rules import Rule, all_rules

from .rules_page import PAGE, page

FIXTURES = Path(__file__).parent / "fixtures"
CODES = [rule.code for rule in all_rules()]
RULES = {rule.code: rule for rule in all_rules()}
CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
_EXPECTED = re.compile(r"# finds: (.*)$", re.MULTILINE)
ENOUGH = 10


def cases(code: str) -> Iterator[Path]:
    """Files, and folders that are a project each."""
    for place in sorted((FIXTURES / code).iterdir()):
        if place.name != "__pycache__":
            yield place


@cache
def findings_in(case: Path) -> list[Finding]:
    return analyse([case], FIXTURES)


def files(case: Path) -> list[Path]:
    return sorted(case.rglob("*.py")) if case.is_dir() else [case]


def expected(case: Path) -> set[tuple[str, int, str]]:
    """What the comments in a case say: path, line and code."""
    return {
        (str(path.relative_to(FIXTURES)), number, code)
        for path in files(case)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := _EXPECTED.search(line))
        for code in found[1].split()
    }


@pytest.mark.parametrize("code", CODES)
def test_finds_what_the_comments_say_and_nothing_else(code: str) -> None:
    wrong = {}
    for case in cases(code):
        found = {
            (finding.path, finding.line, finding.code)
            for finding in findings_in(case)
            if finding.severity != "info" or code.startswith("H")
        }
        if found != (wanted := expected(case)):
            wrong[case.name] = {"missed": wanted - found, "found besides": found - wanted}
    assert not wrong


@pytest.mark.parametrize("code", CODES)
def test_has_files_that_must_fire_and_files_that_must_not(code: str) -> None:
    fires = [any(one == code for _, _, one in expected(case)) for case in cases(code)]
    assert fires.count(True) >= ENOUGH
    assert fires.count(False) >= ENOUGH


@pytest.mark.parametrize("code", CODES)
def test_says_what_is_wrong_and_what_to_do(code: str) -> None:
    for case in cases(code):
        for finding in findings_in(case):
            assert finding.message.endswith(".")
            assert finding.mend.endswith(".")
            assert "  " not in finding.message + finding.mend
            assert finding.attribute
            assert finding.severity in SEVERITIES
            assert finding.confidence in CONFIDENCES


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_its_wrong_example_is_found_and_its_right_one_is_silent(rule: Rule, tmp_path: Path) -> None:
    def codes(text: str) -> set[str]:
        (tmp_path / "shop.py").write_text(text)
        return {finding.code for finding in analyse([tmp_path], tmp_path)}

    assert rule.code in codes(rule.wrong)
    assert rule.code not in codes(rule.right)


def test_there_are_fixtures_for_each_code_and_for_no_other() -> None:
    assert sorted(place.name for place in FIXTURES.iterdir() if place.is_dir()) == sorted(CODES)


def test_the_page_says_what_the_rules_say() -> None:
    assert PAGE.read_text() == page(), "run `python -m tests.doctor.rules_page`"


def test_the_changelog_names_each_code() -> None:
    named = re.search(r"The doctor's rules: (.*?)\.\n", CHANGELOG.read_text(), re.DOTALL)
    assert named is not None
    assert re.findall(r"`([A-Z]+\d+[a-z])`", named[1]) == CODES


def test_the_judgements_add_up() -> None:
    text = (PAGE.parent / "judged.md").read_text()
    judged = re.findall(r"^\| [^|]+ \| (\w+) \| `[^`]+` \| (\w+) \|", text, re.MULTILINE)
    assert {code for code, _ in judged} <= set(CODES)
    for verdict in ("true", "arguable", "false"):
        said = re.search(rf"^\| {verdict} \| (\d+) \|", text, re.MULTILINE)
        assert said is not None
        assert int(said[1]) == sum(1 for _, one in judged if one == verdict)
