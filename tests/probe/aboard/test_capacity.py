"""More workers or threads than the command says, whatever the server."""

import time

import pytest

from holdfast.probe.aboard.capacity import variables
from holdfast.probe.change import Change
from tests.probe.aboard.serving import command_of, serving

USERS = 6


def most_at_once(served) -> int:
    moments = sorted(one for each in served for one in ((each.entered, 1), (each.left, -1)))
    most = now = 0
    for _, more in moments:
        now += more
        most = max(most, now)
    return most


@pytest.mark.parametrize("server", ["gunicorn", "waitress", "uvicorn-wsgi"])
def test_more_threads_serve_more_at_once(server, tmp_path):
    change = Change(threads=USERS)
    with serving(server, "plain:wsgi", tmp_path, change=change, variables=variables(change)) as one:
        one.ask()
        one.together(USERS, "/sleep")
        assert most_at_once(one.served(1 + USERS)[1:]) > 4  # as it is: one, or waitress' four


def test_uwsgi_takes_threads_and_processes_from_the_environment(tmp_path):
    change = Change(threads=USERS, workers=2)
    told = variables(change)
    with serving("uwsgi", "django_app:wsgi", tmp_path, change=change, variables=told) as one:
        one.together(USERS, "/sync/")
        assert most_at_once(one.served(USERS)) > 1


def test_granian_has_more_threads_for_wsgi_only(tmp_path):
    def command(port):
        return (*command_of("granian-wsgi", port, "plain:wsgi"), "--blocking-threads=1")

    with serving(command, "plain:wsgi", tmp_path, change=Change(threads=USERS)) as one:
        one.ask()
        one.together(USERS, "/sleep")
        assert most_at_once(one.served(1 + USERS)[1:]) > 1


def test_a_runserver_without_threads_gets_some(tmp_path):
    def command(port):
        return (*command_of("runserver", port, ""), "--nothreading")

    with serving(command, "", tmp_path, change=Change(threads=USERS)) as one:
        one.together(USERS, "/sync/")
        assert most_at_once(one.served(USERS)) > 1


@pytest.mark.parametrize(
    ("server", "app"),
    [
        ("gunicorn", "plain:wsgi"),
        ("uvicorn", "plain:asgi"),
        ("hypercorn", "plain:asgi"),
        ("granian", "plain:asgi"),
        # These are one process each, and are started several times.
        ("daphne", "plain:asgi"),
        ("waitress", "plain:wsgi"),
        ("eventlet", "plain:wsgi"),
    ],
)
def test_more_workers_serve_in_several_processes(server, app, tmp_path):
    change = Change(workers=3)
    with serving(server, app, tmp_path, change=change, variables=variables(change)) as one:
        until = time.monotonic() + 20
        while len({served.pid for served in one.served(1 if one.asked else 0)}) < 2:
            assert time.monotonic() < until, one.printed()
            one.together(USERS, "/sleep")


def test_nothing_is_raised_where_nothing_is_wanted():
    assert variables(Change()) == {}
    assert variables(Change(workers=3)) == {"UWSGI_PROCESSES": "3"}
