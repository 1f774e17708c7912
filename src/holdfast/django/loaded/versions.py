"""Installed packages whose version has a fault that loses or mixes up a request's state."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from .places import Places
from .seen import Seen


@dataclass(frozen=True)
class Fault:
    """A package's versions, and what is wrong with them.

    Attributes:
        since: the first of them.
        until: the first that is right again; empty: none yet.
        python: of which Python it is true; empty: of all.
    """

    package: str
    since: str
    until: str
    what: str
    mend: str
    python: tuple[int, int] | None = None


FAULTS = (
    Fault(
        "asgiref",
        "3.8.0",
        "3.13.0",
        "carries a context variable over sync_to_async and async_to_sync only if its new value is"
        " unequal to the old one: a new dict or list that equals the old one is lost",
        "Upgrade it to 3.13 or newer.",
    ),
    Fault(
        "granian",
        "2.0.0",
        "",
        "on Python 3.11 with --task-impl rust never resumes some calls that outlive their response,"
        " and keeps a thread for each",
        "Use --task-impl asyncio, or Python 3.12 or newer.",
        (3, 11),
    ),
    Fault(
        "gunicorn",
        "26.0.0",
        "",
        "has no eventlet worker any more: -k eventlet fails at the start",
        "Use -k gevent, or stay below 26.",
    ),
)


def look(places: Places) -> Iterator[Seen]:
    """Those that are installed here."""
    for fault in FAULTS:
        try:
            installed = version(fault.package)
        except PackageNotFoundError:
            continue
        if not _is_hit(fault, installed) or not _is_used(fault):
            continue
        yield Seen(
            "S8f",
            places.setting("INSTALLED_APPS"),
            fault.package,
            fault.package,
            "warning",
            f"{fault.package} {installed} {fault.what}.",
            fault.mend,
        )


def _is_used(fault: Fault) -> bool:
    if fault.package != "gunicorn":
        return True
    try:
        version("eventlet")
    except PackageNotFoundError:
        return False
    return True


def _is_hit(fault: Fault, installed: str) -> bool:
    if fault.python is not None and sys.version_info[:2] != fault.python:
        return False
    number = _numbers(installed)
    return _numbers(fault.since) <= number and (not fault.until or number < _numbers(fault.until))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
