"""The report in a terminal: how concurrent it was, who is to blame, and the picture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ..findings.finding import Finding, Proof
from .gantt import Line, gantt
from .looks import LOOKS, as_seconds, short
from .report import Report, counted, humane

#: Where no terminal says how wide it is.
WIDTH = 80
_INDENT = "    "
_MOST_EVIDENCE = 6


def lines(report: Report, width: int | None = None, *, colours: bool = False) -> Iterator[Line]:
    """The report, line by line.

    Args:
        report: what is told.
        width: columns of the terminal. None: there is none, and sentences are not broken.
        colours: whether the looks of the pieces will be seen.
    """
    yield from verdict(report, width)
    yield []
    for number, finding in enumerate(report.findings, 1):
        yield from _finding(number, finding, width)
        yield []
    if report.run.together:
        seconds = report.ideal.seconds
        yield from gantt(report.shown, seconds, width or WIDTH, colours=colours)


def verdict(report: Report, width: int | None = None) -> Iterator[Line]:
    """How concurrent the server was, in a few lines."""
    run, ideal = report.run, report.ideal
    if not run.together:
        yield [("No user got to ask anything.", "bold red")]
        return
    users = counted(run.users, "user")
    good = ideal.reached and not report.findings
    yield [
        (f"{users}: {as_seconds(run.wall)}", "bold green" if good else "bold"),
        (f", at best {as_seconds(ideal.seconds)}. ", "bold"),
        (f"{ideal.parallelism:.1f} of them were served at a time.", ""),
    ]
    if not report.findings:
        yield [(nothing(report), "green" if good and not report.excused else "yellow")]
    if report.disturbed:
        yield from _broken(disturbance(report), width, "yellow", indent="")


def nothing(report: Report) -> str:
    """What is said where nothing was found."""
    if report.excused:
        return "Nothing can be said: the server had too little of this machine."
    if report.ideal.reached:
        return "Nothing found: nobody was in another's way."
    return "Slower than it could be, and no cause was found."


def disturbance(report: Report) -> str:
    """What is to be known of the machine."""
    return (
        "The machine kept the server from its processors for"
        f" {as_seconds(report.ideal.starved)}: others were computing. Run it again on a quiet"
        " machine for better figures."
    )


def _finding(number: int, one: Finding, width: int | None) -> Iterator[Line]:
    colour = LOOKS[one.code].colour if one.code in LOOKS else "red"
    sure = "" if one.proved else "  suspected, not proved"
    yield [
        (f"{number:>2}. ", "bold"),
        (one.code, f"bold {colour}"),
        (f"  {short(one.culprit)}", "bold"),
        (f"  {short(one.place)}" if one.place else "", "dim"),
        (sure, "yellow"),
    ]
    yield from _broken(humane(one.sentence), width)
    if one.proof is not None and not one.proof.holds:
        yield from _broken(_not_proved(one.proof), width, "yellow")
    yield from _broken(f"Mend: {one.mend}", width, "green")
    for line in one.evidence[:_MOST_EVIDENCE]:
        yield from _broken(humane(short(line)), width, "dim")
    more = len(one.evidence) - _MOST_EVIDENCE
    if more > 0:
        yield [(f"{_INDENT}and {counted(more, 'more line')}: --json has them", "dim")]


def _not_proved(proof: Proof) -> str:
    times = f"{as_seconds(proof.after)} instead of {as_seconds(proof.before)}"
    return f"Run again {proof.changed}: {times}. {proof.why_not}".rstrip()


def _broken(text: str, width: int | None, style: str = "", indent: str = _INDENT) -> Iterator[Line]:
    if width is None:
        yield [(f"{indent}{text}", style)]
        return
    for line in textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
    ):
        yield [(line, style)]
