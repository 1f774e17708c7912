"""Reads the state while the server writes its access log, wherever that goes through logging."""

import logging
import sys
from typing import Any

from target import subject
from target.record import marker_in, record

LOGGERS = (
    "gunicorn.access",
    "uvicorn.access",
    "hypercorn.access",
    "django.server",
    "tornado.access",
    "_granian.access",
    "granian.access",
)


def _look(line: str) -> None:
    own = marker_in(line)
    if own is not None:
        record("access_log", "line", own, subject.read())


class _Reader(logging.Filter):
    def filter(self, line: logging.LogRecord) -> bool:
        _look(line.getMessage())
        return True


_READER = _Reader()


def watch_access_log() -> None:
    """Look at each line of each access log that this process may write."""
    for name in LOGGERS:
        # The same object, so that wsgi.py and asgi.py, imported both, add it once.
        logging.getLogger(name).addFilter(_READER)
    if "daphne.access" in sys.modules:
        _watch_daphne(sys.modules["daphne.access"])


def _watch_daphne(access: Any) -> None:
    # daphne writes to a stream of its own, not to a logger.
    write_entry = access.AccessLogGenerator.write_entry

    def write_and_look(self: Any, *args: Any, **kwargs: Any) -> None:
        _look(f"{args} {kwargs}")
        write_entry(self, *args, **kwargs)

    access.AccessLogGenerator.write_entry = write_and_look
