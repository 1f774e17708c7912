"""What a request log costs, with its line written: beside others, in one run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .report import Part, Row, Table, at_most, microseconds, percent
from .rounds import Effort, Measured

NAME = "log"
BARE = "bare Django"
OURS = "holdfast RequestLog"

_NOTE = (
    "Processor time of the process with all its threads, the writing included. `once more` is bare"
    " Django a second time: what it adds is noise. RequestLog holds a RequestScope, whose part is"
    " shown beside it."
)


def run(effort: Effort) -> Part:
    """Measure in a process with a Django of its own."""
    command = [sys.executable, "-m", "benchmarks.request_logs_site", str(effort.seed)]
    done = subprocess.run(
        [*command, *(["--quick"] if effort.quick else [])],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    found = {
        kind: Measured(seconds)
        for kind, seconds in json.loads(done.stdout.splitlines()[-1]).items()
    }
    part = Part(NAME, "The request log, with its line written")
    part.tables = [_table("Under WSGI", found["wsgi"]), _table("Under ASGI", found["asgi"])]
    wsgi, asgi = found["wsgi"], found["asgi"]
    part.goals = [
        at_most(
            "RequestLog: at most 8 µs more than bare Django, WSGI",
            wsgi.beyond(OURS, BARE),
            8e-6,
            _micro,
        ),
        at_most(
            "RequestLog: at most 3 % more than bare Django, ASGI",
            asgi.ratio(OURS, BARE),
            1.03,
            percent,
        ),
    ]
    return part


def _table(title: str, measured: Measured) -> Table:
    table = Table(title, ("µs", "µs more than bare Django"), note=_NOTE)
    for name in measured.seconds:
        beyond = "" if name == BARE else microseconds(measured.beyond(name, BARE), signed=True)
        cells = (microseconds(measured.each(name)), beyond)
        table.rows.append(Row(name, cells, "holdfast" in name))
    return table


def _micro(spread: Any) -> str:
    return f"{microseconds(spread, signed=True)} µs"
