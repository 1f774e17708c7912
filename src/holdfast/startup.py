"""Start-up checks: set-ups that lose or mix state, found in the running process.

They look at the process as it is, so they mean most in a server's worker. The wrappers and the
middleware run them at the first request and log what they find to the logger `holdfast`; Django's
`check` command runs them, too; `holdfast.startup_problems()` gives them to whoever asks.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

logger = logging.getLogger("holdfast")


@dataclass(frozen=True)
class Problem:
    """One thing that will lose or mix state.

    Attributes:
        code: stable, such as "W101".
        message: what is wrong and what follows from it, in one line.
        hint: what to change.
    """

    code: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message} {self.hint}"


# Read by the wrappers at each request: cheaper than a call.
is_first_request = True

_further_checks: list[Callable[[], Iterable[Problem]]] = []


def add_check(check: Callable[[], Iterable[Problem]]) -> None:
    """Have *check* asked by `startup_problems`, too. For rooms above this one."""
    if check not in _further_checks:
        _further_checks.append(check)


def startup_problems() -> list[Problem]:
    """What in this process will lose or mix state; an empty list where all is well.

    Looks through the global names of all imported modules: some milliseconds. Does not block,
    import or change anything.
    """
    problems: list[Problem] = []
    patched_by = green_threads()
    if patched_by is not None:
        problems += native_locals(patched_by)
        problems += imported_before_the_patch(patched_by)
    problems += opened_before_the_fork()
    for check in _further_checks:
        problems += check()
    return problems


def log_problems_once() -> None:
    """At the first request of a process: log what `startup_problems` finds."""
    global is_first_request
    is_first_request = False
    try:
        for problem in startup_problems():
            logger.warning("%s", problem)
    except Exception:
        logger.exception("A start-up check failed")


def green_threads() -> str | None:
    """Which library has patched `threading` here, if one has: "gevent" or "eventlet"."""
    for name in ("gevent", "eventlet"):
        if name in sys.modules and (monkey := _patcher(name)) is not None:
            patched = (
                monkey.is_module_patched("threading")
                if name == "gevent"
                else monkey.is_monkey_patched("thread")
            )
            if patched:
                return name
    return None


def _patcher(name: str) -> Any:
    return sys.modules.get({"gevent": "gevent.monkey", "eventlet": "eventlet.patcher"}[name])


def _native_local() -> type:
    """What `threading.local` was before anybody replaced it."""
    # No patch can hide it here.
    kinds = object.__subclasses__()
    return next(k for k in kinds if (k.__module__, k.__qualname__) == ("_thread", "_local"))


def native_locals(patched_by: str) -> Iterator[Problem]:
    """Thread-locals of modules that were imported before the monkey patch (W101)."""
    native = _native_local()
    for module, name, value in _globals_of_the_project(patched_by):
        # Its type and not isinstance(), which asks for __class__ and so wakes lazy objects.
        if issubclass(type(value), native):
            yield Problem(
                "W101",
                f"{module.__name__}.{name} is a threading.local made before {patched_by} patched"
                " threading: all greenlets of a thread share it, so requests see and clear each"
                " other's values.",
                f"Patch before {module.__name__} is imported, or keep the value in holdfast.state.",
            )


def imported_before_the_patch(patched_by: str) -> Iterator[Problem]:
    """Modules that hold originals of what is patched now (W102)."""
    originals = dict(_originals(patched_by))
    late: dict[str, list[str]] = {}
    for module, name, value in _globals_of_the_project(patched_by):
        original = originals.get(id(value))
        if original is not None:
            late.setdefault(module.__name__, []).append(f"{name} ({original})")
    for module_name, names in late.items():
        yield Problem(
            "W102",
            f"{module_name} was imported before {patched_by} patched the standard library and holds"
            f" originals: {', '.join(sorted(names))}. They block every other request.",
            f"Patch first, then import {module_name}: in the first lines of gunicorn's"
            " configuration file, for example.",
        )


def _originals(patched_by: str) -> Iterator[tuple[int, str]]:
    if patched_by != "gevent":
        return  # eventlet keeps no record of what it replaced
    blocking = {
        "time": ("sleep",),
        "socket": ("socket", "create_connection", "getaddrinfo"),
        "threading": ("local", "Thread", "Lock", "RLock", "Event", "Condition"),
        "subprocess": ("Popen",),
        "select": ("select",),
        "ssl": ("SSLSocket", "SSLContext"),
        "queue": ("SimpleQueue",),
    }
    saved: dict[str, dict[str, Any]] = _patcher("gevent").saved
    for module_name, names in blocking.items():
        for name in names:
            if name in saved.get(module_name, {}):
                yield id(saved[module_name][name]), f"{module_name}.{name}"


def _globals_of_the_project(patched_by: str) -> Iterator[tuple[ModuleType, str, Any]]:
    """Each global name of each module, without the standard library's and the green library's."""
    left_out = {*sys.stdlib_module_names, "gevent", "eventlet", "greenlet", "holdfast", "__main__"}
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] in left_out or not issubclass(type(module), ModuleType):
            continue
        # Not vars(module), which loads a module that is loaded lazily.
        for name, value in list(object.__getattribute__(module, "__dict__").items()):
            if not name.startswith("__"):
                yield module, name, value


# Linux only; elsewhere there is no such check.
_DESCRIPTORS = Path("/proc/self/fd")

# Sockets and LMDB files that were open when this process was forked, by descriptor and inode.
_inherited: dict[int, int] = {}
# Meant to be shared; under systemd they are sockets.
_STANDARD_STREAMS = frozenset({0, 1, 2})
# Written to by datagram and never read from: these may be shared.
_LOG_DAEMONS = frozenset(
    {"/dev/log", "/run/systemd/journal/dev-log", "/run/systemd/journal/socket"}
)
_noting_forks = False


def note_forks() -> None:
    """From now on, remember at each fork which connections the child inherits."""
    global _noting_forks
    if not _noting_forks and _DESCRIPTORS.is_dir():
        _noting_forks = True
        os.register_at_fork(after_in_child=_note_inherited)


def _note_inherited() -> None:
    _inherited.clear()
    for fd, status in _open_descriptors():
        if fd not in _STANDARD_STREAMS:
            _inherited[fd] = status.st_ino


def _open_descriptors() -> Iterator[tuple[int, os.stat_result]]:
    for path in _DESCRIPTORS.iterdir():
        fd = int(path.name)
        try:
            yield fd, os.fstat(fd)
        except OSError:
            continue  # closed meanwhile; the listing's own descriptor


def opened_before_the_fork() -> Iterator[Problem]:
    """Connections and LMDB environments that this worker shares with others (W104)."""
    for fd, status in _open_descriptors() if _inherited else ():
        if _inherited.get(fd) != status.st_ino:
            continue
        if stat.S_ISSOCK(status.st_mode):
            peer = _peer(fd)
            if peer is not None and peer not in _LOG_DAEMONS:
                yield Problem(
                    "W104",
                    f"The connection to {peer} was opened before the fork: several workers read"
                    " each other's replies from it.",
                    "Open it in the worker, at first use, or close it before the fork.",
                )
        elif _path(fd).name in {"data.mdb", "lock.mdb"}:
            yield Problem(
                "W104",
                f"The LMDB file {_path(fd)} was opened before the fork: readers of dead workers"
                " are never reclaimed.",
                "Open the environment in the worker, at first use.",
            )


def _path(fd: int) -> Path:
    try:
        return (_DESCRIPTORS / str(fd)).readlink()
    except OSError:
        return Path()  # closed meanwhile


def _peer(fd: int) -> str | None:
    """Where a connected socket leads to; None for listening, unconnected and unnamed ones."""
    try:
        with socket.socket(fileno=os.dup(fd)) as connection:
            peer = connection.getpeername()
    except OSError:
        return None
    if isinstance(peer, tuple):
        return f"{peer[0]}:{peer[1]}"
    if isinstance(peer, bytes):
        return peer.decode(errors="replace") or None
    return str(peer) or None
