"""Every server, every way to end: exactly one event, with the right outcome and numbers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.log.servers import COLUMNS, KILLED_WHEN_LATE, Column, late, run, scenarios_of

# As many at once as a small machine bears: they mostly wait.
_AT_ONCE = 6

COMPLETE = {
    "normal": (200, 10),
    "async_normal": (200, 10),
    "left_after": (200, 10),
    "missing": (404, None),
    "redirect": (302, 0),
    "sync_stream": (200, 60_000),
    "async_stream": (200, 60_000),
    "upload": (200, 6),
    "refused": (413, 8),
}
# What a loaded machine may take from a process at any moment.
STALL_SECONDS = 1.0
# These take all of an answer, or an upload, by themselves: the application is never told.
BUFFERS_UPLOADS = {"tornado", "waitress", "daphne"}


@pytest.fixture(scope="module")
def columns(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Column]]]:
    """All servers that are asked for, each in its own processes, some at a time."""
    names = {
        item.callspec.params["name"]: None
        for item in request.session.items
        if item.module is request.module and "column" in getattr(item, "fixturenames", ())
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {name: pool.submit(run, COLUMNS[name]) for name in names}


def _parameters() -> list[object]:
    return [
        pytest.param(
            name,
            id=name,
            marks=[
                pytest.mark.xdist_group("request-log-servers"),
                *([pytest.mark.needs("uwsgi")] if "uwsgi" in server.packages else []),
            ],
        )
        for name, server in COLUMNS.items()
    ]


@pytest.fixture
def column(columns: dict[str, Future[Column]], name: str) -> Column:
    return columns[name].result(110)


every_server = pytest.mark.parametrize("name", _parameters())


@every_server
def test_each_request_has_exactly_one_event(column: Column, name: str):
    expected = set(scenarios_of(column.server))
    if name in BUFFERS_UPLOADS:
        expected.discard("upload_broken")
    counted = {scenario: len(column.of(scenario)) for scenario in expected}
    assert counted == dict.fromkeys(expected, 1), column.log[-2000:]
    assert len(column.events) == len(expected)


@every_server
def test_what_ended_well_says_so_with_the_right_numbers(column: Column):
    for scenario, (status, size) in COMPLETE.items():
        for event in column.of(scenario):
            seen = column.seen.get(scenario)
            assert event["outcome"] == "complete", event
            assert event["status"] == status
            assert size is None or event["bytes_out"] == size
            if seen is not None and seen.status:
                assert (seen.status, seen.size) == (status, event["bytes_out"])
                # The client may know of the last byte before the server does all that follows.
                assert event["seconds"] <= seen.seconds + STALL_SECONDS
                assert event["first_byte"] <= event["seconds"]
    [upload] = column.of("upload")
    assert upload["bytes_in"] == 300_000
    [refused] = column.of("refused")
    # Under ASGI Django has taken the whole upload before the view is asked.
    assert refused["bytes_in"] == (1000 if column.server.interface == "wsgi" else 1_000_000)


@every_server
def test_what_failed_says_so(column: Column):
    [view], [middleware] = column.of("view_error"), column.of("middleware_error")
    assert (view["outcome"], view["status"], view["exception"]) == ("error", 500, "RuntimeError")
    assert view["route"] == "view_error/<str:marker>/"
    assert "logged/urls.py" in view["raised_at"]
    assert (middleware["outcome"], middleware["exception"]) == ("error", "LookupError")
    [stream] = column.of("stream_error")
    assert (stream["outcome"], stream["exception"]) == ("error", "RuntimeError")


@every_server
def test_who_leaves_is_noticed(column: Column, name: str):
    for scenario in (
        *("left_before", "left_within", "async_left_before", "async_left_within"),
        "upload_broken",
    ):
        for event in column.of(scenario):
            buffered = name == "tornado" or (name == "waitress" and scenario == "left_before")
            assert event["outcome"] == ("complete" if buffered else "client_gone"), event
            if scenario.endswith("left_within") and not buffered:
                assert 0 < event["bytes_out"] < 80 * 20_000
            if scenario == "upload_broken":
                assert 0 < event["bytes_in"] < 300_000


@every_server
def test_the_event_tells_route_view_state_and_client(column: Column):
    [event] = column.of("normal")
    assert event["route"] == "normal/<str:marker>/"
    assert event["view"] == "logged.urls.normal"
    assert event["state"] == {"note": "1"}
    assert event["client"] == "127.0.0.1"
    assert event["seconds"] >= 0.05


@pytest.mark.xdist_group("request-log-servers")
def test_a_worker_that_is_killed_for_being_late_says_which_request_was_under_way():
    with ThreadPoolExecutor(len(KILLED_WHEN_LATE)) as pool:
        ends = list(pool.map(late, KILLED_WHEN_LATE))
    for name, (events, log) in zip(KILLED_WHEN_LATE, ends, strict=True):
        found = [(event["path"].split("/")[1], event["outcome"]) for event in events]
        assert len(found) == 2, (name, found, log[-2000:])
        assert found[0] == ("normal", "complete")
        assert found[1][0] in ("late", "async_late")
        assert found[1][1] == "time_out", name
