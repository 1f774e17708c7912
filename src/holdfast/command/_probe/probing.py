"""Probing: the runs, and what is told of them."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...probe.change import Change
from ...probe.conduct import Conductor, ServerFailedError
from ...probe.findings import Examined, Finding, examine, prove
from ...probe.report import compare, document, text, trace
from ...probe.report.page import whole
from ...probe.report.report import Report
from ...probe.run import Run
from ...probe.users.plan import Plan, PlanError
from .._output import Output, printable
from .._status import DONE, WRONG_USE, CommandFailed
from . import options as own_options
from .progress import Progress

#: Something was found.
FOUND = 1
#: Of what the server printed, so many lines are shown where it failed.
_LINES_OF_LOG = 30
#: So many of a kind are named.
_FEW = 5
_RERUNS = 4
_ENDS = (signal.SIGTERM, signal.SIGHUP)


def probe(options: argparse.Namespace, output: Output) -> int:
    """Run the server, send the users, tell, and return the exit status."""
    roots = [Path(root) for root in options.root or ["."]]
    for root in roots:
        if not root.is_dir():
            raise CommandFailed(f"--root {root}: there is no such folder.", WRONG_USE)
    try:
        plan = own_options.plan_of(options)
        earlier = None if options.compare is None else compare.read(options.compare)
    except (PlanError, compare.NotComparableError) as error:
        raise CommandFailed(str(error), WRONG_USE) from error
    if earlier is not None and earlier.get("users") != plan.users:
        raise CommandFailed(
            f"{options.compare} is of a run with --users {earlier.get('users')}: take as many now.",
            WRONG_USE,
        )
    _check_files(options)
    with _interruptible():
        report, notes = _probed(options, plan, roots)
    _write(options.html, lambda: whole.written(report))
    _write(options.trace, lambda: trace.written(report.runs))
    data = document.as_data(report)
    comparison = None
    if earlier is not None:
        try:
            comparison = compare.compared(earlier, data)
        except compare.NotComparableError as error:
            raise CommandFailed(str(error), WRONG_USE) from error
        data["compared"] = comparison.as_data()
    data["notes"] = notes
    if output.as_json:
        output.record(data, "")
    else:
        output.lines(lambda width: text.lines(report, width, colours=output.coloured))
        if comparison is not None:
            output.lines(lambda _: comparison.lines())
        output.lines(lambda _: ([(note, "")] for note in notes))
    if comparison is not None:
        return FOUND if comparison.worse else DONE
    died = "ended" in report.run.settings
    return FOUND if died or any(finding.proved for finding in report.findings) else DONE


def _probed(
    options: argparse.Namespace, plan: Plan, roots: Sequence[Path]
) -> tuple[Report, list[str]]:
    """All runs, and what was found; and what else is to be said."""
    observe = not options.only_canaries
    with (
        Progress() as progress,
        Conductor(
            options.server,
            plan,
            roots,
            observe=observe,
            told=lambda what: progress(f"{name}: {what}"),
            keep=options.keep,
        ) as conductor,
    ):
        name = "as it is"
        first = _first_run(conductor)
        runs = [first]
        examined = examine(first)
        found: Sequence[Finding] = examined.seen

        def again(change: Change, changed: str) -> Run:
            nonlocal name
            name = changed
            runs.append(conductor.run(change, changed))
            return runs[-1]

        if "ended" in first.settings or not first.together:
            pass  # It does not bear its users; nothing is to be had from running it again.
        elif observe:
            can_run = not options.no_proof
            found = prove(examined, again, most=_RERUNS) if can_run else _suspected(examined)
        report = Report(options.server, runs, examined.ideal, list(found))
        notes = _notes(first, conductor, report)
        if not observe:
            notes.append(
                "No times were taken in the server: only what crosses and what stays behind was"
                " looked for."
            )
        if options.keep is not None:
            notes.append(f"What was seen is kept in {conductor.folder}.")
        return replace(report, notes=notes), notes


def _suspected(examined: Examined) -> Sequence[Finding]:
    """What is said of suspects who are not heard."""

    def refused(change: Change, name: str) -> Run:
        raise RuntimeError(name)

    return prove(examined, refused, most=0)


def _first_run(conductor: Conductor) -> Run:
    try:
        return conductor.run()
    except ServerFailedError as failure:
        lines = failure.log.rstrip().splitlines()[-_LINES_OF_LOG:]
        if lines:
            said = "\n".join(f"  | {printable(line)}" for line in lines)
            sys.stderr.write(f"The server said:\n{said}\n")
        raise CommandFailed(printable(str(failure)), WRONG_USE) from failure
    except OSError as error:
        what = error.strerror or error
        raise CommandFailed(f"{error.filename or conductor.words[0]}: {what}", WRONG_USE) from error


def _notes(first: Run, conductor: Conductor, report: Report) -> list[str]:
    """What else is to be said."""
    notes = []
    plan = conductor.plan
    if "ended" in first.settings:
        last = first.log.rstrip().splitlines()[-_LINES_OF_LOG:]
        said = "".join(f"\n  | {line}" for line in last)
        notes.append(f"The server {first.settings['ended']} while users asked. It said:{said}")
    if conductor.left_out:
        several = len(conductor.left_out) > _FEW
        named = ", ".join(conductor.left_out[:_FEW]) + (", ..." if several else "")
        notes.append(f"Left out, as not answered as they should be: {named}")
    people = len({account.name for account in plan.accounts})
    if people == 1 and plan.canaries:
        notes.append(
            "All users have one account, so they may see what is each other's: to look for what"
            " crosses, give several by --account."
        )
    unseen = not first.served and first.together
    if unseen and "ended" not in first.settings:
        notes.append(
            "The observers saw no request: is the server's Python another one's child, in a"
            " container or behind a proxy? What made users wait can't be said then."
        )
    troubles = sorted({trouble.what for run in report.runs for trouble in run.troubles})
    notes += [f"Not all was observed: {what}" for what in troubles[:_FEW]]
    return notes


def _check_files(options: argparse.Namespace) -> None:
    """Say before the runs that a report can't be written after them."""
    for file in (options.html, options.trace):
        if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise CommandFailed(f"{file}: there is no folder for it.", WRONG_USE)


def _write(file: Path | None, made: Callable[[], str]) -> None:
    if file is None:
        return
    try:
        file.write_text(made(), "utf-8", "backslashreplace")
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}", WRONG_USE) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ended by SIGTERM, or with its terminal, as by Ctrl-C: the server does not stay behind."""

    def interrupt(*_: object) -> None:
        # As Ctrl-C: an event loop has a handler of its own for that.
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, interrupt) for number in _ENDS}
    # Shells have their background jobs ignore it, and SIGTERM, above, comes by it.
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
