"""What the watch costs: requests to the example by Django's test client, watched and not.

Two processes are asked in turn, page by page, in short rounds. It is processor time that counts:
what a test suite waits for besides, such as its database, costs nothing more.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .report import Part, Row, Table, at_most
from .rounds import Effort, Spread
from .watch_site import EXAMPLE, PAGES

NAME = "watch"

_ROUNDS = 21
#: Processor seconds that one sample is to take.
_SAMPLE = 0.05
_ALL = "all of them, each once"


class _Site:
    """The example in a process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._line() == "ready"

    def ask(self, page: int, times: int) -> float:
        """Processor seconds of one request."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{page} {times}\n")
        self._process.stdin.flush()
        return float(self._line()) / times

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the example's process has ended"
        return line


def run(effort: Effort) -> Part:
    """Ask every page of both, in an order that is shuffled in each round."""
    rounds = 2 if effort.quick else _ROUNDS
    order = random.Random(effort.seed)
    plain: dict[int, list[float]] = {page: [] for page in range(len(PAGES))}
    watched: dict[int, list[float]] = {page: [] for page in range(len(PAGES))}
    with ExitStack() as open_ones:
        folder = Path(
            open_ones.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-"))
        )
        _fill(folder / "plain")
        shutil.copytree(folder / "plain", folder / "watched")
        sites = {
            name: open_ones.enter_context(_site(folder / name, *words))
            for name, words in (("plain", ()), ("watched", ("--watched",)))
        }
        times = {
            page: 1 if effort.quick else max(1, round(_SAMPLE / sites["plain"].ask(page, 3)))
            for page in plain
        }
        for _ in range(rounds):
            for page in order.sample(list(plain), len(plain)):
                for name in order.sample(list(sites), 2):
                    taken = sites[name].ask(page, times[page])
                    (plain if name == "plain" else watched)[page].append(taken)
    table = Table(
        "A request by Django's test client, in milliseconds of processor time",
        ("not watched", "watched", "times"),
        note="Medians and quartiles; each watched request is divided by its neighbour.",
    )
    for page, name in enumerate(PAGES):
        table.rows.append(_row(name, plain[page], watched[page]))
    sums = [
        [sum(taken[page][number] for page in taken) for number in range(rounds)]
        for taken in (plain, watched)
    ]
    table.rows.append(_row(_ALL, *sums, ours=True))
    part = Part(NAME, "The watch", [table])
    ratios = Spread.of(two / one for one, two in zip(*sums, strict=True))
    part.goals.append(at_most("watched requests in at most twice the time", ratios, 2.0, _said))
    return part


def _row(name: str, plain: list[float], watched: list[float], *, ours: bool = False) -> Row:
    ratios = Spread.of(two / one for one, two in zip(plain, watched, strict=True))
    medians = [f"{statistics.median(taken) * 1000:.2f}" for taken in (plain, watched)]
    return Row(name, (*medians, _said(ratios)), ours=ours)


def _said(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def _environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder}/site.sqlite3",
        "HOLDFAST_DIR": str(folder / "state"),
    }


def _fill(folder: Path) -> None:
    """Make the database."""
    folder.mkdir()
    for command in (("migrate", "--verbosity=0"), ("fill",)):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=EXAMPLE,
            env=_environment(folder),
            check=True,
            capture_output=True,
        )
    shutil.rmtree(folder / "state", ignore_errors=True)


@contextmanager
def _site(folder: Path, *words: str) -> Iterator[_Site]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.watch_site", *words],
        cwd=EXAMPLE.parent,
        env=_environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield _Site(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)
