"""The server lets in too few requests at a time: the others wait before the application."""

from __future__ import annotations

from collections.abc import Iterator

from ...change import Change
from ..causes import WORKER
from ..suspects import MOST_THREADS, MOST_WORKERS, Attempt, Evidence, Suspect
from ..words import waited


def suspects(evidence: Evidence) -> Iterator[Suspect]:
    """The server's own capacity."""
    for one in evidence.blamed:
        server, at_once = evidence.server(), max(1, evidence.at_once())
        # All of them were in at once: it is no lack of places.
        if one.cause == WORKER and one.charged > 0 and at_once < evidence.users:
            yield Suspect(
                code="worker",
                culprit=f"{server}: {at_once} at a time",
                because=(
                    f"{waited(one)} before the application was called: "
                    f"{server} served {at_once} at a time"
                ),
                mend=_mend(server, computing=evidence.computing()),
                charged=one.charged,
                attempts=_attempts(evidence),
                numbers={"at_once": at_once},
            )


def _attempts(evidence: Evidence) -> tuple[Attempt, ...]:
    threads = min(evidence.users, MOST_THREADS)
    workers = min(evidence.users, MOST_WORKERS)
    if evidence.computing():
        # Threads of one process share one core; more processes than cores are no quicker.
        return (more_workers(min(workers, evidence.ideal.cores)),)
    return (
        Attempt(f"with {threads} threads", Change(threads=threads)),
        more_workers(workers),
    )


def more_workers(count: int) -> Attempt:
    """An attempt with *count* workers, two at the least."""
    count = max(count, 2)
    return Attempt(f"with {count} workers", Change(workers=count))


_SETTINGS = {
    "gunicorn": ("--workers", "--threads (which makes a sync worker a gthread one)"),
    "uwsgi": ("--processes", "--threads"),
    "waitress": ("a second instance behind a proxy", "--threads"),
    "granian": ("--workers", "--blocking-threads"),
    "uvicorn": ("--workers", "--limit-concurrency, if it is set"),
    "hypercorn": ("--workers", ""),
    "daphne": ("a second instance behind a proxy", ""),
    "runserver": ("a real server in place of runserver", "runserver without --nothreading"),
}


def _mend(server: str, *, computing: bool) -> str:
    workers, threads = _SETTINGS.get(server, ("more workers", "more threads"))
    if computing:
        return (
            f"Give the server more processes: {workers}, about as many as the machine has cores. "
            "The requests compute; threads of one process would share one core."
        )
    choice = f"{threads}, or {workers}" if threads else workers
    return (
        f"Let the server work on more requests at a time: {choice}. "
        "The requests wait for something else most of the time, so threads are enough."
        if threads
        else f"Let the server work on more requests at a time: {choice}."
    )
