"""What only the loaded project shows: codes of its findings, and the process that looks.

The doctor loads nothing itself. A child process does (`holdfast.django.loaded`), with a time-out
and its output kept apart, and leaves behind what it saw.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .findings import Finding
from .rules import Rule

POOL = Rule(
    "S8e",
    "A database pool that can't work",
    """Django hands `"pool"` on to psycopg or oracledb: without the package, together with
`CONN_MAX_AGE`, with other databases or with sizes that contradict each other, the first query
fails.""",
    """
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"pool": True},
    }
}
""",
    """
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 0,
        "OPTIONS": {"pool": True},
    }
}
""",
    lambda _file: iter(()),
)
VERSION = Rule(
    "S8f",
    "An installed version with a known fault",
    """Some versions of packages lose or mix up what belongs to a request, whatever the project's
own code does.""",
    """
# requirements.txt
asgiref==3.10.0
""",
    """
# requirements.txt
asgiref==3.13.0
""",
    lambda _file: iter(()),
)
OWN = Rule(
    "H2a",
    "Holdfast's own middleware, wrapper or settings",
    """What Holdfast's system checks say of the loaded project: the request scope has to be the
outermost, and what it is set to has to be known.""",
    """
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "holdfast.django.middleware.RequestScope",
]
""",
    """
MIDDLEWARE = [
    "holdfast.django.middleware.RequestScope",
    "django.middleware.security.SecurityMiddleware",
]
""",
    lambda _file: iter(()),
)
SWITCHES = Rule(
    "H2b",
    "What the middleware chain costs a request under ASGI",
    """Each sync-only middleware, each hook of a MiddlewareMixin and each sync view makes the
request change threads. How often, and what that costs on this machine, shows in the chain that
Django builds; `manage.py holdfast stack` tells it step by step.""",
    """
MIDDLEWARE = ["shop.middleware.SyncOnly"]
""",
    """
MIDDLEWARE = ["shop.middleware.SyncAndAsync"]
""",
    lambda _file: iter(()),
)
NOT_LOADED = Rule(
    "D2a",
    "The project could not be loaded",
    """`--settings` was given, and importing the settings, the apps or the URLconf failed, as it
would when a server starts, or took too long. What only the loaded project shows is not known
then.""",
    """
INSTALLED_APPS = ["shpo"]
""",
    """
INSTALLED_APPS = ["shop"]
""",
    lambda _file: iter(()),
)
#: They look at no file.
RULES = (POOL, VERSION, OWN, SWITCHES, NOT_LOADED)


@dataclass(frozen=True)
class Loaded:
    """What the child process saw.

    Attributes:
        findings: by their places; paths are from the project's folder on.
        chain: how a request is served, as `manage.py holdfast stack --json` has it.
        django: the version.
    """

    findings: list[Finding] = field(default_factory=list)
    chain: list[dict[str, Any]] = field(default_factory=list)
    django: str = ""


def load(settings: str, root: Path, folders: Sequence[Path], timeout: float) -> Loaded:
    """Have a child process load the project, and look.

    Args:
        settings: the module, such as `mysite.settings`.
        root: the project's folder.
        folders: where its modules are found, besides those that are installed.
        timeout: seconds; then the child, and all that it has started, is ended.
    """
    with tempfile.TemporaryDirectory(prefix="holdfast-") as folder:
        result, printed = Path(folder, "result.json"), Path(folder, "printed")
        command = [
            sys.executable, "-m", "holdfast.django.loaded", settings, str(root), str(result),
            *map(str, folders),
        ]  # fmt: skip
        status = _run(command, folders[0] if folders else root, printed, timeout)
        if result.exists():
            return _read(json.loads(result.read_text("utf-8")), settings, root)
        last = _last_line(printed)
    if status is None:
        why = f"it took longer than {timeout:g} s (--settings-timeout)"
    else:
        why = f"its process ended with {status}" + (f": {last}" if last else "")
    return Loaded([_not_loaded(settings, root, why, None)])


def _run(command: list[str], folder: Path, printed: Path, timeout: float) -> int | None:
    """The exit status; None: it was ended, as it took too long."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with printed.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return child.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                # Whatever it has started goes with it; also where we are interrupted.
                with contextlib.suppress(OSError, AttributeError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.kill()
                child.wait()


def _last_line(printed: Path) -> str:
    lines = printed.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""


def _read(written: dict[str, Any], settings: str, root: Path) -> Loaded:
    if written["problem"]:
        return Loaded([_not_loaded(settings, root, written["problem"], written.get("where"))])
    findings = list(_findings(written["seen"], root))
    findings += [_not_loaded(settings, root, why, None) for why in written["failed"]]
    return Loaded(findings, written["chain"], written["django"])


def _findings(seen: list[dict[str, Any]], root: Path) -> Iterator[Finding]:
    for one in seen:
        place = one["place"]
        yield Finding(
            code=one["code"],
            path=_shown(place["file"], root),
            line=place["line"],
            column=1,
            end_line=place["line"],
            symbol=one["symbol"],
            attribute=one["attribute"],
            severity=one["severity"],
            confidence="high",
            message=one["message"],
            mend=one["mend"],
            text=_line(place["file"], place["line"]),
        )


def _not_loaded(settings: str, root: Path, why: str, where: dict[str, Any] | None) -> Finding:
    file = where["file"] if where else str(root.joinpath(*settings.split(".")).with_suffix(".py"))
    if where is None and not Path(file).exists():
        file = str(root / "manage.py")
    line = where["line"] if where else 1
    return Finding(
        code=NOT_LOADED.code,
        path=_shown(file, root),
        line=line,
        column=1,
        end_line=line,
        symbol=settings,
        attribute="",
        severity="error",
        confidence="high",
        message=f"{settings} can't be loaded: {why}.".replace("..", "."),
        mend="Have `manage.py check` run, with the same settings and the same environment.",
        text=_line(file, line),
    )


def _shown(file: str, root: Path) -> str:
    path = Path(file)
    for base in (root, root.resolve()):
        if path.is_relative_to(base):
            return path.relative_to(base).as_posix()
    return path.as_posix()


def _line(file: str, line: int) -> str:
    try:
        lines = Path(file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
