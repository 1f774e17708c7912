"""`python -m benchmarks [part ...]`: what Holdfast costs, beside what else there is.

Everything that is compared is measured in one run, in short rounds that alternate. Nothing fails
because something was slow: each goal is printed beside what was measured.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from . import document, machine, tables
from .report import Part
from .rounds import Effort

# By name, so that a part that is not asked for needs nothing installed.
PARTS = {
    "reading": "reading",
    "current": "current",
    "opening": "opening",
    "remembering": "remembering",
    "carrying": "carrying",
    "in-process": "in_process",
    "servers": "on_servers",
    "async-stack": "async_stack",
    "log": "request_logs",
    "stores": "on_stores",
    "stampede": "stampede",
    "cached": "cached",
    "doctor": "doctor",
    "watch": "watch",
    "probe": "probe",
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, and print it."""
    asked = _parser().parse_args(arguments)
    effort = Effort.least(asked.seed) if asked.quick else Effort.full(asked.seed)
    console = Console(width=None if sys.stdout.isatty() else 150)
    described = machine.description(asked.seed)
    for line in described:
        console.print(line, highlight=False)
    parts = []
    for name in asked.parts or PARTS:
        started = time.monotonic()
        if sys.stderr.isatty():
            sys.stderr.write(f"measuring: {name} ...\n")
        part = _run_of(name)(effort)
        tables.show(part, console)
        console.print(f"measured for {time.monotonic() - started:.0f} s", style="dim")
        parts.append(part)
    tables.show_goals([goal for part in parts for goal in part.goals], console)
    if asked.json:
        asked.json.write_text(tables.as_json(parts, described))
    if asked.write:
        # Some parts alone don't take the place of all.
        some = f": {', '.join(asked.parts)}" if asked.parts else ""
        document.write(asked.write, machine.python() + some, described, tables.as_markdown(parts))
    return 0


def _run_of(name: str) -> Callable[[Effort], Part]:
    run: Callable[[Effort], Part] = importlib.import_module(f".{PARTS[name]}", __package__).run
    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        type=_part,
        metavar="part",
        help=f"what to measure, by default all: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="only see that it runs; the figures mean nothing"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="put them in this page, in the place of this Python's last run of the same parts",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=random.randrange(10**6),
        help="of the order within rounds, to repeat a run",
    )
    return parser


def _part(name: str) -> str:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"no part {name!r}; there are {', '.join(PARTS)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
