"""Writing the report in the format that was asked for, to where it was asked for."""

from __future__ import annotations

from pathlib import Path

from ...doctor.reports import Report, as_json, github, sarif, text
from .._output import Output, printable
from .._status import WRONG_USE, CommandFailed

_WRITTEN = {"json": as_json.written, "sarif": sarif.written, "github": github.written}


def tell(report: Report, chosen: str, file: Path | None, output: Output) -> None:
    """Write it.

    Args:
        report: what is told.
        chosen: one of the formats.
        file: where to; None: to *output*. People are then told how many findings it has.
        output: the terminal.
    """
    if file is None:
        if chosen == "text":
            output.lines(lambda width: text.lines(report, width))
        else:
            output.document(_WRITTEN[chosen](report))
        return
    if chosen == "text":
        plain = ["".join(piece for piece, _ in line) for line in text.lines(report)]
        document = "".join(f"{printable(line)}\n" for line in plain)
    else:
        document = _WRITTEN[chosen](report)
    try:
        file.write_text(document, "utf-8", "backslashreplace")
    except OSError as error:
        raise CommandFailed(
            f"{file} can't be written: {error.strerror or error}.", WRONG_USE
        ) from error
    output.lines(lambda width: text.summary(report))  # noqa: ARG005 - nothing to be broken
