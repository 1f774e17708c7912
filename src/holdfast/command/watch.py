"""Run a server and see what its requests write and read of each other.

    holdfast watch -- gunicorn mysite.wsgi --workers 2

The command is run as it stands, with all processes that it starts; use the site meanwhile, and end
it with Ctrl-C. Or say what users are to ask, as with `holdfast probe`, and it ends by itself:

    holdfast watch --path /labels/ --users 10 --requests 20 -- gunicorn mysite.wsgi --threads 4

What one request reads of another is told as it happens: a lost write and a leak are bugs, and so is
an answer that shows what another user sent. Exit status: 0 none was found, 1 some were, 2 it was
asked wrongly, the server didn't run, or nothing was watched.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..aboard import environment
from ..aboard.command import ServerCommand
from ..probe.run import Run
from ..watch import reports
from ..watch.crossings import Kind
from ._output import Output, printable
from ._probe.extra import check_extra
from ._probe.options import about_users, plan_of
from ._probe.progress import Progress
from ._status import DONE, WRONG_USE, CommandFailed

#: Something went from one request to another.
FOUND = 1
#: Seconds for which users ask, unless it is said otherwise.
_LONGEST = 60.0
#: Of what the server printed, so many lines are shown where it failed.
_LINES_OF_LOG = 30
#: So many answers with another user's markers are shown.
_FEW = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `watch` takes."""
    parser.add_argument(
        "--root",
        action="append",
        metavar="FOLDER",
        help="folder of the project's own code (may be given several times); default: this one",
    )
    parser.add_argument(
        "--package",
        action="append",
        default=[],
        metavar="NAME",
        help="watch this installed package as well (may be given several times); those whose"
        " middleware a Django project uses are watched anyway",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help="end the server after so long; default: never. With users: they then ask no more",
    )
    parser.add_argument("--all", action="store_true", help="tell also of what may be on purpose")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write what was found as one page"
    )
    about_users(parser, default_path="; none: use the site yourself")
    parser.add_argument("server", nargs="+", metavar="COMMAND", help="the server's command")


def run(options: argparse.Namespace, output: Output) -> int:
    """Run the server, and tell what crosses."""
    roots = [Path(root).resolve() for root in options.root or ["."]]
    for root in roots:
        if not root.is_dir():
            raise CommandFailed(f"--root {root}: there is no such folder.", WRONG_USE)
    if options.seconds is not None and options.seconds <= 0:
        raise CommandFailed("--seconds has to be more than 0.", WRONG_USE)
    with tempfile.TemporaryDirectory(prefix="holdfast-watch-") as folder:
        told = _Told(Path(folder), everything=options.all, quiet=output.as_json)
        settings = {
            "roots": [str(root) for root in roots],
            "packages": options.package,
            "reports": folder,
        }
        status, users = None, None
        if _asks(options):
            users = _asked(options, roots, settings, told)
        else:
            status = _served(options, settings, told)
        found, seen = told.all(), reports.seen(Path(folder))
    crossed = [asdict(one) for one in users.crossed] if users is not None else []
    if options.html is not None:
        _write_page(options, users, found)
    bugs = sum(1 for one in found if Kind(one["kind"]).is_bug) + len(crossed)
    output.record(
        {
            "requests": seen.requests,
            "crossings": found,
            "bugs": bugs,
            "crossed": crossed,
            "server_status": status,
        },
        _summary(found, crossed, bugs, seen.requests),
    )
    if status not in {0, None} and not found:
        raise CommandFailed(f"The server ended by itself, with status {status}.", WRONG_USE)
    if bugs:
        return FOUND
    unseen = _unseen(seen)
    if unseen:
        raise CommandFailed(unseen, WRONG_USE)
    return DONE


def _unseen(seen: reports.Seen) -> str:
    """Why it means nothing that no bug was found, if it doesn't."""
    if not seen.aboard:
        return (
            "No process of the server was watched: Python's options -E and -I leave the watch out,"
            " and so does a process that may not write where this one reads."
        )
    if seen.unreported:
        return "Not all that was seen could be reported: the server's output says why."
    if not seen.requests:
        return "No request was seen: use the site, or give --path."
    if not seen.modules:
        return "None of the project's modules was watched: name its folder by --root."
    return ""


def _asks(options: argparse.Namespace) -> bool:
    """Whether users are to ask, and what."""
    if options.path or options.plan or options.openapi or options.urlconf:
        return True
    if options.requests or options.login or options.token_login or options.account:
        raise CommandFailed("What are users to ask? Give --path, --plan, --openapi.", WRONG_USE)
    return False


