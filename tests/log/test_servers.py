"""Every server, every way to end: exactly one event, with the right outcome and numbers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.log.scenarios import CLIENT_GONE, COMPLETE, ERROR, TIME_OUT, rows_of, told
from tests.log.servers import COLUMNS, KILLED_WHEN_LATE, Column, closing, late, run, stopped
from tests.log.times import KINDS, WITHIN_SECONDS

# As many at once as a small machine bears: they mostly wait.
_AT_ONCE = 4
# What a loaded machine may take from a process at any moment.
STALL_SECONDS = 1.0


class Columns:
    """Runs the servers that are asked for, and the next ones meanwhile."""

    def __init__(self, names: list[str], pool: ThreadPoolExecutor) -> None:
        self._names = names
        self._pool = pool
        self._begun: dict[str, Future[Column]] = {}

    def of(self, name: str) -> Column:
        at = self._names.index(name)
        for each in self._names[at : at + _AT_ONCE]:
            if each not in self._begun:
                self._begun[each] = self._pool.submit(run, COLUMNS[each])
        return self._begun[name].result(110)


@pytest.fixture(scope="module")
def columns(request: pytest.FixtureRequest) -> Iterator[Columns]:
    names = {
        item.callspec.params["column"]: None
        for item in request.session.items
        if item.module is request.module and "column" in getattr(item, "fixturenames", ())
    }
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield Columns(list(names), pool)


def _parameter(name: str) -> Any:
    marks = [pytest.mark.needs("uwsgi")] if "uwsgi" in COLUMNS[name].packages else []
    return pytest.param(name, id=name, marks=marks)


# Of the module, so that all tests of a server stand together, and run in one process of xdist.
@pytest.fixture(scope="module", params=[_parameter(name) for name in COLUMNS])
def column(request: pytest.FixtureRequest, columns: Columns) -> Column:
    return columns.of(request.param)


def test_each_request_has_exactly_one_event_with_the_right_outcome(column: Column):
    rows = rows_of(column.server)
    outcomes = {row.name: [event["outcome"] for event in column.of(row.name)] for row in rows}
    assert outcomes == {row.name: [told(column.server, row)] for row in rows}, column.log[-2000:]
    timed = sum(len(column.of(kind)) for kind in KINDS)
    assert len(column.events) == len(rows) + timed
    assert len({event["request_id"] for event in column.events}) == len(column.events)


def test_what_ended_well_has_the_right_numbers(column: Column):
    for row in rows_of(column.server):
        if row.outcome != COMPLETE:
            continue
        [event] = column.of(row.name)
        assert event["status"] == row.status
        assert row.size is None or event["bytes_out"] == row.size
        assert event["first_byte"] <= event["seconds"]
        seen = column.seen.get(row.name)
        if seen is not None and seen.status:
            assert (seen.status, seen.size) == (row.status, event["bytes_out"])
    [upload] = column.of("upload")
    assert upload["bytes_in"] == 300_000
    [refused] = column.of("refused")
    # Under ASGI Django has taken the whole upload before the view is asked.
    assert refused["bytes_in"] == (1000 if column.server.interface == "wsgi" else 1_000_000)


def test_times_are_those_that_the_client_saw(column: Column):
    # Where processes wait for the processor, both clocks are right and differ.
    within = STALL_SECONDS if column.times.busy else WITHIN_SECONDS
    for kind in KINDS:
        assert column.times.best(kind) <= within, column.times.off


def test_what_failed_says_so(column: Column):
    [view], [middleware] = column.of("view_error"), column.of("middleware_error")
    assert (view["outcome"], view["status"], view["exception"]) == (ERROR, 500, "RuntimeError")
    assert view["route"] == "view_error/<str:marker>/"
    assert "logged/urls.py" in view["raised_at"]
    assert (middleware["outcome"], middleware["exception"]) == (ERROR, "LookupError")
    [stream] = column.of("stream_error")
    assert (stream["outcome"], stream["exception"]) == (ERROR, "RuntimeError")


def test_who_leaves_has_got_and_sent_only_so_much(column: Column):
    for row in rows_of(column.server):
        if told(column.server, row) != CLIENT_GONE:
            continue
        [event] = column.of(row.name)
        if row.name.endswith("left_within"):
            assert 0 < event["bytes_out"] < 500 * 20_000
        if row.name == "upload_broken":
            assert event["bytes_in"] <= 100_000


def test_the_event_tells_route_view_state_and_client(column: Column):
    [event] = column.of("normal")
    assert event["route"] == "normal/<str:marker>/"
    assert event["view"] == "logged.urls.normal"
    assert event["state"] == {"note": "1"}
    assert event["client"] == "127.0.0.1"
    assert event["seconds"] >= 0.05


# Those that end in ways of their own: with atexit and without, by a signal that nobody minds, as
# children of multiprocessing. uWSGI runs nothing at the end of a worker that is async.
STOPPED = ["sync", "gevent", "waitress", "granian-wsgi", "granian-asgi", "eventlet", "uvicorn"]


def test_what_came_just_before_a_worker_is_stopped_is_written():
    with ThreadPoolExecutor(len(STOPPED)) as pool:
        found = dict(zip(STOPPED, pool.map(stopped, STOPPED), strict=True))
    sent = [f"/redirect/{number}/" for number in range(3)]
    assert found == {name: sent for name in STOPPED}  # noqa: C420 - lists differ from each other


def test_a_worker_that_is_killed_for_being_late_says_which_request_was_under_way():
    with ThreadPoolExecutor(len(KILLED_WHEN_LATE)) as pool:
        ends = list(pool.map(late, KILLED_WHEN_LATE))
    for name, (events, log) in zip(KILLED_WHEN_LATE, ends, strict=True):
        found = [(event["path"].split("/")[1], event["outcome"]) for event in events]
        assert len(found) == 2, (name, found, log[-2000:])
        assert found[0] == ("normal", COMPLETE)
        assert found[1][0] in ("late", "async_late")
        assert found[1][1] == TIME_OUT, name


# Where the connection ends with the request, as behind nginx, some tell so before the application
# has got back to its last piece.
CLOSING = ["hypercorn", "uvicorn", "daphne", "granian-asgi"]


def test_an_answer_is_complete_though_the_connection_is_closed_after_it():
    with ThreadPoolExecutor(len(CLOSING)) as pool:
        found = dict(zip(CLOSING, pool.map(closing, CLOSING), strict=True))
    for name, events in found.items():
        assert len(events) == 31, name
        assert {outcome for _, outcome, _ in events} == {COMPLETE}, (name, events)
        sizes = {path.split("/")[1]: size for path, _, size in events if "head" not in path}
        assert sizes == {"redirect": 0, "async_normal": 10, "async_stream": 60_000}, name
