"""The report in the terminal."""

import re
from dataclasses import replace

import pytest

from holdfast.probe.events import Span
from holdfast.probe.findings.ideal import ideal_of
from holdfast.probe.report.bars import rows_of
from holdfast.probe.report.gantt import gantt
from holdfast.probe.report.looks import LOOKS, as_seconds, short
from holdfast.probe.report.report import Report
from holdfast.probe.report.text import lines
from tests.probe.report.made import (
    LOGGER,
    SLEEP,
    ZERO,
    finding,
    report,
    request,
    serial,
    side_by_side,
)


def plain(made):
    return ["".join(text for text, _ in line) for line in made]


def bars(told):
    """The drawn part of the lines of the first run."""
    return [line[11:58] for line in told if re.match(r" +user +\d+ [VMsw|]{2}", line)][:10]


def test_ten_users_one_after_another_are_a_staircase_within_80_columns():
    told = plain(lines(report(), 80))
    assert all(len(line) <= 80 for line in told)
    assert all(line.isascii() for line in told)
    steps = [line.index("V") for line in bars(told)]
    assert steps == sorted(set(steps))
    assert all(set(line[:step]) <= {"s", "|"} for line, step in zip(bars(told), steps, strict=True))


def test_each_tells_behind_whom_it_waited():
    told = plain(gantt([serial()], 1.0))
    assert any("user 2 " in line and "behind user 1" in line for line in told)
    assert any("user 10 " in line and "behind user 9" in line for line in told)


def test_a_user_s_whole_number_is_told():
    told = plain(lines(report(12), 80))
    assert any("user 12 " in line and line.endswith("behind user 11") for line in told)
    assert max(map(len, told)) <= 80


def test_the_ideal_is_a_line_through_all_that_wait():
    places = {line.index("|") for line in bars(plain(lines(report(), 80)))[1:]}
    assert len(places) == 1


def test_two_runs_have_one_scale_of_time():
    told = plain(gantt(report().runs, 1.0, 80))
    scales = [line for line in told if line.strip().startswith("0 s")]
    assert len(scales) == 2
    assert scales[0] == scales[1]


def test_a_run_in_which_all_are_alike_takes_one_line():
    told = plain(gantt([serial(), side_by_side()], 1.0))
    assert sum(line.strip().startswith("10 users ") for line in told) == 1


def test_a_thousand_users_share_twenty_lines_that_still_show_who_is_served():
    told = plain(lines(report(1000, seconds=0.01), 80))
    rows = [line for line in told if "-" in line[:11] and "each" in line]
    assert len([line for line in rows if line[:11].strip()[0].isdigit()]) <= 40
    first_run = rows[:20]
    steps = [line.index("V") for line in first_run]
    assert steps == sorted(steps)
    assert steps[-1] > steps[0] + 30
    assert all(len(line) <= 80 for line in told)


def test_with_colours_work_is_broad_and_waiting_thin_in_the_colour_of_its_cause():
    pieces = [piece for line in gantt([serial()], 1.0, 80, colours=True) for piece in line]
    looks = {style: text for text, style in pieces if style.startswith("#")}
    assert set(looks[LOOKS["view"].colour].strip()) == {"\N{FULL BLOCK}"}
    thin = looks[LOOKS["thread-sensitive"].colour]
    assert "\N{BOX DRAWINGS HEAVY HORIZONTAL}" in thin
    assert not any(set(text) <= set("VsM") and text for text, style in pieces if style[:1] == "#")


def test_the_legend_has_what_is_drawn_and_how_much_it_was():
    last = " ".join(plain(gantt([serial()], 1.0, 80))[-2:])
    assert "s waited for the one thread of sync code 82%" in last
    assert "V in the view 18%" in last
    assert "| at best" in last


def test_findings_say_who_is_to_blame_and_how_sure_it_is():
    doubted = finding(proved=False, culprit="site.views.other", code="lock")
    told = plain(lines(report(findings=[finding(), doubted]), 80))
    assert f" 1. thread-sensitive  {LOGGER}  shared/middleware.py:12" in told
    assert any(line.startswith(" 2. lock") and "not proved" in line for line in told)
    assert any("Mend: Make the middleware async" in line for line in told)


def test_a_run_as_good_as_it_can_be_says_so():
    run = side_by_side()
    told = plain(lines(Report(["gunicorn"], [run], ideal_of(run, 4)), 80))
    assert told[:2] == [
        f"10 users: {as_seconds(run.wall)}, at best 1.00 s. 9.9 of them were served at a time.",
        "Nothing found: nobody was in another's way.",
    ]


def test_a_machine_that_was_busy_with_others_is_told_of():
    run = serial()
    run.loads = [replace(one, starved=0.05) for one in run.loads]
    told = " ".join(plain(lines(Report(["gunicorn"], [run], ideal_of(run, 4)), 80)))
    assert "The machine kept the server from its processors for 5.0" in told
    run = serial(3)
    run.loads = [replace(one, starved=0.1) for one in run.loads]
    told = " ".join(plain(lines(Report(["gunicorn"], [run], ideal_of(run, 4)), 80)))
    assert "Nothing can be said: the server had too little of this machine." in told


