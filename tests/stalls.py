"""How long this process stood still, on a machine that others load."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

TICK = 0.05


class Stall:
    """The longest that a thread of this process waited beyond what it asked for."""

    seconds = 0.0


@contextmanager
def longest_stall() -> Iterator[Stall]:
    """Watch while the block runs."""
    stall = Stall()
    over = threading.Event()

    def watch() -> None:
        last = time.monotonic()
        ended = False
        while not ended:
            ended = over.wait(TICK)
            now = time.monotonic()
            stall.seconds = max(stall.seconds, now - last - TICK)
            last = now

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield stall
    finally:
        over.set()
        watching.join()
