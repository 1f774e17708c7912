"""A Django site whose pages want a login, asked as people would."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import cli


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project, with its database."""
    folder = tmp_path_factory.mktemp("office")
    program = shutil.copy(Path(__file__).with_name("office.py"), folder)
    subprocess.run([sys.executable, program, "make"], check=True, timeout=60)
    return folder


@pytest.fixture
def office(made, server, capsys):
    """Runs the probe on `manage.py runserver`; gives the report."""
    shutil.copytree(made, server.folder, dirs_exist_ok=True)
    words = [sys.executable, "office.py", "runserver", str(server.port)]

    def run(*options, more=(), status):
        probe = ["probe", "--json", "--no-proof", *options, "--", *words, *more]
        ended = cli.main(probe)
        said = capsys.readouterr()
        assert ended == status, said.out[-500:] + said.err
        assert server.left == set()
        return json.loads(said.out)

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
    report = office("--openapi", "/schema/", "--users", "2", more=("--noreload",), status=0)
    assert report["runs"][0]["settings"]["steps"] == ["GET /items/1/"]
