"""The report as workflow commands: GitHub shows each finding beside its line."""

from __future__ import annotations

from collections.abc import Iterator

from . import Report, counted

_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}


def written(report: Report) -> str:
    """A command for each finding and each problem, and a last line for the log."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        properties = {
            "file": finding.path,
            # No end: GitHub shows a finding at its end, and that of a class may be far away.
            "line": str(finding.line),
            "title": f"{finding.code} in {finding.symbol}" if finding.symbol else finding.code,
        }
        yield _command(
            _LEVELS[finding.severity], properties, f"{finding.message}\nMend: {finding.mend}"
        )
    for problem in report.problems:
        yield _command("notice", {"file": problem.path}, f"Not examined: {problem.message}")
    yield f"{counted(len(report.findings), 'finding')} in {counted(report.files, 'file')}"


def _command(level: str, properties: dict[str, str], message: str) -> str:
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {given}::{_data(message)}"


def _data(text: str) -> str:
    return _plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """Without what a terminal would obey, and without half characters: names of files hold both."""
    return "".join(
        letter if letter.isprintable() or letter in "\r\n" else repr(letter)[1:-1]
        for letter in text
    )
