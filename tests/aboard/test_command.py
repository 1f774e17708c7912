"""What a server's command has started ends with it, and with who has started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from holdfast.aboard.command import ServerCommand

#: It starts a process of its own, and tells both.
SERVER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
{rest}
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"

STARTER = """
import os, sys, time
from pathlib import Path
from holdfast.aboard.command import ServerCommand
server = ServerCommand([sys.executable, "-c", sys.argv[1]], os.environ, Path(sys.argv[2]))
time.sleep(600)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_when_its_starter_is_killed(tmp_path, sent):
    log = tmp_path / "log"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, SERVER.format(rest=""), str(log)])
    processes = started(log)
    starter.send_signal(sent)
    starter.wait()
    assert ended(processes, 15)


def test_a_server_that_does_not_heed_ends_by_force(tmp_path):
    log = tmp_path / "log"
    server = SERVER.format(rest=STUBBORN)
    starter = subprocess.Popen([sys.executable, "-c", STARTER, server, str(log)])
    processes = started(log)
    starter.kill()
    starter.wait()
    assert ended(processes, 30)


def test_nothing_stays_behind_of_one_that_is_ended(tmp_path):
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    log = tmp_path / "log"
    words = [sys.executable, "-c", SERVER.format(rest="")]
    command = ServerCommand(words, os.environ, log)
    processes = started(log)
    assert command.end() == -signal.SIGTERM
    assert ended(processes, 5)
    assert {one.pid for one in psutil.Process().children(recursive=True)} <= before


def test_what_takes_its_time_to_be_gone_is_waited_for(tmp_path):
    large = "much = b'x' * 500_000_000; print(flush=True); import time; time.sleep(600)"
    server = (
        "import os, subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-c', {large!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print(child.pid)"
    )
    log = tmp_path / "log"
    command = ServerCommand([sys.executable, "-c", server], os.environ, log)
    assert command.wait(60, lambda: None) == 0
    (child,) = started(log)
    assert child.is_running()
    command.end()
    assert ended([child], 0)


def started(log: Path) -> list[psutil.Process]:
    until = time.monotonic() + 30
    while not (log.exists() and log.read_text().endswith("\n")):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [psutil.Process(int(word)) for word in log.read_text().split()]


def ended(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, seconds)
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
