"""The report for people: each finding with its story, and then what can be read in ten seconds."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator

from ..classes import order, title
from ..codes import class_of
from ..findings import SEVERITIES, Finding
from . import Report, counted

#: A line in pieces: the text of each, and how it looks where colours are to be had.
Line = list[tuple[str, str]]
_COLOURS = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_MOST_PROBLEMS = 5
_MOST_PLACES = 2


def lines(report: Report, width: int | None = None) -> Iterator[Line]:
    """The report, line by line.

    Args:
        report: what is told.
        width: where sentences are broken; None: nowhere, so that lines can be searched.
    """
    for finding in report.findings:
        yield from _finding(finding, width)
        yield []
    yield from summary(report)


def _finding(finding: Finding, width: int | None) -> Iterator[Line]:
    yield [
        (f"{finding.path}:{finding.line}:{finding.column}", "bold"),
        ("  ", ""),
        (finding.code, _COLOURS[finding.severity]),
        (f" {finding.severity}, {finding.confidence} confidence", _COLOURS[finding.severity]),
        (f", in {finding.symbol}" if finding.symbol else "", ""),
    ]
    if finding.text:
        yield [(f"    {finding.text}", "dim")]
    for text in _broken(finding.message, width):
        yield [(text, "")]
    for text in _broken(f"Mend: {finding.mend}", width):
        yield [(text, "green")]


def _broken(text: str, width: int | None) -> list[str]:
    if width is None:
        return [f"    {text}"]
    indent = "    "
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def summary(report: Report) -> Iterator[Line]:
    """What can be read in ten seconds."""
    for problem in report.problems[:_MOST_PROBLEMS]:
        yield [("not examined  ", "magenta"), (f"{problem.path}: {problem.message}", "")]
    more = len(report.problems) - _MOST_PROBLEMS
    if more > 0:
        yield [(f"not examined  {counted(more, 'more file')}: --format json names them", "magenta")]
    yield from _table(report.findings)
    yield [(_last_line(report), "bold")]
    for line in _left_out(report):
        yield [(line, "dim")]
    if report.findings:
        code = _worst(report.findings).code
        yield [(f"Why it matters, wrong and right: holdfast doctor --explain {code}", "dim")]


def _table(findings: list[Finding]) -> Iterator[Line]:
    classes: dict[str, list[Finding]] = {}
    for finding in findings:
        classes.setdefault(class_of(finding.code), []).append(finding)
    titles = {class_: title(class_) for class_ in classes}
    width = max((len(text) for text in titles.values()), default=0)
    for class_ in sorted(classes, key=order):
        found = sorted(classes[class_], key=_urgency)
        places = ", ".join(f"{one.path}:{one.line}" for one in found[:_MOST_PLACES])
        more = " ..." if len(found) > _MOST_PLACES else ""
        yield [
            (f"{class_:<4}", _COLOURS[found[0].severity]),
            (f"{len(found):>5}  ", "bold"),
            (f"{titles[class_]:<{width}}  ", ""),
            (f"{places}{more}", "dim"),
        ]


def _last_line(report: Report) -> str:
    severities = Counter(finding.severity for finding in report.findings)
    parts = [
        counted(severities[severity], name, name if severity == "info" else "")
        for severity, name in zip(SEVERITIES, ("error", "warning", "info"), strict=True)
        if severities[severity]
    ]
    found = counted(len(report.findings), "finding") if report.findings else "No findings"
    kinds = f" ({', '.join(parts)})" if parts else ""
    places = len({finding.path for finding in report.findings})
    within = f" in {places:,} of" if report.findings else " in"
    return (
        f"{found}{kinds}{within} {counted(report.files, 'file')},"
        f" {counted(report.lines, 'line')}, {report.seconds:.1f} s"
    )


def _left_out(report: Report) -> Iterator[str]:
    left_out = report.left_out
    parts = [
        f"{number:,} {why}"
        for number, why in (
            (left_out.by_comments, "ignored by comments"),
            (left_out.by_baseline, "in the baseline"),
            (left_out.by_selection, "not asked for"),
        )
        if number
    ]
    if parts:
        yield f"Left out: {', '.join(parts)}."
    if left_out.gone_from_baseline:
        gone = counted(left_out.gone_from_baseline, "finding")
        yield f"{gone} of the baseline can't be found any more: write it anew (--write-baseline)."


def _worst(findings: list[Finding]) -> Finding:
    return min(findings, key=_urgency)


def _urgency(finding: Finding) -> tuple[int, int]:
    return SEVERITIES.index(finding.severity), ("high", "medium", "low").index(finding.confidence)
