"""Find state in the wrong place by reading the code, without importing or running it.

It reads any Python 3 source, follows calls within the project, and says what goes wrong when two
requests come at once, and how to mend it. Exit status: 0 there is nothing to tell of, 1 there is
(see --fail-on), 2 it was asked wrongly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..doctor import baseline, configuration
from ..doctor.classes import known_codes
from ..doctor.comments import after_comments
from ..doctor.configuration import Configuration, check_codes
from ..doctor.examination import Examination, Problem, examine
from ..doctor.findings import SEVERITIES, Finding
from ..doctor.kept import Kept
from ..doctor.reports import LeftOut, Report, counted, explanation
from ..doctor.selection import Selection, at_least
from ..spelling import meant
from ._doctor import options as own_options
from ._doctor.extras import EXTRAS
from ._doctor.places import Shown, surroundings
from ._doctor.progress import Progress
from ._doctor.telling import tell
from ._output import Output
from ._status import DONE, WRONG_USE, CommandFailed

#: There is something to tell of.
FOUND = 1
_BASELINE = "holdfast-baseline.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `doctor` takes."""
    own_options.arguments(parser)
    for extra in EXTRAS:
        extra.arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    """Examine, and tell."""
    if options.explain:
        return _explain(options.explain, output)
    began = time.monotonic()
    places = options.paths or [Path()]
    configured = _configured(options, places)
    options.fail_on = options.fail_on or configured.fail_on
    selection = _selection(options, configured)
    root, around = surroundings(places, configured.file)
    kept = None if options.no_cache else Kept(root, options.cache_dir)
    try:
        with Progress() as progress:
            examination = examine(
                places,
                root,
                around=around,
                exclude=(*configured.exclude, *options.exclude),
                kept=kept,
                jobs=options.jobs,
                progress=progress,
            )
    except FileNotFoundError as error:
        raise CommandFailed(f"{error}.", WRONG_USE) from error
    for extra in EXTRAS:
        examination.findings += extra.more(options, examination, places)
    examination.seconds = time.monotonic() - began  # with what the extras did
    examination.findings.sort(key=lambda one: (one.path, one.line, one.column, one.code))
    if options.write_baseline is not None:
        return _write_baseline(options, configured, examination, selection, output)
    report = _report(options, configured, examination, selection)
    for extra in EXTRAS:
        status = extra.instead(options, examination, report, output)
        if status is not None:
            return status
    chosen = options.format or ("json" if output.as_json else "text")
    tell(report, chosen, options.output, output)
    return FOUND if _fails(report.findings, options.fail_on) else DONE


def _explain(named: str, output: Output) -> int:
    text = explanation.explanation(named)
    if not text:
        raise CommandFailed(
            f"The doctor knows no {named!r}.{meant(named, known_codes())}", WRONG_USE
        )
    output.document(text)
    return DONE


def _configured(options: argparse.Namespace, places: Sequence[Path]) -> Configuration:
    if options.config is not None:
        return configuration.read(options.config.absolute())
    file = configuration.nearest(places)
    return Configuration() if file is None else configuration.read(file)


def _selection(options: argparse.Namespace, configured: Configuration) -> Selection:
    select = check_codes(own_options.listed(options.select), "--select")
    ignore = check_codes(own_options.listed(options.ignore), "--ignore")
    return Selection(
        select or configured.select,
        (*configured.ignore, *ignore),
        options.severity or configured.severity,
        options.confidence or configured.confidence,
        configured.paths,
    )


def _told(examination: Examination, selection: Selection) -> tuple[list[Finding], int, int]:
    """What comments and the selection leave, and how many findings each of the two took."""
    by_file: dict[str, list[Finding]] = {name: [] for name in examination.comments}
    for finding in examination.findings:
        by_file.setdefault(finding.path, []).append(finding)
    known = known_codes()
    left: list[Finding] = []
    ignored = 0
    for name in sorted(by_file):
        comments = examination.comments.get(name, [])
        found, count = after_comments(name, by_file[name], comments, known)
        left += sorted(found, key=lambda one: (one.line, one.column, one.code))
        ignored += count
    told = [finding for finding in left if selection.shows(finding)]
    return told, ignored, len(left) - len(told)


def _report(
    options: argparse.Namespace,
    configured: Configuration,
    examination: Examination,
    selection: Selection,
) -> Report:
    told, by_comments, by_selection = _told(examination, selection)
    file = options.baseline or configured.baseline
    by_baseline = gone = 0
    if file is not None:
        file = file.absolute()
        new, gone = baseline.new_ones(told, baseline.read(file), examination.root, file)
        by_baseline = len(told) - len(new)
        told = new
    shown = Shown(examination.root)
    return Report(
        [replace(finding, path=shown.path(finding.path)) for finding in told],
        [Problem(shown.path(one.path), one.message) for one in examination.problems],
        len(examination.files),
        examination.lines,
        examination.reread,
        examination.seconds,
        LeftOut(by_comments, by_selection, by_baseline, gone),
    )


def _write_baseline(
    options: argparse.Namespace,
    configured: Configuration,
    examination: Examination,
    selection: Selection,
    output: Output,
) -> int:
    named = options.write_baseline if options.write_baseline != Path() else None
    file = (
        named or options.baseline or configured.baseline or examination.root / _BASELINE
    ).absolute()
    told, _, _ = _told(examination, selection)
    try:
        count = baseline.write(file, told, examination.root)
    except OSError as error:
        raise CommandFailed(
            f"{file} can't be written: {error.strerror or error}.", WRONG_USE
        ) from error
    output.record(
        {"baseline": str(file), "findings": count},
        f"{counted(count, 'finding')} written to {file}. From now on: --baseline, or baseline ="
        f" in [tool.holdfast.doctor].",
    )
    return DONE


def _fails(findings: Sequence[Finding], fail_on: str) -> bool:
    return fail_on != "never" and any(
        at_least(finding.severity, fail_on, SEVERITIES) for finding in findings
    )
