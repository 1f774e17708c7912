"""`--settings`: what only the loaded project shows."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ...doctor.examination import Examination
from ...doctor.findings import Finding
from ...doctor.loaded import Loaded, load
from ...doctor.reports import Report
from .._output import Output

_SECONDS = 60.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    group = parser.add_argument_group("the loaded project (needs Django)")
    # Not `settings`: that would have Django set up in this process.
    group.add_argument(
        "--settings",
        dest="loaded",
        metavar="MODULE",
        help="also load the project with these settings, such as mysite.settings, in a process of"
        " its own, and check what only that shows",
    )
    group.add_argument(
        "--settings-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_SECONDS,
        help=f"how long loading may take; default: {_SECONDS:g}",
    )
    parser.set_defaults(was_loaded=None)


def more(
    options: argparse.Namespace, examination: Examination, places: list[Path]
) -> Iterable[Finding]:
    """What was seen, but for what reading the code has found in the same place."""
    if options.loaded is None:
        return
    folders = list(dict.fromkeys(_folders(examination.root, places)))
    options.was_loaded = load(options.loaded, examination.root, folders, options.settings_timeout)
    known = {(one.code, one.path, one.line): n for n, one in enumerate(examination.findings)}
    for finding in options.was_loaded.findings:
        place = known.get((finding.code, finding.path, finding.line))
        if place is None:
            yield finding
        elif finding.code == "S4a":
            # The same, with what it costs.
            examination.findings[place] = replace(
                examination.findings[place], message=finding.message, confidence="high"
            )


def _folders(root: Path, places: list[Path]) -> Iterator[Path]:
    """Where the project's modules are found: beside its manage.py, and here."""
    for place in places:
        above = place.resolve()
        for folder in (above, *above.parents):
            if (folder / "manage.py").is_file():
                yield folder
                break
    yield Path.cwd()
    yield root


def instead(
    options: argparse.Namespace, examination: Examination, report: Report, output: Output
) -> int | None:
    """Nothing: the report follows."""
    return None


def loaded(options: argparse.Namespace) -> Loaded | None:
    """What was seen, where it was asked for."""
    found: Loaded | None = options.was_loaded
    return found


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
