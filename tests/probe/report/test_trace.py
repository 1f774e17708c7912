"""The trace: as Perfetto and chrome://tracing read the Trace Event Format."""

import json
from collections import defaultdict

import pytest

from holdfast.probe.events import Span
from holdfast.probe.report.trace import written
from tests.probe.report.made import ZERO, report, serial

PHASES = {
    "M": {"args"},
    "X": {"ts", "dur", "cat"},
    "s": {"ts", "id", "cat"},
    "f": {"ts", "id", "cat", "bp"},
    "C": {"ts", "args"},
}


def events(runs):
    document = json.loads(written(runs))
    assert set(document) == {"traceEvents", "displayTimeUnit"}
    return document["traceEvents"]


def check(found):
    """What the viewers ask for; a slice that overlaps another one of its lane would be dropped."""
    names = {
        (one["pid"], one["tid"] if one["name"] == "thread_name" else None): one["args"]["name"]
        for one in found
        if one["name"] in {"thread_name", "process_name"}
    }
    lanes = defaultdict(list)
    flows = defaultdict(list)
    for one in found:
        assert PHASES[one["ph"]] <= set(one), one
        assert isinstance(one["pid"], int)
        assert isinstance(one["tid"], int)
        assert isinstance(one["name"], str)
        if one["ph"] != "M":
            assert isinstance(one["ts"], int)
            assert one["ts"] >= 0
        if one["ph"] == "X":
            assert one["dur"] >= 0
            lanes[one["pid"], one["tid"]].append(one)
        if one["ph"] in {"s", "f"}:
            flows[one["id"]].append(one)
    for lane, slices in lanes.items():
        assert lane in names
        assert (lane[0], None) in names
        stack = []
        for one in slices:
            while stack and stack[-1] <= one["ts"]:
                stack.pop()
            end = one["ts"] + one["dur"]
            assert not stack or end <= stack[-1], one
            stack.append(end)
    for pair in flows.values():
        assert [one["ph"] for one in pair] == ["s", "f"]
        assert pair[0]["ts"] <= pair[1]["ts"]
        assert pair[0]["name"] == pair[1]["name"]
        for one in pair:
            assert any(
                slice_["ts"] <= one["ts"] <= slice_["ts"] + slice_["dur"]
                for slice_ in lanes[one["pid"], one["tid"]]
            ), one
    return names


@pytest.mark.parametrize("users", [1, 10, 200])
def test_it_is_what_the_viewers_read(users):
    check(events(report(users, seconds=0.05).runs))


def test_users_and_processes_have_lanes_and_runs_stand_beside_each_other():
    names = check(events(report().runs))
    told = set(names.values())
    assert {"users: as it is", "users: without shared.middleware.ApiLogger"} <= told
    assert "gunicorn, process 4211: as it is" in told
    assert {"user 1", "user 10", "thread 2", "tasks (1)", "tasks (10)"} <= told
    begun = [one["ts"] for one in events(report().runs) if one.get("cat") == "request"]
    assert begun.count(0) == 2


def test_arrows_lead_from_users_to_where_they_are_served_and_from_who_let_go():
    found = events([serial(3)])
    flows = [one for one in found if one["ph"] == "s"]
    assert sum(one["name"] == "served" for one in flows) == 3
    assert sum(one["name"] == "let go" for one in flows) == 2


def test_what_does_not_nest_has_a_lane_of_its_own():
    run = serial(1)
    lane = run.served[0].lane
    at = ZERO + 0.2
    run.spans = [
        *run.spans,
        Span("", 4211, "database", "default", at, at + 0.5, "thread 2"),
        Span("", 4211, "database", "default", at + 0.3, at + 2, "thread 2"),
        Span("", 4211, "gc", "generation 2", at, at + 0.1, lane),
    ]
    names = check(events([run]))
    assert {"thread 2", "thread 2 (2)", "garbage collector"} <= set(names.values())


def test_what_anybody_may_have_called_something_is_text():
    run = serial(1, view='v"</script>\x00\ud800')
    assert any(one["name"] == 'v"</script>\x00\ud800' for one in events([run]))
