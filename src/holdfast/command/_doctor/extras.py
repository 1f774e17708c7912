"""What `holdfast doctor` can do besides looking and telling; each one brings options of its own."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from ...doctor.examination import Examination
from ...doctor.findings import Finding
from ...doctor.reports import Report
from .._output import Output
from . import drawing, fixing, loading


class Extra(Protocol):
    """One of them: a module, or an object."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the options."""

    def more(
        self, options: argparse.Namespace, examination: Examination, places: list[Path]
    ) -> Iterable[Finding]:
        """Findings that reading the code can't give, before any are left out.

        Their paths are from `examination.root` on.
        """

    def instead(
        self,
        options: argparse.Namespace,
        examination: Examination,
        report: Report,
        output: Output,
    ) -> int | None:
        """Do what was asked for with the findings that are told, and return the exit status.

        None: nothing was asked for, or the report is to follow. Paths in *report* are as they are
        shown: from the working directory on, or absolute.
        """


EXTRAS: tuple[Extra, ...] = (loading, drawing, fixing)
