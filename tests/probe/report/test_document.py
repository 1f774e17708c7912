"""`--json`, and what an earlier one says beside it."""

import json
from dataclasses import replace

import pytest

from holdfast.probe.findings.ideal import ideal_of
from holdfast.probe.report.compare import NotComparableError, compared, read
from holdfast.probe.report.document import as_data, written
from holdfast.probe.report.report import Report
from holdfast.probe.run import Crossed
from tests.probe.report.made import LOGGER, finding, report, request, serial, side_by_side


def of(run, findings=()):
    return json.loads(written(Report(["gunicorn"], [run], ideal_of(run, 4), list(findings))))


def slower(run, by):
    """The same run, all times *by* times as long, alone too."""

    def longer(one):
        return replace(one, done=one.sent + one.seconds * by)

    changed = serial(0)
    for name in ("name", "users", "spans", "served", "loads"):
        setattr(changed, name, getattr(run, name))
    changed.alone = [longer(one) for one in run.alone]
    changed.together = [longer(one) for one in run.together]
    return changed


def test_a_program_finds_what_people_are_told():
    data = json.loads(written(report()))
    assert (data["tool"], data["version"]) == ("holdfast probe", 1)
    assert data["users"] == 10
    assert data["wall"] == pytest.approx(10.0, abs=0.1)
    assert data["ideal"] == pytest.approx(1.0, abs=0.01)
    assert not data["reached"]
    (found,) = data["findings"]
    assert (found["code"], found["culprit"], found["proved"]) == ("thread-sensitive", LOGGER, True)
    assert found["proof"]["before"] > 9
    assert found["proof"]["after"] < 2
    assert found["proof"]["change"]["without_middleware"] == [LOGGER]
    assert [run["name"] for run in data["runs"]] == ["as it is", f"without {LOGGER}"]


def test_each_request_says_where_its_time_went_and_behind_whom():
    data = as_data(report())
    last = next(one for one in data["runs"][0]["requests"] if one["user"] == 9)
    assert last["behind"] == request(8)
    assert sum(last["causes"].values()) == pytest.approx(last["seconds"], abs=1e-4)
    assert last["causes"]["thread-sensitive"] == pytest.approx(9.0, abs=0.05)
    (path,) = data["runs"][0]["paths"].values()
    assert path["statuses"] == {"200": 10}
    assert path["median"] == pytest.approx(5.5, abs=0.1)


def test_what_crossed_is_in_it():
    run = serial(2)
    run.crossed = [Crossed("header", request(0), request(1), "body of the answer", "…")]
    assert of(run)["runs"][0]["crossed"][0]["owner"] == request(0)


def test_two_runs_of_the_same_are_as_before():
    found = compared(of(serial()), of(slower(serial(), 1.05)))
    assert not found.worse
    assert not found.differences
    assert "As before" in "".join(text for text, _ in next(iter(found.lines())))


def test_who_waits_longer_for_others_is_worse_and_the_other_way_round_better():
    good, bad = of(side_by_side()), of(serial())
    worse = compared(good, bad)
    assert worse.worse
    assert all(one.worse for one in worse.differences)
    better = compared(bad, good)
    assert better.differences
    assert not better.worse
    assert any("all users" in one.what for one in better.differences)


def test_a_new_finding_is_worse_but_not_one_that_is_only_suspected():
    before, doubted = of(serial()), of(serial(), [finding(proved=False)])
    assert not compared(before, doubted).worse
    found = compared(before, of(serial(), [finding()]))
    assert found.worse
    assert found.differences[0].what.startswith("new: thread-sensitive")
    assert found.as_data()["differences"][0]["worse"] is True
    assert not compared(of(serial(), [finding()]), before).worse


def test_requests_that_fail_now_are_worse():
    run = side_by_side()
    run.together = [
        replace(one, status=500) if one.user == 3 else one for one in run.together
    ]  # fmt: skip
    found = compared(of(side_by_side()), of(run))
    assert found.worse
    assert "0 of 10 failed before, 1 of 10 now" in found.differences[0].what


def test_a_path_that_has_become_slower_by_itself_is_told():
    found = compared(of(side_by_side()), of(slower(side_by_side(), 2)))
    assert found.worse
    assert any("alone: 1.00 s before, 2.00 s now" in one.what for one in found.differences)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON document"),
        pytest.param("[" * 100_000, "is no JSON document", id="deep"),
        ("[]", "was not written by `holdfast probe --json`"),
        ('{"tool": "holdfast probe", "version": 99}', "has version 99"),
    ],
)
def test_what_can_not_be_compared_says_why(tmp_path, content, said):
    file = tmp_path / "earlier.json"
    file.write_text(content)
    with pytest.raises(NotComparableError, match=said):
        read(file)


def test_a_document_that_is_not_there_or_lacks_something_says_so(tmp_path):
    with pytest.raises(NotComparableError, match="can't be read"):
        read(tmp_path / "nowhere.json")
    lacking = of(serial())
    del lacking["runs"][0]["paths"]
    with pytest.raises(NotComparableError, match="lacks something"):
        compared(lacking, of(serial()))


@pytest.mark.parametrize(
    ("name", "value"), [("statuses", {"abc": 1}), ("requests", 0), ("median", "soon")]
)
def test_a_document_with_other_values_than_the_probe_writes_says_so(name, value):
    broken = of(serial())
    for path in broken["runs"][0]["paths"].values():
        path[name] = value
    with pytest.raises(NotComparableError, match="make it anew"):
        compared(broken, of(serial()))


def test_other_users_or_other_paths_say_nothing_about_each_other():
    with pytest.raises(NotComparableError, match="--users 10, and this one 5"):
        compared(of(serial()), of(serial(5)))
    with pytest.raises(NotComparableError, match="different paths"):
        compared(of(serial()), of(serial(path="/other/")))


def test_what_was_written_can_be_read_again(tmp_path):
    file = tmp_path / "earlier.json"
    file.write_text(written(report()))
    assert not compared(read(file), as_data(report())).differences
