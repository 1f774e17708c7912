"""`holdfast probe -- COMMAND`, as a process of its own."""

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from holdfast import cli
from holdfast.command._probe import extra

PROBE = (sys.executable, "-W", "error", "-m", "holdfast", "probe")


@pytest.fixture
def probe(server, capsys):
    """Runs `holdfast probe OPTIONS -- COMMAND` in this process; gives status, output, errors."""

    def run(*options, command=None):
        status = cli.main(["probe", *options, "--", *(command or server.command())])
        said = capsys.readouterr()
        assert server.left == set()
        return status, said.out, said.err

    return run


def test_nothing_to_find(probe):
    status, out, err = probe("--path", "/fine/", "--users", "5")
    assert status == 0, err
    assert out.startswith("5 users: ")
    assert "Nothing found" in out
    assert err == ""


def test_a_culprit_is_found_by_running_again_and_all_reports_are_written(probe, server):
    status, out, err = probe(
        *("--path", "/serial/", "--users", "8", "--json"),
        *("--html", "page.html", "--trace", "trace.json"),
    )
    assert status == 1, err
    report = json.loads(out)
    (found,) = [one for one in report["findings"] if one["code"] == "lock"]
    assert found["proved"]
    assert found["place"].endswith("small_site.py:16")
    assert found["proof"]["after"] < found["proof"]["before"] / 2
    assert report["runs"][0]["settings"]["steps"] == ["GET /serial/"]
    assert "<html" in (server.folder / "page.html").read_text()
    assert json.loads((server.folder / "trace.json").read_text())["traceEvents"]


def test_what_crosses_is_found_also_without_taking_times(probe, server):
    status, out, err = probe("--path", "/crossed/", "--only-canaries", "--keep", "kept")
    assert status == 1, err
    (kept,) = (server.folder / "kept").iterdir()
    assert f"What was seen is kept in {kept.resolve()}." in out
    assert list(kept.glob("1/*.jsonl"))
    assert "crossed" in out
    assert "No times were taken" in out


def test_compared_with_an_earlier_run_only_what_is_worse_counts(probe, server):
    earlier = server.folder / "earlier.json"
    options = ("--path", "/serial/", "--users", "6", "--no-proof")
    status, out, err = probe(*options, "--json")
    report = json.loads(out)
    # Without a proof there is one run, and nobody is guilty.
    assert [run["name"] for run in report["runs"]] == ["as it is"]
    (found,) = [one for one in report["findings"] if one["code"] == "lock"]
    assert not found["proved"]
    assert status == 0, err
    report["runs"][0]["paths"]["GET /serial/"] |= {"median": 0.01, "p95": 0.01, "slowest": 0.01}
    report["findings"] = []
    earlier.write_text(json.dumps(report))
    status, out, err = probe(*options, "--compare", str(earlier))
    assert status == 1, out + err
    assert "worse" in out
    status, _, err = probe("--users", "7", "--compare", str(earlier))
    assert status == 2
    assert "is of a run with --users 6: take as many now" in err


def test_a_server_that_dies_is_told_with_what_it_said(probe):
    status, out, err = probe("--path", "/dies/")
    assert status == 1, err
    assert "The server ended with status 7 while users asked" in out
    assert "| out of memory" in out