def test_where_nobody_was_served_it_says_so_and_draws_nothing():
    run = serial(0)
    assert plain(lines(Report(["gunicorn"], [run], ideal_of(run, 4)), 80)) == [
        "No user got to ask anything.",
        "",
    ]


def locked(run, holder):
    """The same run, with a lock in place of the thread."""
    run.spans = [
        replace(
            one, kind="lock", name="site.lock", place="site/views.py:3", holder=holder, detail={}
        )
        if one.kind == "thread"
        else one
        for one in run.spans
    ]
    return {row.user: row.bars[0] for row in rows_of(run)}


def test_who_waits_for_a_lock_is_behind_its_holder_or_who_got_it_since():
    bars = locked(serial(3), request(0))
    assert {piece.cause for piece in bars[1].pieces} >= {"lock", "view"}
    assert bars[1].behind == request(0)
    assert bars[2].behind == request(1)


def test_a_wait_that_the_collector_cut_in_two_is_one_for_who_let_it_go():
    run = serial(8)
    run.spans = [*run.spans, Span("", 4211, "gc", "generation 2", ZERO + 5.2, ZERO + 5.3)]
    bars = locked(run, request(0))
    assert [bars[user].behind for user in range(1, 8)] == [request(user) for user in range(7)]


def test_locks_of_two_processes_are_two_though_they_have_one_name():
    one, other = locked(serial(4), ""), serial(4)
    assert one[3].behind == request(2)
    other.spans = [
        replace(span, pid=4211 + int(span.request[-3]) % 2, kind="lock", name="site.lock",
                holder="", detail={"kind": "threading.Lock"})
        if span.kind == "thread" else span for span in other.spans
    ]  # fmt: skip
    behind = {row.user: row.bars[0].behind for row in rows_of(other)}
    assert behind[3] == request(1)
    other.spans = [
        replace(span, detail={"kind": "fcntl.flock"}) if span.kind == "lock" else span
        for span in other.spans
    ]
    behind = {row.user: row.bars[0].behind for row in rows_of(other)}
    assert behind[3] == request(2)


def test_nobody_waits_behind_himself():
    run = serial(3)
    run.spans = [
        replace(one, kind="pool", name="redis", holder=one.request, detail={})
        if one.kind == "thread"
        else one
        for one in run.spans
    ]
    assert all(row.bars[0].behind != request(row.user) for row in rows_of(run))


def test_what_no_observer_has_seen_is_put_down_to_nobody():
    run = serial(2)
    run.served = []
    bars = [row.bars[0] for row in rows_of(run)]
    assert [[piece.cause for piece in bar.pieces] for bar in bars] == [["unknown"], ["unknown"]]
    assert not any(bar.waited for bar in bars)
    run.together = [replace(one, status=0, error="refused") for one in run.together]
    (first, _) = (row.bars[0] for row in rows_of(run))
    assert first.failed
    assert {piece.cause for piece in first.pieces} == {"worker"}


def test_who_waits_for_a_thread_is_behind_the_one_that_ran_in_it():
    run = serial(3)
    run.spans = [
        replace(one, holder="", detail={"executor": "site.pool", "ran": SLEEP})
        if one.kind == "thread"
        else one
        for one in run.spans
    ]
    bars = {row.user: row.bars[0] for row in rows_of(run)}
    assert [bars[user].behind for user in range(3)] == ["", request(0), request(1)]
    assert "executor" in {piece.cause for piece in bars[2].pieces}


def test_paths_are_told_from_here_on_and_packages_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short(f"user 1, at {tmp_path}/shop/views.py:7 view") == "user 1, at shop/views.py:7 view"
    assert short("/home/me/v/lib/python3.13/site-packages/a/b.py:1 f") == "a/b.py:1 f"
    assert short("/usr/lib/python3.13/threading.py:9 g") == "python3.13/threading.py:9 g"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0 ms"), (0.0854, "85 ms"), (0.9996, "1.00 s"), (10.14, "10.1 s"), (1234.5, "1,234 s")],
)
def test_times_have_three_digits(seconds, told):
    assert as_seconds(seconds) == told


def test_every_colour_can_be_read_on_white_and_on_black():
    def light(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        parts = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
        return sum(one * part for one, part in zip(parts, (0.2126, 0.7152, 0.0722), strict=True))

    for look in LOOKS.values():
        assert 1.05 / (light(look.colour) + 0.05) >= 3, look
        assert (light(look.colour) + 0.05) / (light("#191d22") + 0.05) >= 2.9, look
    letters = [look.letter for look in LOOKS.values()]
    assert len(set(letters)) == len(letters)
    assert all(look.letter.islower() == look.waits for look in LOOKS.values())
