"""Ports for servers that tests start."""

from __future__ import annotations

import itertools
import random
import socket
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
    from a place of its own, so that processes that ask at once get different ones.

    Raises:
        RuntimeError: none is free.
    """
    end = _end()
    for _ in range(end - FIRST):
        port = FIRST + next(_numbers) % (end - FIRST)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port between {FIRST} and {end} is free")


# Tests set the seed of the usual random numbers, each process to the same.
_numbers = itertools.count(random.SystemRandom().randrange(2**20))


def _end() -> int:
    try:
        begin = int(_SYSTEMS_OWN.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _USUAL_END
    return begin if begin > FIRST else _USUAL_END
