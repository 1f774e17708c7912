"""The baseline: findings of old are left out, new ones are told."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.doctor import baseline
from holdfast.doctor.findings import Finding

FILE = "holdfast-baseline.json"


@pytest.fixture
def shop(sick):
    return sick.root / "shop/middleware.py"


def test_what_was_there_is_left_out_and_what_is_new_is_told(sick, doctor, codes):
    status, output, _ = doctor("--write-baseline")
    assert (status, output.startswith("1 finding written to ")) == (0, True)
    assert doctor("--baseline", FILE)[0] == 0
    shop = (sick.root / "shop/middleware.py").read_text()
    sick.put("shop/other.py", shop.replace("Timing", "Other"))
    assert codes("--baseline", FILE) == [("S1a", 9)]


def test_a_finding_that_moves_stays_the_same(shop, doctor):
    doctor("--write-baseline")
    shop.write_text("import os\n\n\nx = 1\n" + shop.read_text())
    assert doctor("--baseline", FILE)[0] == 0
    shop.write_text(shop.read_text().replace("self.started = ", "self.started  =  "))
    assert doctor("--baseline", FILE)[0] == 0, "spaces say nothing"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("self.started = time.monotonic()", "self.started = time.time()"),
        ("class Timing", "class Slowness"),
        ("self.started", "self.began"),
    ],
)
def test_a_finding_that_changes_is_a_new_one(shop, doctor, before, after):
    doctor("--write-baseline")
    shop.write_text(shop.read_text().replace(before, after))
    status, output, _ = doctor("--baseline", FILE)
    assert status == 1
    assert "1 finding of the baseline can't be found any more" in output


def test_findings_that_are_alike_are_counted(tmp_path):
    one = Finding("S1a", "a.py", 3, 1, 3, "View.get", "x", "error", "high", "m", "m", "x = 1")
    file = tmp_path / "old.json"
    assert baseline.write(file, [one, replace(one, line=9)], tmp_path) == 2
    known = baseline.read(file)
    alike = [replace(one, line=line) for line in (5, 6, 7)]
    assert baseline.new_ones(alike, known, tmp_path, file) == ([alike[2]], 0)
    assert baseline.new_ones(alike[:1], known, tmp_path, file) == ([], 1)


def test_it_means_the_same_from_everywhere(sick, doctor, monkeypatch, tmp_path):
    doctor("--write-baseline", "old.json")
    monkeypatch.chdir(tmp_path)
    assert doctor("project", "--baseline", "project/old.json")[0] == 0
    assert doctor("project/shop", "--baseline", "project/old.json")[0] == 0


def test_it_is_a_file_that_can_be_reviewed(shop, doctor):
    doctor("--write-baseline")
    assert json.loads(Path(FILE).read_text()) == {
        "version": 1,
        "findings": [
            {
                "path": "shop/middleware.py",
                "code": "S1a",
                "symbol": "Timing.process_request",
                "attribute": "self.started",
                "text": "self.started = time.monotonic()",
            }
        ],
    }


def test_the_configured_one_is_read_and_written(sick, doctor):
    sick.put("pyproject.toml", '[tool.holdfast.doctor]\nbaseline = "ci/old.json"\n')
    status, _, errors = doctor()
    assert status == 2
    assert "There is no baseline " in errors
    assert "Write it with --write-baseline." in errors
    sick.put("ci/.keep", "")
    assert doctor("--write-baseline")[0] == 0
    assert doctor()[0] == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"version": 2, "findings": []}',
        '{"version": 1}',
        '{"version": 1, "findings": [{"path": "x"}]}',
        '{"version": 1, "findings": [1]}',
        '{"version": 1, "findings": 5}',
    ],
)
def test_what_is_no_baseline_is_said(sick, doctor, content):
    sick.put("old.json", content)
    status, output, errors = doctor("--baseline", "old.json")
    assert (status, output) == (2, "")
    assert "is no baseline" in errors
    assert "Write it anew with --write-baseline." in errors


def test_where_it_can_not_be_written_is_said(sick, doctor):
    status, _, errors = doctor("--write-baseline", "no/where.json")
    assert status == 2
    assert "no/where.json can't be written: No such file or directory." in errors
