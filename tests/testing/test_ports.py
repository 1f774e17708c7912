"""Each one that asks gets a port of its own, and no client takes it meanwhile."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.testing import ports
from holdfast.testing.ports import free_port

ASK = """
import random
random.seed(0)
from holdfast.testing.ports import free_port
print(free_port())
"""


def test_a_server_can_listen_there() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", free_port()))
        one.listen()


def test_nobody_gets_the_same_while_it_is_not_used_yet() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: free_port(), range(400)))
    assert len(set(found)) == len(found)


@pytest.mark.skipif(sys.platform != "linux", reason="reserved on Linux only")
def test_other_processes_that_count_from_the_same_place_get_others(monkeypatch) -> None:
    first = free_port()
    monkeypatch.setattr(ports, "FIRST", first)
    monkeypatch.setattr(ports, "_numbers", iter(range(100)))
    ask = f"""
from holdfast.testing import ports
ports.FIRST, ports._numbers = {first}, iter(range(100))
print(ports.free_port(), flush=True)
input()
"""
    found = {first, free_port()}
    asking = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ask],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in asking:
        assert process.stdout is not None
        found.add(int(process.stdout.readline()))
    assert len(found) == 6
    for process in asking:
        assert process.communicate("\n", timeout=60) == ("", "")


def test_few_are_reserved_at_a_time() -> None:
    for _ in range(120):
        free_port()
    assert len(ports._reserved) <= 50


def test_other_processes_count_from_elsewhere() -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    found = [process.communicate(timeout=60)[0] for process in asking]
    assert len(set(found)) > 1


def test_what_is_used_is_left_out(monkeypatch) -> None:
    with socket.socket() as one, socket.socket() as everywhere:
        first, second = free_port(), free_port()
        one.bind(("127.0.0.1", first))
        everywhere.bind(("0.0.0.0", second))  # noqa: S104 - nobody listens
        monkeypatch.setattr(ports, "_numbers", iter(range(first - 1, second + 10)))
        monkeypatch.setattr(ports, "FIRST", 0)
        assert {free_port(), free_port()}.isdisjoint({first, second})


def test_the_systems_own_are_left_out(monkeypatch, tmp_path) -> None:
    told = tmp_path / "range"
    monkeypatch.setattr(ports, "_SYSTEMS_OWN", told)
    for text, end in (("15000\t60999\n", 15_000), ("1024\t65535\n", 32_768), ("", 32_768)):
        Path(told).write_text(text)
        assert all(ports.FIRST <= free_port() < end for _ in range(50))
    told.unlink()
    assert ports.FIRST <= free_port() < 32_768
