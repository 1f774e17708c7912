"""What this process is: which server runs it, and whether its threads are greenlets."""

from __future__ import annotations

import platform
import sys

from ..events import Process
from . import native, writing

#: Modules that only the server itself imports, and its name.
_SERVERS = (
    ("uwsgi", "uwsgi"),
    ("gunicorn.arbiter", "gunicorn"),
    ("hypercorn.run", "hypercorn"),
    ("granian.server", "granian"),
    ("daphne.server", "daphne"),
    ("waitress.server", "waitress"),
    ("uvicorn.server", "uvicorn"),
    ("eventlet.wsgi", "eventlet"),
    ("django.core.servers.basehttp", "runserver"),
    ("gevent.pywsgi", "gevent"),
    ("wsgiref.simple_server", "wsgiref"),
)


def begin() -> None:
    """Say that this process is there."""
    tell()
    # At once: a process that never serves has nobody who would do it later.
    writing.flush()


def server() -> str:
    """The server's name, as far as its modules tell; empty if they don't."""
    return next((name for module, name in _SERVERS if module in sys.modules), "")


def patched() -> str:
    """`gevent` or `eventlet`, where they have patched this process."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and gevent.is_module_patched("socket"):
        return "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("socket"):
        return "eventlet"
    return ""


def tell() -> None:
    """Say what is known of this process by now; what it says last is what counts."""
    writing.write(
        Process(
            pid=native.getpid(),
            parent=native.getppid(),
            at=native.monotonic(),
            python=platform.python_version(),
            server=server(),
            patched=patched(),
            command=tuple(sys.orig_argv),
        )
    )
