"""`--fix` and `--diff`: mending what was found."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...doctor import configuration, sources
from ...doctor.examination import Examination
from ...doctor.findings import SEVERITIES, Finding
from ...doctor.globs import matches
from ...doctor.index import ModuleIndex
from ...doctor.kept import Kept, records
from ...doctor.reports import Report, counted
from ...doctor.selection import at_least
from .._output import Output
from .._status import DONE, WRONG_USE, CommandFailed
from .places import Shown, surroundings

if TYPE_CHECKING:
    from ...doctor.mend.outcome import MendedFile, Outcome

_FOUND = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    group = parser.add_argument_group("mending (needs holdfast[doctor])")
    group.add_argument(
        "--fix",
        action="store_true",
        help="mend what can surely be mended, and say why the rest is left",
    )
    group.add_argument(
        "--diff",
        action="store_true",
        help="show what --fix would change, and write nothing; exit with 1 if there is something",
    )


def more(
    options: argparse.Namespace, examination: Examination, places: list[Path]
) -> Iterable[Finding]:
    """Nothing."""
    return ()


def instead(
    options: argparse.Namespace, examination: Examination, report: Report, output: Output
) -> int | None:
    """Mend, and say what was done."""
    if not (options.fix or options.diff):
        return None
    try:
        from ...doctor.mend import mending
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "libcst":
            raise
        raise CommandFailed(
            "--fix needs LibCST, which is not installed: pip install 'holdfast[doctor]'", WRONG_USE
        ) from error
    files = dict(_files(options, examination))
    outcome = mending.mended(report.findings, files, _known(options, examination))
    unknown = Counter(one.code for one in report.findings if one.code not in mending.MENDABLE)
    if options.diff:
        return _show(outcome, output)
    failures = list(_write(outcome))
    output.record(_facts(outcome, failures), _text(outcome, failures, unknown))
    if failures:
        return WRONG_USE
    gone = Counter((one.finding.code, one.finding.path) for one in outcome.mended)
    left = []
    for finding in report.findings:
        if gone[finding.code, finding.path] > 0:
            gone[finding.code, finding.path] -= 1
        else:
            left.append(finding)
    fail_on = options.fail_on
    fails = fail_on != "never" and any(at_least(one.severity, fail_on, SEVERITIES) for one in left)
    return _FOUND if fails else DONE


def _files(options: argparse.Namespace, examination: Examination) -> Iterator[tuple[str, Path]]:
    """Those that were examined, and those around them, which say what they inherit and call."""
    shown = Shown(examination.root)
    for name in examination.files:
        yield shown.path(name), examination.root / name
    places = options.paths or [Path()]
    file = options.config.absolute() if options.config else configuration.nearest(places)
    configured = configuration.Configuration() if file is None else configuration.read(file)
    _, around = surroundings(places, configured.file)
    exclude = (*configured.exclude, *options.exclude)

    def left_out(path: Path) -> bool:
        return path.is_relative_to(examination.root) and matches(
            path.relative_to(examination.root).as_posix(), exclude
        )

    for path in sources.python_files(around, left_out=left_out):
        if path.is_relative_to(examination.root):
            yield shown.path(path.relative_to(examination.root).as_posix()), path


def _known(options: argparse.Namespace, examination: Examination) -> dict[str, ModuleIndex]:
    """What was kept of the files when they were examined, a moment ago."""
    if options.no_cache:
        return {}
    shown = Shown(examination.root)
    said = Kept(examination.root, options.cache_dir).indexes()
    try:
        return {shown.path(name): records(index) for name, (_, index) in said.items()}
    except Exception:  # noqa: BLE001 - whatever is wrong with what was kept: the files are there
        return {}


def _write(outcome: Outcome) -> Iterator[str]:
    """Write the files; those that could not be written are told, and are as they were."""
    from ...doctor.mend.files import NotWrittenError, write

    for file in list(outcome.files):
        try:
            write(file)
        except NotWrittenError as error:
            outcome.files.remove(file)
            yield str(error)


def _show(outcome: Outcome, output: Output) -> int:
    from ...doctor.mend.diffs import diff

    diffs = {file.shown: diff(file) for file in outcome.files}
    if output.as_json:
        facts = _facts(outcome, [])
        for one in facts["files"]:
            one["diff"] = diffs[one["path"]]
        output.record(facts, "")
    elif diffs:
        output.document("".join(diffs.values()))
    # As others do it: the diff alone goes to where it may be piped into `patch`.
    if not output.as_json:
        sys.stderr.write("\n".join([*_why_left(outcome), _would(outcome)]) + "\n")
    return _FOUND if diffs else DONE


def _would(outcome: Outcome) -> str:
    if not outcome.files:
        return "Nothing would be mended."
    return f"Would mend {_counted(outcome)}."


def _counted(outcome: Outcome) -> str:
    return f"{counted(len(outcome.mended), 'finding')} in {counted(len(outcome.files), 'file')}"


def _why_left(outcome: Outcome) -> list[str]:
    return [str(one) for one in outcome.refused]


def _text(outcome: Outcome, failures: list[str], unknown: Counter[str]) -> str:
    lines = [_line(file) for file in outcome.files]
    lines += _why_left(outcome)
    lines += failures
    lines += [f"Note: {note}" for note in outcome.notes]
    if outcome.files:
        lines.append(f"Mended {_counted(outcome)}.")
    else:
        lines.append("Nothing was mended.")
    if unknown:
        codes = ", ".join(f"{code} ({count})" for code, count in sorted(unknown.items()))
        lines.append(f"Left to you: {codes}.")
    return "\n".join(lines)


def _line(file: MendedFile) -> str:
    codes = Counter(one.finding.code for one in file.mended)
    return f"{file.shown}: mended {', '.join(f'{code} ({n})' for code, n in sorted(codes.items()))}"


def _facts(outcome: Outcome, failures: list[str]) -> dict[str, Any]:
    return {
        "files": [
            {
                "path": file.shown,
                "mended": [
                    {
                        "code": one.finding.code,
                        "line": one.finding.line,
                        "symbol": one.finding.symbol,
                        "attribute": one.finding.attribute,
                    }
                    for one in file.mended
                ],
            }
            for file in outcome.files
        ],
        "left": [
            {
                "code": one.finding.code,
                "path": one.finding.path,
                "line": one.finding.line,
                "symbol": one.finding.symbol,
                "why": one.why,
            }
            for one in outcome.refused
        ],
        "failures": failures,
        "notes": outcome.notes,
    }
