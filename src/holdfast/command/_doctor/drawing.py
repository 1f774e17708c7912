"""`--html`: the report as one page, with a picture of where state lives."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from ...doctor.examination import Examination
from ...doctor.findings import Finding
from ...doctor.page import chain
from ...doctor.page.document import document
from ...doctor.reports import Report
from .._output import Output
from .._status import WRONG_USE, CommandFailed
from .loading import loaded
from .places import Shown


def arguments(parser: argparse.ArgumentParser) -> None:
    """The option."""
    group = parser.add_argument_group("a picture")
    group.add_argument(
        "--html",
        metavar="FILE",
        type=Path,
        help="also write the report as one page, with the middleware chain and where state lives",
    )


def more(
    options: argparse.Namespace, examination: Examination, places: list[Path]
) -> Iterable[Finding]:
    """Nothing."""
    return ()


def instead(
    options: argparse.Namespace, examination: Examination, report: Report, output: Output
) -> int | None:
    """Write the page; the report follows."""
    if options.html is None:
        return None
    was_loaded = loaded(options)
    if was_loaded is not None and was_loaded.chain:
        drawn = chain.from_loaded(was_loaded.chain)
    else:
        shown = Shown(examination.root)
        files = [(shown.path(name), examination.root / name) for name in examination.files]
        drawn = chain.from_settings(chain.written(files), report.findings)
    page = document(report, examination.root.name or "project", drawn)
    try:
        options.html.write_text(page, "utf-8", "backslashreplace")
    except OSError as error:
        raise CommandFailed(
            f"{options.html} can't be written: {error.strerror or error}.", WRONG_USE
        ) from error
    sys.stderr.write(f"The page is in {options.html}.\n")
    return None
