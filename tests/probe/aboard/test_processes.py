"""The observers are aboard however the server makes its processes, and leave its ways alone."""

import os
import time

import pytest

from holdfast.probe.aboard import orders
from holdfast.probe.events import Count, Process, Served, Span, Trouble
from tests.probe.aboard.serving import SITES, serving


@pytest.mark.parametrize("server", ["gunicorn-preload", "uvicorn-workers"])
def test_each_worker_is_followed(server, tmp_path):
    app = "plain:wsgi" if server.startswith("gunicorn") else "plain:asgi"
    with serving(server, app, tmp_path) as one:
        deadline = time.monotonic() + 30
        while len({served.pid for served in one.of(Served)}) < 2:
            assert time.monotonic() < deadline
            one.together(4, "/sleep")
        known = {process.pid: process for process in one.of(Process)}
        for pid in {served.pid for served in one.of(Served)}:
            assert known[pid].server == server.partition("-")[0]
            assert known[pid].parent == one.process.pid
        assert one.of(Trouble) == []


@pytest.mark.parametrize("server", ["uvicorn-reload", "runserver-reload"])
def test_reloaders_child_is_followed(server, tmp_path):
    with serving(server, "plain:asgi", tmp_path, observe=False) as one:
        # The child listens a little after its parent.
        one.until(lambda: one.ask("/", "run-1-1"), lambda answer: answer[0] == 200)
        assert "run-1-1" in {served.request for served in one.served(1)}
        assert one.of(Trouble) == []


def test_uwsgi_is_followed_and_obeys_without_threads_too(tmp_path):
    with serving("uwsgi", "django_app:wsgi", tmp_path) as one:
        assert one.ask("/sync/", "run-1-1") == (200, "sync")
        # At once: nothing of Python runs here until the next request comes.
        assert [served.request for served in one.served(1)] == ["run-1-1"]
        orders.given(one.folder, 1, "count")
        assert one.ask("/class/3/", "run-1-2") == (200, "3")
        one.until(lambda: one.of(Count), bool)
        assert [served.request for served in one.served(2)] == ["run-1-1", "run-1-2"]
        assert {process.server for process in one.of(Process)} >= {"uwsgi"}
        assert one.of(Trouble) == []


def test_a_patch_that_comes_late_is_not_in_its_way(tmp_path):
    with serving("gunicorn", "patched_late:wsgi", tmp_path) as one:
        assert one.ask("/", "run-1-1") == (200, "patched")
        one.served(1)
        assert "MonkeyPatchWarning" not in one.printed()
        assert one.of(Process)[-1].patched == "gevent"
        assert one.of(Trouble) == []


def test_the_users_own_sitecustomize_runs(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os; os.environ['OWN_SITE'] = 'ran'\n")
    path = os.pathsep.join([str(tmp_path), str(SITES)])
    with serving(
        "gunicorn", "own_site:wsgi", tmp_path, observe=False, variables={"PYTHONPATH": path}
    ) as one:
        assert one.ask("/", "run-1-1") == (200, "ran")
        assert one.served(1)[0].request == "run-1-1"


def test_without_observing_no_time_is_taken_and_orders_are_obeyed(tmp_path):
    with serving("uvicorn", "django_app:asgi", tmp_path, observe=False) as one:
        one.ask("/blocks/", "run-1-1")
        one.ask("/async/", "run-1-2")
        one.served(2)
        assert one.of(Span) == []
        # What is ordered is done all the same, and once.
        orders.given(one.folder, 1, "count")
        orders.given(one.folder, 2, "kept")
        one.until(lambda: one.of(Count), lambda found: len(found) >= 2)
        one.ask("/")
        one.served(3)
        assert len(one.of(Count)) == 2


def test_a_request_that_forks_is_not_told_twice(tmp_path):
    with serving("gunicorn", "forking:wsgi", tmp_path) as one:
        assert one.ask("/", "run-1-1") == (200, "forked")
        assert one.ask("/", "run-1-2") == (200, "forked")
        one.served(2)
        assert sorted(served.request for served in one.of(Served)) == ["run-1-1", "run-1-2"]
        assert one.of(Trouble) == []


def test_a_server_whose_observers_fail_goes_on(tmp_path):
    (tmp_path / "run").mkdir()
    # Nothing can be written into the run's folder: it is a file there.
    with serving("gunicorn", "plain:wsgi", tmp_path) as one:
        for file in one.folder.iterdir():
            file.unlink()
        one.folder.rmdir()
        one.folder.write_text("in the way")
        assert [one.ask("/") for _ in range(3)] == [(200, "hello")] * 3
