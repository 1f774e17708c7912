"""Ports for servers that tests start."""

from __future__ import annotations

import atexit
import itertools
import random
import socket
import sys
from collections import deque
from pathlib import Path

#: The first one given; below stand those of well-known services.
FIRST = 10_000
#: Where the system's own begin, if it doesn't say so.
_USUAL_END = 32_768
_SYSTEMS_OWN = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at, and that nobody else is given meanwhile.

    A server listens there only some time later. A port of those that the system gives (to clients,
    and to who asks for port 0) may be gone by then, so it is one below them. Each process counts up
    from a place of its own, and on Linux it reserves the last 50 that it was given.

    Raises:
        RuntimeError: none is free.
    """
    end = _end()
    for _ in range(end - FIRST):
        port = FIRST + next(_numbers) % (end - FIRST)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                _reserve(port)
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port between {FIRST} and {end} is free")


# Tests set the seed of the usual random numbers, each process to the same.
_numbers = itertools.count(random.SystemRandom().randrange(2**20))


_reserved: deque[socket.socket] = deque()
_MOST_RESERVED = 50


def _reserve(port: int) -> None:
    """Have others who ask in this way leave it alone, for as long as this process lives.

    Raises:
        OSError: another process has reserved it.
    """
    if sys.platform != "linux":
        return
    # A name that no file has, and that is gone with who holds it.
    sign = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sign.bind(f"\0holdfast port {port}")
    except OSError:
        sign.close()
        raise
    _reserved.append(sign)
    if len(_reserved) > _MOST_RESERVED:
        _reserved.popleft().close()


@atexit.register
def _let_all_go() -> None:
    while _reserved:
        _reserved.popleft().close()


def _end() -> int:
    try:
        begin = int(_SYSTEMS_OWN.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_END
    return begin if begin > FIRST else _USUAL_END
