"""Other processes that cache in the same store, told what to do in a few lines.

They have `holdfast`, configured; `name`, that of the test; `append(word)`, to a file that all see;
`say(line)`, which `Process.line` reads; `begin()`, which returns when all of them are ready.
"""

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.cache.conftest import COMMIT_TIMEOUT, KEY

ROOT = Path(__file__).parents[2]

_BEFORE = f"""
import asyncio, sys, time
import holdfast

holdfast.configure({{
    "STORES": {{"cache": sys.argv[1]}},
    "KEY": {KEY!r},
    "CACHE": {{"COMMIT_TIMEOUT": {COMMIT_TIMEOUT}}},
}})
name = sys.argv[2]

def say(what):
    print(what, flush=True)

def input_line():
    return sys.stdin.readline().strip()

def begin():
    say("ready")
    sys.stdin.readline()

def append(word):
    with open(sys.argv[3], "a") as log:
        log.write(word + "\\n")
"""

_PATIENCE = 60


def _start(first: str, code: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", first + "\n" + _BEFORE + textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


class Process:
    """One that is talked to, and killed at the end."""

    def __init__(self, code: str, *arguments: str, first: str = "") -> None:
        self._process = _start(first, code, arguments)

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

    def ask(self, line: str) -> str:
        """Say a line to it, and read one."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.line()

    def go_on(self) -> None:
        """Answer its `input()`."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """With SIGKILL."""
        self._process.kill()
        self._process.wait(10)


def run_together(code: str, arguments: Sequence[Sequence[str]], *, first: str = "") -> list[str]:
    """What each of the processes prints after all of them have begun, one for each line."""
    processes = [_start(first, code, line) for line in arguments]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=_PATIENCE)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes)
        return outputs
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
