"""A long run, in parts: each a run of its own with a seed, and its result a line of a file.

What was stopped goes on where its file ends. Parts differ in what is cached where, in how the
database isolates, in what befalls them, and in how much is written.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.consistency.databases import SQLITE
from tests.consistency.store import EMBEDDED, MEMCACHED, REDIS

ROOT = Path(__file__).parents[2]
#: Subject, store, and on average how many seconds pass between two changes of one writer.
_ALL = [
    ("ours", EMBEDDED, 0.01),
    ("ours", REDIS, 0.05),
    ("ours", EMBEDDED, 0.05),
    ("ours", MEMCACHED, 0.05),
    ("views", EMBEDDED, 0.03),
    ("ours", EMBEDDED, 0.2),
    ("ours_in_database", EMBEDDED, 0.05),
    ("ours", EMBEDDED, 0.1),
    ("ours_untiered", REDIS, 0.05),
    ("ours", EMBEDDED, 0.03),
    ("ours_untiered", MEMCACHED, 0.05),
    ("ours_untiered", EMBEDDED, 0.03),
    ("ours", EMBEDDED, 0.2),
    ("views", REDIS, 0.05),
    ("views", MEMCACHED, 0.05),
]
#: SQLite in its four ways; processes stand still for seconds. One writer waits for the other.
_SQLITE = [
    (subject, place, pause, "--database", database, "--longest", "2")
    for subject, place, pause in (
        ("views", REDIS, 0.05),
        ("ours", EMBEDDED, 0.05),
        ("ours_untiered", REDIS, 0.1),
        ("views", EMBEDDED, 0.05),
        ("ours", REDIS, 0.05),
        ("ours", MEMCACHED, 0.1),
    )
    for database in SQLITE
]
#: Versions in the database, where stops and stalls take seconds, too.
_VERSIONS = [
    ("ours_in_database", EMBEDDED, 0.05, "--longest", "2"),
    ("ours_in_database", REDIS, 0.1, "--longest", "2"),
    ("ours_in_database", EMBEDDED, 0.2, "--longest", "2"),
    ("ours_in_database", MEMCACHED, 0.1, "--longest", "2"),
]
CYCLES = {"all": _ALL, "sqlite": _SQLITE, "versions": _VERSIONS}
AT_MOST = 90.0  # seconds a part takes
READS = 500_000  # after which it ends earlier
HANGS = AT_MOST + 300


def reads_of(path: Path) -> int:
    return sum(line["counts"]["reads"] for line in lines_of(path) if "counts" in line)


def lines_of(path: Path) -> list[dict[str, object | dict[str, int]]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run_parts(path: Path, reads: int, *, seed: int, at_once: int, cycle: str = "all") -> None:
    """Run parts, so many at once, until the file tells of as many reads as asked for."""
    done = {line["part"] for line in lines_of(path)}
    numbers = (number for number in itertools.count() if number not in done)
    running: list[_Part] = []
    try:
        while reads_of(path) < reads or running:
            while len(running) < at_once and reads_of(path) < reads:
                running.append(_Part(next(numbers), seed, CYCLES[cycle]))
            time.sleep(0.2)
            for part in [each for each in running if each.over]:
                running.remove(part)
                with path.open("a") as file:
                    file.write(part.result() + "\n")
                print(f"part {part.number}, so far {reads_of(path):,} reads", flush=True)
    finally:
        for part in running:
            part.end()


class _Part:
    """One run, in a process group of its own."""

    def __init__(self, number: int, seed: int, cycle: Sequence[tuple[Any, ...]]) -> None:
        self.number = number
        subject, store, pause, *more = cycle[number % len(cycle)]
        isolation = ("rc", "rr")[number // len(cycle) % 2]
        self.arguments = ["--subject", subject, "--store", store, "--isolation", isolation]
        self.arguments += ["--scenario", "all", "--pause", str(pause), "--seed", str(seed + number)]
        self.arguments += ["--reads", str(READS), "--seconds", str(AT_MOST), *more]
        self._folder = tempfile.TemporaryDirectory(prefix="hf-part-")
        self._result = Path(self._folder.name) / "result"
        self._said = (Path(self._folder.name) / "said").open("w+")
        command = [sys.executable, "-m", "tests.consistency", *self.arguments]
        self._process = subprocess.Popen(
            [*command, "--add-to", str(self._result)],
            cwd=ROOT,
            stdout=self._said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._ends = time.monotonic() + HANGS

    @property
    def over(self) -> bool:
        if time.monotonic() > self._ends:
            self.end()
        return self._process.poll() is not None

    def result(self) -> str:
        """The line for the file; of a part that broke, what it said."""
        self._said.seek(0)
        said = self._said.read()
        for line in _own(said):
            print(line)
        if self._result.exists():
            found = json.loads(self._result.read_text())
        else:
            found = {"broke": " ".join(self.arguments), "said": said[-5000:], "wrong": 0}
            print(f"part {self.number} broke: {said[-2000:]}")
        self._said.close()
        self._folder.cleanup()
        return json.dumps({"part": self.number} | found)

    def end(self) -> None:
        # First asked, so that it ends its servers; they are in its session.
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()


def _own(said: str) -> Iterator[str]:
    """What the run itself has said, without what was logged."""
    lines = said.splitlines()
    for line, following in itertools.pairwise([*lines, ""]):
        if " reads in " in line:
            yield line
            yield following