def _asked(
    options: argparse.Namespace, roots: Sequence[Path], settings: dict[str, Any], told: _Told
) -> Run:
    """Send the probe's users."""
    check_extra("holdfast watch --path")
    from ..probe.conduct import Conductor, ServerFailedError
    from ..probe.users.plan import PlanError

    options.seconds = options.seconds or _LONGEST
    with _interruptible(), Progress() as progress:
        try:
            with Conductor(
                options.server,
                plan_of(options),
                roots,
                observe=False,
                told=progress,
                observers={"holdfast.watch.aboard": settings},
            ) as conductor:
                run = conductor.run()
        except (PlanError, ServerFailedError) as error:
            said = getattr(error, "log", "").rstrip().splitlines()[-_LINES_OF_LOG:]
            sys.stderr.write("".join(f"  | {printable(line)}\n" for line in said))
            raise CommandFailed(printable(str(error)), WRONG_USE) from error
        except OSError as error:
            raise CommandFailed(f"{options.server[0]}: {error.strerror}", WRONG_USE) from error
    told.news()
    return run


def _write_page(
    options: argparse.Namespace, users: Run | None, found: Sequence[dict[str, Any]]
) -> None:
    from ..probe.report import watched
    from ..probe.report.page import whole

    page = whole.written(watched.report_of(options.server, users, found))
    try:
        options.html.write_text(page, "utf-8", "backslashreplace")
    except OSError as error:
        raise CommandFailed(f"{options.html}: {error.strerror}", WRONG_USE) from error


def _served(options: argparse.Namespace, settings: dict[str, Any], told: _Told) -> int | None:
    """The server's exit status, if it ended by itself."""
    words = options.server
    with _interruptible():
        try:
            server = ServerCommand(
                words,
                environment({"holdfast.watch.aboard": settings}),
                # Of ours, that is for a program.
                to_stderr=options.json,
            )
        except OSError as error:
            raise CommandFailed(f"{words[0]}: {error.strerror}", WRONG_USE) from error
        try:
            return server.wait(options.seconds, told.news)
        except KeyboardInterrupt:
            return None
        finally:
            server.end()
            told.news()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ended by SIGTERM as by Ctrl-C: the server does not stay behind."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Told:
    """Tells each crossing once, as it comes."""

    def __init__(self, reports: Path, *, everything: bool, quiet: bool) -> None:
        self._reports = reports
        self._everything = everything
        self._quiet = quiet
        self._known: set[str] = set()
        self._found: list[dict[str, Any]] = []

    def all(self) -> list[dict[str, Any]]:
        """Bugs first."""
        order = [kind.value for kind in Kind]
        return sorted(self._found, key=lambda one: order.index(one["kind"]))

    def news(self) -> None:
        """Read what came, and tell it."""
        for one in reports.read(self._reports):
            place = [one["kind"], one["place"], *(one[side]["stack"][:1] for side in _SIDES)]
            key = json.dumps(place)
            if key in self._known:
                continue
            self._known.add(key)
            self._found.append(one)
            if not self._quiet and (self._everything or Kind(one["kind"]).is_bug):
                sys.stderr.write(printable(_told(one)) + "\n\n")


_SIDES = ("written", "read")


def _told(one: dict[str, Any]) -> str:
    lines = [f"{one['kind']}: {one['message']}"]
    for side in _SIDES:
        lines.append(f"  {side} by {one[side]['request']}")
        for frame in one[side]["stack"][:4]:
            lines.append(f"    {frame['path']}:{frame['line']} in {frame['function']}")
            if frame["text"]:
                lines.append(f"      {frame['text']}")
    lines.append(f"  mend: {one['mend']}")
    return "\n".join(lines)


def _summary(
    found: Sequence[dict[str, Any]], crossed: Sequence[dict[str, Any]], bugs: int, requests: int
) -> str:
    shared = [one["place"] for one in found if not Kind(one["kind"]).is_bug]
    lines = [
        f"Request {one['seer']} got to see the {one['marker_kind']} of request {one['owner']},"
        f" in the {one['where']}: {printable(one['text'])}"
        for one in crossed[:_FEW]
    ]
    if len(crossed) > _FEW:
        lines.append(f"And {len(crossed) - _FEW} more of the kind.")
    lines.append(
        f"{requests:,} {'request' if requests == 1 else 'requests'} watched,"
        f" {bugs} {'bug' if bugs == 1 else 'bugs'} found."
    )
    if shared:
        lines.append(
            f"Shared between requests, perhaps on purpose (then declare it with"
            f" holdfast.worker_state): {', '.join(sorted(set(shared)))}"
        )
    return "\n".join(lines)
