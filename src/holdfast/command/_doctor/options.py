"""The options of `holdfast doctor`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...doctor.configuration import FAIL_ON
from ...doctor.findings import CONFIDENCES, SEVERITIES

FORMATS = ("text", "json", "sarif", "github")


def arguments(parser: argparse.ArgumentParser) -> None:
    """All of them, but those of the extras."""
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="files and folders; default: this one"
    )
    shown = parser.add_argument_group("what it says")
    shown.add_argument(
        "--format", choices=FORMATS, help="how; default: text. --json is --format json"
    )
    shown.add_argument(
        "--output", metavar="FILE", type=Path, help="where; default: to the terminal"
    )
    shown.add_argument(
        "--explain", metavar="CODE", help="say what a code or a class means, with examples: S1, S1a"
    )
    chosen = parser.add_argument_group("which findings")
    chosen.add_argument(
        "--select", metavar="CODES", action="append", help="these only: S1,S2a; may be repeated"
    )
    chosen.add_argument(
        "--ignore", metavar="CODES", action="append", help="not these; may be repeated"
    )
    chosen.add_argument("--severity", choices=SEVERITIES, help="the least; default: info")
    chosen.add_argument("--confidence", choices=CONFIDENCES, help="the least; default: low")
    chosen.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        help="exit with 1 if there is one of this severity, or a worse one; default: warning",
    )
    chosen.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="files and folders to leave out, from the project's folder on; may be repeated",
    )
    chosen.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="where [tool.holdfast.doctor] is; default: pyproject.toml here or above",
    )
    old = parser.add_argument_group("findings of old")
    old.add_argument(
        "--baseline", metavar="FILE", type=Path, help="leave out the findings that this file has"
    )
    old.add_argument(
        "--write-baseline",
        metavar="FILE",
        type=Path,
        nargs="?",
        const=Path(),
        help="write all findings there; default: the baseline that is configured, or the one of"
        " --baseline",
    )
    fast = parser.add_argument_group("how fast")
    fast.add_argument(
        "--jobs", metavar="N", type=_count, default=0, help="processes; default: one a processor"
    )
    fast.add_argument("--no-cache", action="store_true", help="read all files anew, keep nothing")
    fast.add_argument(
        "--cache-dir", metavar="DIR", type=Path, help="where to keep what is known of files"
    )


def listed(given: Sequence[str] | None) -> list[str]:
    """`["S1,S2", "S3"]` as three codes."""
    return [
        code for some in given or () for code in (one.strip() for one in some.split(",")) if code
    ]


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return number
