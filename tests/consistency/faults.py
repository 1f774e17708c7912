"""What goes wrong while the processes read and write: in an order that the seed decides."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.consistency import steps
from tests.consistency.ledger import Ledger
from tests.consistency.store import Place

LULL = 4.0  # seconds after the store has lost its marks; for the first of them nothing is stored
PATIENCE = 60.0  # seconds without a single read, after which something hangs


class Stuck(Exception):  # noqa: N818
    """A process doesn't go on."""


@dataclass
class Crew:
    """The processes of a run.

    Attributes:
        start: starts one anew, given its number.
        rows: by process, the rows of its threads in the ledger.
        writers: of the processes that write, the rows of the threads that do.
        settle: finds out what became of the changes of one that was killed.
    """

    ledger: Ledger
    start: Callable[[int], int]
    rows: list[list[int]]
    writers: dict[int, int]
    settle: Callable[[], None]
    pids: list[int] = field(default_factory=list)

    def begin(self) -> None:
        self.pids = [self.start(number) for number in range(len(self.rows))]

    def replace(self, number: int) -> None:
        """Bury the dead one, and start another."""
        os.waitpid(self.pids[number], 0)
        for row in self.rows[number]:
            self.ledger.traps[row] = self.ledger.arrived[row] = 0
        self.settle()
        self.pids[number] = self.start(number)

    def check(self) -> None:
        """Raise an error if one has ended by itself."""
        for pid in self.pids:
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                raise Stuck(f"process {pid} ended by itself; see the log")

    def end(self) -> None:
        """Have them stop, and wait for that."""
        self.ledger.control[0] = 1
        deadline = time.monotonic() + PATIENCE
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)
        while self.pids:
            pid = self.pids[-1]
            if os.waitpid(pid, os.WNOHANG) != (0, 0):
                self.pids.pop()
            elif time.monotonic() > deadline:
                raise Stuck(f"process {pid} doesn't end")
            else:
                time.sleep(0.02)

    def kill(self) -> None:
        """End all that still run."""
        for pid in self.pids:
            os.kill(pid, signal.SIGUSR1)  # its stacks, into its log
        time.sleep(0.5 if self.pids else 0)
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []


class Faults:
    """Makes them, one after the other."""

    def __init__(self, crew: Crew, place: Place, choice: random.Random, longest: float) -> None:
        self._crew, self._place, self._choice = crew, place, choice
        self._ledger = crew.ledger
        self._longest = longest
        self.made: dict[str, int] = {}

    def _count(self, what: str) -> None:
        self.made[what] = self.made.get(what, 0) + 1

    def kill(self) -> None:
        """A process is killed: at some step, or anywhere."""
        number = self._choice.randrange(len(self._crew.pids))
        label = self._choice.choice([*steps.LABELS, None])
        if label is None:
            os.kill(self._crew.pids[number], signal.SIGKILL)
        elif self._trap(number, label, steps.KILL) is None:
            return
        self._count(f"killed {label or 'anywhere'}")
        self._crew.replace(number)

    def stop(self) -> None:
        """A process stands still for a while: at some step, or anywhere."""
        number = self._choice.randrange(len(self._crew.pids))
        label = self._choice.choice([*steps.LABELS, None])
        pid = self._crew.pids[number]
        if label is None:
            os.kill(pid, signal.SIGSTOP)
        elif self._trap(number, label, steps.STOP) is None:
            os.kill(pid, signal.SIGCONT)
            return
        try:
            time.sleep(self._choice.random() ** 2 * self._longest)
        finally:
            os.kill(pid, signal.SIGCONT)
        self._count(f"stopped {label or 'anywhere'}")

    def accident(self) -> None:
        """Something befalls the store."""
        name = self._choice.choice(self._place.accidents)
        getattr(self._place, name)()
        self._count(f"store {name}")

    def death(self) -> None:
        """A writer is killed after its COMMIT, before it has said so."""
        number = self._choice.choice([*self._crew.writers])
        self._set(self._crew.writers[number], "after commit", steps.KILL)
        if self._wait(self._crew.writers[number], 3):
            self._count("killed after commit")
            self._crew.replace(number)

    def flush(self) -> None:
        """The store loses its marks while a writer is between its mark and its COMMIT.

        After its COMMIT that writer is killed.
        """
        number = self._choice.choice([*self._crew.writers])
        row = self._crew.writers[number]
        self._set(row, self._choice.choice(steps.WHILE_MARKED), steps.STOP)
        if not self._wait(row, 3):
            os.kill(self._crew.pids[number], signal.SIGCONT)
            return
        self._place.flushed()
        time.sleep(self._choice.random() * self._longest)
        self._set(row, "after commit", steps.KILL)
        os.kill(self._crew.pids[number], signal.SIGCONT)
        if self._wait(row, 2):
            self._crew.replace(number)
            self._count("flushed while marked")
        time.sleep(LULL)

    def restore(self) -> None:
        """The store comes back with what it had a while ago."""
        self._place.restored()
        self._count("store restored")
        time.sleep(LULL)

    def _trap(self, number: int, label: str, action: int) -> int | None:
        """Wait until a thread of the process comes to this step, if it does; its row."""
        row = self._choice.choice(self._crew.rows[number])
        self._set(row, label, action)
        return row if self._wait(row, 0.3) else None

    def _set(self, row: int, label: str, action: int) -> None:
        self._ledger.arrived[row] = 0
        self._ledger.traps[row] = steps.CODES[label] | action

    def _wait(self, row: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._ledger.arrived[row]:
            if time.monotonic() > deadline:
                self._ledger.traps[row] = 0
                time.sleep(0.01)  # it may be on its way
                break
            time.sleep(0.001)
        return bool(self._ledger.arrived[row])
