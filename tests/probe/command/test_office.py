"""A Django site whose pages want a login, asked as people would."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def office(server):
    """Runs the probe on `manage.py runserver`, with its reloader; gives the report."""
    words = [sys.executable, shutil.copy(Path(__file__).with_name("office.py"), server.folder)]
    subprocess.run([*words, "make"], check=True, timeout=60)

    def run(*options, status):
        ended = subprocess.run(
            [
                *(sys.executable, "-W", "error", "-m", "holdfast", "probe", "--json", "--no-proof"),
                *options,
                *("--", *words, "runserver", str(server.port)),
            ],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            env=os.environ | {"PYTHONWARNINGS": ""},
        )
        assert ended.returncode == status, ended.stdout[-500:] + ended.stderr
        assert server.left == set()
        return json.loads(ended.stdout)

    return run


ACCOUNTS = (
    *("--login", "/admin/login/"),
    *("--account", "anna:annas-password"),
    *("--account", "bert:berts-password"),
)


def test_all_that_the_urlconf_has_is_asked_by_users_who_are_logged_in(office):
    report = office("--urlconf", *ACCOUNTS, "--users", "3", status=1)
    (run,) = report["runs"]
    asked = set(run["settings"]["steps"])
    assert {"GET /desk/", "GET /mixed-up/", "GET /items/1/", "GET /admin/auth/user/"} <= asked
    assert not any("logout" in step for step in asked)
    # What is no page for somebody without further ado is left out, and said.
    assert "GET /broken/" not in asked
    assert any(note.startswith("Left out") for note in report["notes"])
    statuses = {status for path in run["paths"].values() for status in path["statuses"]}
    assert statuses == {"200", "201"}
    # One page shows whoever came before, and only that one is told.
    assert {one["marker_kind"] for one in run["crossed"]} == {"login"}
    (crossed,) = [one for one in report["findings"] if one["code"] == "crossed"]
    assert crossed["proved"]


def test_a_form_is_posted_with_djangos_token(office):
    report = office(
        *("--path", "POST /order/", "--path", "/desk/", "--body", "text={marker}"),
        *(*ACCOUNTS, "--users", "3"),
        status=0,
    )
    paths = report["runs"][0]["paths"]
    assert paths["POST /order/"]["statuses"] == {"201": 3}
    assert paths["GET /desk/"]["statuses"] == {"200": 3}
    assert report["runs"][0]["crossed"] == []


def test_a_description_of_the_api_is_asked_of_the_site(office):
    report = office("--openapi", "/schema/", "--users", "2", status=0)
    assert report["runs"][0]["settings"]["steps"] == ["GET /items/1/"]
