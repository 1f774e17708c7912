"""This process, as others know it: a name that no other has, and where it is."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

_SIZE = 8
_LONGEST = 80


class Worker(NamedTuple):
    """A process that caches.

    Attributes:
        token: its name, 8 random bytes.
        host: the machine.
        pid: its number there.
        began: when it was first asked, by that machine's clock.
        command: what was started.
    """

    token: bytes
    host: str
    pid: int
    began: float
    command: str


def _made() -> Worker:
    return Worker(os.urandom(_SIZE), socket.gethostname(), os.getpid(), time.time(), _command())


def _command() -> str:
    """What was started. No more of its arguments, in which there may be a password."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    if name in {"manage.py", "django-admin"} and len(sys.argv) > 1:
        return f"{name} {sys.argv[1]}"[:_LONGEST]
    return name[:_LONGEST]


_this: Worker | None = None


def this_worker() -> Worker:
    """That which runs here."""
    return _this or renew()


def renew() -> Worker:
    """Give it another name, as if it were a new one."""
    global _this
    _this = _made()
    return _this


def _forget() -> None:
    global _this
    _this = None


os.register_at_fork(after_in_child=_forget)
