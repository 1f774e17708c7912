"""What a process has: threads, and connections to others. Told at each order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from stat import S_ISSOCK

from ..events import Count
from . import native, orders, requests, writing
from .settings import Settings

#: States in `/proc/net/tcp`: connected; connected, and the other side has gone; listening.
_OPEN, _LEFT, _LISTENING = "01", "08", "0A"
#: In `/proc/net/unix`: connected.
_CONNECTED = "03"


def install(settings: Settings) -> None:
    """Tell it after each order."""
    orders.after(tell)


def tell() -> None:
    """Write down what there is now."""
    writing.write(
        Count(
            pid=native.getpid(),
            at=native.monotonic(),
            threads=threads(),
            connections=connections(),
            requests=requests.ended(),
        )
    )


def threads() -> int:
    """Threads of this process that run Python code, the observers' own included."""
    return len(sys._current_frames())


def connections() -> int:
    """Connections that this process has opened; those of its own clients don't count.

    Where the system can't tell who opened one, all sockets count: it is their growth that matters.
    """
    try:
        mine = set(_sockets_of_mine())
        return _tcp(mine) + _unix(mine)
    except OSError:
        return _sockets()


def _sockets_of_mine() -> Iterator[str]:
    for one in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, very many
        try:
            target = os.readlink(f"/proc/self/fd/{one}")  # noqa: PTH115
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]


def _tcp(mine: set[str]) -> int:
    """Those whose end here isn't a port where this process listens."""
    listens: set[str] = set()
    opened: list[str] = []
    for table in ("tcp", "tcp6"):
        for words in _table(table):
            if words[9] in mine:
                port = words[1].rpartition(":")[2]
                if words[3] == _LISTENING:
                    listens.add(port)
                elif words[3] in {_OPEN, _LEFT}:
                    opened.append(port)
    return sum(port not in listens for port in opened)


def _unix(mine: set[str]) -> int:
    """Connected ones without a path: the path is the listening end's, and its connections'."""
    return sum(
        words[6] in mine and words[5] == _CONNECTED and len(words) == 7  # noqa: PLR2004 - no path
        for words in _table("unix")
    )


def _table(name: str) -> Iterator[list[str]]:
    try:
        with open(f"/proc/self/net/{name}", encoding="ascii", errors="replace") as lines:  # noqa: PTH123
            next(lines, None)
            for line in lines:
                yield line.split()
    except FileNotFoundError:
        if name != "tcp6":  # there may be no IPv6 here
            raise


def _sockets() -> int:
    count = 0
    for one in os.listdir("/dev/fd"):  # noqa: PTH208
        try:
            count += S_ISSOCK(os.fstat(int(one)).st_mode)
        except OSError:
            continue
    return count
