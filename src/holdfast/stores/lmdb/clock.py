"""The time by which records expire.

A record outlives the process that wrote it and, in a durable file, the boot of the machine. So its
expiry is a date, and dates come from the wall clock. But the wall clock jumps: a step of ten
minutes would end every lease of the machine at once. So each file has a clock of its own, which
runs by the kernel's time since boot, and only its *offset* is taken from the wall clock: once,
when the file is first opened in a boot, and for all processes alike. A jump of the wall clock
between two boots shifts the expiry of what was written before by as much; a jump within one shifts
nothing.
"""

from __future__ import annotations

import time
from pathlib import Path

NEVER = 0  #: as an expiry in milliseconds
_LATEST = 2**62

#: Counts while the machine sleeps, too, as a TTL should.
_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot() -> bytes:
    """What names this boot of the machine; empty where nothing does."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return b""


def since_boot() -> int:
    """Milliseconds since the machine was started."""
    return int(time.clock_gettime(_SINCE_BOOT) * 1000)


def offset_now() -> int:
    """Milliseconds to add to the time since boot, so that it shows the wall clock's time."""
    return time.time_ns() // 1_000_000 - since_boot()


class Clock:
    """Tells the milliseconds of one file."""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def now(self) -> int:
        """Milliseconds, comparable with the expiry of any record of this file."""
        return since_boot() + self.offset

    def expiry(self, ttl: float | None) -> int:
        """When something ends that ends in *ttl* seconds; `NEVER` for None."""
        if ttl is None:
            return NEVER
        return self.now() + max(1, int(min(ttl * 1000, _LATEST >> 1)))
