"""Other processes that use the same store, told what to do in a few lines."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

_BEFORE = """
import sys
from holdfast.stores import open_store

def say(what):
    print(what, flush=True)

store = open_store(sys.argv[1])
"""


class Process:
    """Runs *code* with `store`, opened at *url*, and `say(…)`, which `line` reads here."""

    def __init__(self, code: str, url: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEFORE + textwrap.dedent(code), url, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def go_on(self) -> None:
        """Answer its `input()`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """With SIGKILL."""
        self._process.kill()
        self._process.wait(10)

    def kill_later(self, seconds: float) -> Callable[[], float]:
        """Kill it from another thread; a function that says when that was."""
        when: list[float] = []

        def kill() -> None:
            time.sleep(seconds)
            when.append(time.perf_counter())
            os.kill(self.pid, signal.SIGKILL)

        thread = threading.Thread(target=kill)
        thread.start()

        def said() -> float:
            thread.join()
            return when[0]

        return said


def open_files() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
