"""How long `holdfast doctor` takes for a large project: cold, after a change, and unchanged.

The project is made of packages that are installed here, Django first, up to 250,000 lines. Beside
it stands ruff, which reads the same files and knows none of these bugs: what reading costs where
each file is judged alone.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from .report import Part, Row, Table, at_most
from .rounds import Effort, Spread

NAME = "doctor"

_LINES = 250_000
_FEW_LINES = 5_000
_ROUNDS = 3
_PACKAGES = (
    *("django/http", "django", "rest_framework", "celery", "kombu", "sqlglot", "dramatiq", "redis"),
)
_COLD, _CHANGED, _MOVED, _WARM = (
    "cold: nothing is known",
    "one file says something else to others",
    "one function has one line more",
    "warm: nothing has changed",
)
#: Seconds by the clock, and of processors, those of all processes together.
Taken = tuple[float, float]
_ALONE = "cold, in one process"
_RUFF = "ruff check --select ALL, cold"


def run(effort: Effort) -> Part:
    """Examine the project, in an order that is shuffled in each round."""
    seconds: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        project = Path(folder) / "project"
        files, lines = _make(project, _FEW_LINES if effort.quick else _LINES)
        subjects = _subjects(Path(folder), project)
        if effort.quick:
            subjects = {name: subjects[name] for name in (_COLD, _WARM)}
        order = random.Random(effort.seed)
        for _ in range(1 if effort.quick else _ROUNDS):
            for name in order.sample(list(subjects), len(subjects)):
                wall, used = subjects[name]()
                seconds.setdefault(name, []).append(wall)
                processor.setdefault(name, []).append(used)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    title = f"{files:,} files with {lines:,} lines, {processors or os.cpu_count()} processors"
    table = Table(
        title,
        ("seconds", "processor seconds"),
        note="Wall time of the whole command, Python's start included.",
    )
    for name in subjects:
        cells = (_said(Spread.of(seconds[name])), _said(Spread.of(processor[name])))
        table.rows.append(Row(name, cells, ours=name != _RUFF))
    part = Part(NAME, "The doctor on a large project", [table])
    for text, name, limit in (
        ("250,000 lines cold in at most 10 s", _COLD, 10.0),
        ("250,000 lines warm in at most 1 s", _WARM, 1.0),
    ):
        part.goals.append(at_most(text, Spread.of(seconds[name]), limit, _said))
    return part


def _said(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def _make(project: Path, wanted: int) -> tuple[int, int]:
    """Copy packages until there are so many lines; return the files and lines."""
    files = lines = 0
    site = Path(sysconfig.get_path("purelib"))
    for package in _PACKAGES:
        for path in sorted((site / package).rglob("*.py")):
            count = path.read_bytes().count(b"\n")
            copy = project / path.relative_to(site)
            if lines + count > wanted or copy.exists():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            files, lines = files + 1, lines + count
    return files, lines


def _subjects(folder: Path, project: Path) -> dict[str, Callable[[], Taken]]:
    cache = folder / "cache"
    changed = project / "django/http/request.py"
    original = changed.read_text()
    line = "        self._read_started = True\n"
    assert line in original

    def doctor(*words: str) -> Taken:
        program = [sys.executable, "-m", "holdfast", "doctor", str(project), "--json", *words]
        return _timed([*program, "--cache-dir", str(cache)])

    def cold() -> Taken:
        shutil.rmtree(cache, ignore_errors=True)
        return doctor()

    def known() -> None:
        changed.write_text(original)
        doctor()

    def after(text: str) -> Taken:
        known()
        changed.write_text(text)
        try:
            return doctor()
        finally:
            changed.write_text(original)

    def warm() -> Taken:
        known()
        return doctor()

    subjects = {
        _COLD: cold,
        _ALONE: lambda: doctor("--no-cache", "--jobs", "1"),
        _CHANGED: lambda: after(original + "\n\nclass Another(HttpRequest):\n    pass\n"),
        _MOVED: lambda: after(original.replace(line, f"{line}        assert True\n", 1)),
        _WARM: warm,
    }
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is not None:
        subjects[_RUFF] = lambda: _timed(
            [ruff, "check", "--no-cache", "--select", "ALL", "-q", str(project)]
        )
    return subjects


def _timed(program: list[str]) -> Taken:
    started, before = time.perf_counter(), os.times()
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    assert ended.returncode in {0, 1}, ended.stderr
    assert not ended.stderr, ended.stderr
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system
