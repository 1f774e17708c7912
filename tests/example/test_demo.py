"""The demo itself: what it prints, what it returns, and that it leaves nothing running."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demonstration.running import EXAMPLE, ServerDiedError, running
from demonstration.show import main
from holdfast.testing.ports import free_port

DEMO = [sys.executable, str(EXAMPLE / "demo.py")]


@pytest.mark.timeout(300)  # half a minute on a machine that has nothing else to do
def test_demo_shows_failures_against_zeros_and_says_what_to_read_next() -> None:
    ran = subprocess.run(
        [*DEMO, "--seed", "1"], capture_output=True, text=True, timeout=280, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    words_of_all_parts = ("seed 1", "The lost cache", "The two views", "embedded", "The API log")
    for words in (*words_of_all_parts, "With holdfast: 0", "example/README.md"):
        assert words in ran.stdout


def test_unknown_server_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--server", "apache"])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert "'apache'" in message
    assert "gunicorn-gevent, gunicorn-gthread" in message


def test_unknown_store_is_refused_with_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--stores", "embedded,postgres"])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert "'postgres'" in message
    assert "embedded, redis, memcached" in message


def children_of(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *children_of(child)}
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads processes from /proc")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_demo_stops_its_servers_when_it_is_stopped(stop: signal.Signals) -> None:
    demo = subprocess.Popen(DEMO, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "Starting" in line:
            break
    deadline = time.monotonic() + 20
    while len(started := children_of(demo.pid)) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(started) >= 4
    started |= children_of(demo.pid)
    os.kill(demo.pid, stop)
    demo.communicate(timeout=20)
    assert demo.returncode == 128 + stop
    assert [pid for pid in started if is_running(pid)] == []


def test_server_that_does_not_come_up_is_reported_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such application')"]
    with (
        pytest.raises(ServerDiedError, match="no such application"),
        running(command, free_port(), tmp_path / "log", {}),
    ):
        pytest.fail("it can't have answered")
