"""Connections are open files, of which a process may have a thousand, unless it asks for more."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from .plan import PlanError

#: Of ours, beside the users' connections; two may be open for one user for a moment.
_OTHERS = 200
_FOR_ONE = 2


@contextmanager
def enough_open_files(users: int) -> Iterator[None]:
    """Let this process open enough files for so many users; then as before.

    Servers that are started by then keep what they had: they are to run as they always do.

    Raises:
        PlanError: it may not open as many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = users * _FOR_ONE + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise PlanError(
                f"--users {users} needs {wanted} open files, and this process may have {hard}:"
                " ask for fewer users, or raise that limit (ulimit -Hn)."
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