#: As a shell starts a job in the background.
DEAF = (
    "import os, signal, sys; signal.signal(2, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.mark.parametrize(
    ("number", "before"),
    [
        (signal.SIGINT, ()),
        (signal.SIGTERM, ()),
        (signal.SIGTERM, (sys.executable, "-c", DEAF)),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background"],
)
def test_interrupted_it_ends_the_server(server, number, before):
    process = subprocess.Popen(
        [*before, *PROBE, "--path", "/fine/", "--path", "/hangs/", "--", *server.command()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not server.pids and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)  # Whatever it does just now.
    assert server.left
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    assert server.left == set()


def test_at_a_terminal_it_says_what_it_does(server):
    here, there = pty.openpty()
    with subprocess.Popen(
        [*PROBE, "--path", "/fine/", "--", *server.command()],
        stdout=subprocess.PIPE,
        stderr=there,
    ) as process:
        os.close(there)
        shown = b""
        while True:
            try:
                shown += os.read(here, 1000)
            except OSError:  # Linux says so when nobody writes there any more.
                break
        process.communicate(timeout=60)
    os.close(here)
    assert b"as it is: 10 users ask at once ..." in shown
    assert shown.endswith(b" \r")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--path", "x"), "give a path from the site's root on"),
        (("--users", "0"), "'0' is no number from 1 on"),
        (("--users", "10000"), "9998 are the most"),
        (("--think", "2-1"), "give seconds, such as 0.5, or from-to"),
        (("--seconds", "0"), "no number of seconds above 0"),
        (("--expect", "20"), "no status, such as 404"),
        (("--header", "X"), "A header is 'NAME: VALUE'"),
        (("--account", "secret"), "An account is NAME:PASSWORD"),
        (("--login", "/login/"), "add --account NAME:PASSWORD"),
        (("--login", "login", "--account", "a:b"), "give the path of the login"),
        (("--url", "shop.example"), "give scheme, host and port"),
        (("--url", "http://shop.example:x"), "--url http://shop.example:x: Port"),
        (("--plan", "nowhere.yaml"), "--plan nowhere.yaml: No such file"),
        (("--accounts", "nowhere.txt"), "--accounts nowhere.txt: No such file"),
        (("--openapi", "nowhere.yaml"), "--openapi nowhere.yaml: can't be read"),
        (("--compare", "nowhere.json"), "nowhere.json can't be read"),
        (("--html", "no/folder/page.html"), "there is no folder for it"),
        (("--root", "nowhere"), "--root nowhere: there is no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_asked_wrongly_is_said_in_a_line(server, capsys, options, said):
    """And before anything is started, but for a description that users would have to ask for."""
    assert cli.main(["probe", *options, "--", *server.command()]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert "secret" not in shown.err
    if "--openapi" not in options:
        assert server.pids == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--path", "/forbidden/"), "holdfast: GET /forbidden/ is answered 403: log in with"),
        (("--urlconf",), "no URLconf was found"),
        (("--path", "/broken/"), "| Traceback: the view broke"),
    ],
    ids=["forbidden", "no Django", "broken"],
)
def test_a_site_that_can_t_be_asked_is_said(probe, options, said):
    status, out, err = probe(*options)
    assert (status, out) == (2, "")
    assert said in err


def test_a_program_that_is_not_there(probe):
    status, _, err = probe(command=["no-such-program"])
    assert status == 2
    assert err == "holdfast: no-such-program: No such file or directory\n"


def test_a_plan_in_a_file(probe, server):
    plan = [
        "2 /fine/",
        {"path": "/fine/?q={marker}", "method": "POST", "json": {"a": 1}, "headers": {"X-A": "b"}},
    ]
    (server.folder / "plan.json").write_text(json.dumps(plan))
    status, out, err = probe("--plan", "plan.json", "--users", "2", "--json")
    assert status == 0, err
    assert json.loads(out)["runs"][0]["settings"]["steps"] == [
        "GET /fine/",
        "POST /fine/?q={marker}",
    ]
    (server.folder / "plan.json").write_text(json.dumps([{"path": "/fine/", "metod": "GET"}]))
    status, _, err = probe("--plan", "plan.json")
    assert (status, "knows no 'metod'" in err) == (2, True)


def test_what_is_not_installed_is_said_with_how_to_get_it(server, capsys, monkeypatch):
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "aiohttp" else name)
    assert cli.main(["probe", "--", *server.command()]) == 2
    assert capsys.readouterr().err == (
        "holdfast: holdfast probe needs aiohttp: pip install 'holdfast[probe]'.\n"
    )


def test_lists_of_commands_wait_for_nothing_that_only_a_probe_needs():
    code = "import sys, holdfast.command.probe; print({'aiohttp', 'psutil'} & {*sys.modules})"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout == "set()\n"
