"""Servers for the probe to run."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from holdfast.testing.ports import free_port

SITE = Path(__file__).parent / "small_site.py"


def alive(pid: int) -> bool:
    """Whether a process is there, and more than what its parent has not asked for yet."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class Started:
    """The command of a server in a folder of its own, and what is left of its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        # The user's own code is what is here.
        self._site = Path(shutil.copy(SITE, folder))

    def command(self, *mode: str) -> list[str]:
        return [sys.executable, str(self._site), str(self.port), *mode]

    @property
    def pids(self) -> set[int]:
        return {int(file.stem) for file in self.folder.glob("*.pid")}

    @property
    def left(self) -> set[int]:
        return set(filter(alive, self.pids))


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    started = Started(tmp_path)
    yield started
    for pid in started.left:
        os.kill(pid, 9)


@pytest.fixture
def other_port() -> int:
    return free_port()
