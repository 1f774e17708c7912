"""What the watch has seen, on the probe's page."""

import sys

from holdfast.cli import main
from holdfast.probe.report.page.whole import written
from holdfast.probe.report.watched import report_of
from holdfast.probe.run import Crossed
from holdfast.watch.crossings import Access, Crossing, Kind
from tests.probe.report.made import request, side_by_side

#: As if the site had it.
CODE = compile("def timing():\n    pass\n", "/site/shop/middleware.py", "exec").co_consts[0]


def crossing(kind, name="started"):
    stack = ((CODE, 7),)
    read = Access("request 2 (GET /b/)", stack)
    wrote = Access("request 1 (GET /a/)", stack)
    return Crossing(kind, "shop.middleware.Timing", name, "<17>", read, wrote, 3).as_dict()


def test_bugs_are_findings_and_what_may_be_on_purpose_is_a_note():
    found = [crossing(Kind.LOST), crossing(Kind.SHARED, "seen")]
    report = report_of(["gunicorn"], None, found)
    (bug,) = report.findings
    assert (bug.code, bug.culprit) == ("lost write", "shop.middleware.Timing.started")
    assert bug.place == "/site/shop/middleware.py:7"
    assert "It was seen 3 times." in bug.sentence
    assert [line for line in bug.evidence if line.endswith("/middleware.py:7 in timing")]
    assert "shop.middleware.Timing.seen" in report.notes[0]
    page = written(report)
    assert "1 bug: state went from one request to another." in page
    assert "&lt;17&gt;" in page
    assert "holdfast.worker_state" in page


def test_what_users_got_to_see_of_each_other_stands_behind_who_wrote_and_read_it():
    run = side_by_side()
    run.crossed = [Crossed("query", request(0), request(1), "log", "...", "shop/views.py:3")]
    report = report_of(["gunicorn"], run, [crossing(Kind.LEAK)])
    assert [one.code for one in report.findings] == ["leak", "crossed"]
    page = written(report)
    assert "user 1" in page
    assert 'id="stage"' in page


def test_the_command_writes_a_page_also_where_nothing_was_found(tmp_path, capsys):
    file = tmp_path / "page.html"
    command = ["watch", "--html", str(file), "--", sys.executable, "-c", "pass"]
    # No request was seen: that none went wrong proves nothing.
    assert main(command) == 2
    assert "Nothing went from one request to another." in file.read_text("utf-8")
    capsys.readouterr()
    command[2] = str(tmp_path / "nowhere" / "page.html")
    assert main(command) == 2
    assert "nowhere/page.html" in capsys.readouterr().err
