"""Labelled steps of readers and writers, at which they can be delayed, stopped or killed.

The steps are in the harness: it wraps what the subject calls, and changes nothing of it. Who is to
be stopped finds a trap in the shared memory when it comes to the step.
"""

import os
import random
import signal
import threading
import time

from tests.consistency.ledger import Ledger

LABELS = (
    "before mark",
    "after mark",
    "before commit",
    "after commit",
    "before bump",
    "after bump",
    "after stamp",
    "queried",
    "loaded",
    "before put",
    "after put",
)
CODES = {label: code for code, label in enumerate(LABELS, 1)}
# Between these a stop must be shorter than the commit time-out: that is what it is for.
WHILE_MARKED = ("after mark", "before commit")
STOP, KILL = 1 << 8, 2 << 8


class _Here(threading.local):
    worker: int | None = None
    asked = False  # whether the database was


here = _Here()
_ledger: Ledger | None = None
_delayed = 0.0
_choice = random.Random()


def install(ledger: Ledger, delayed: float, seed: int) -> None:
    """Have this process mind its steps; *delayed* is the share of them that takes longer."""
    global _ledger, _delayed
    _ledger, _delayed = ledger, delayed
    _choice.seed(seed)


def reached(label: str) -> None:
    worker = here.worker
    if worker is None or _ledger is None:
        return
    trap = _ledger.traps[worker]
    if trap and trap & 0xFF == CODES[label]:
        _ledger.traps[worker] = 0
        _ledger.arrived[worker] = trap
        os.kill(os.getpid(), signal.SIGKILL if trap & KILL else signal.SIGSTOP)
    elif _delayed and _choice.random() < _delayed:
        time.sleep(_choice.random() ** 3 * 0.02)
