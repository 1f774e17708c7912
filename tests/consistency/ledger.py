"""What is known to be committed, in memory that all processes share and that outlives them.

Each slot (see slots.py) has a **word**: a number that grows with each change of the slot, what the
slot says, and whether the transaction that wrote it is going to be rolled back. Words of one slot
are written by one process at a time (it holds PostgreSQL's advisory lock), so they are committed
in the order of their numbers, and of two words the greater one is the newer one.

A reader notes the words that are known to be committed, then reads. What it gets is stale if it
shows an older one: the COMMIT had been acknowledged before the reader started. Nothing is assumed
about commits that nobody has heard of yet: a newer word than the noted one is always right.
"""

import mmap
import os
from collections.abc import Iterable
from pathlib import Path

from tests.consistency.slots import SLOTS

# A word: number << 8 | what it says << 1, plus DOOMED where it must never be seen by others.
DOOMED = 1 << 56
ABSENT = 0
PRESENT = 1

WORKERS = 16  # threads of all processes
COUNTERS = (
    "reads",
    "hits",
    "stale",
    "went_back",
    "rolled_back",
    "unseen",
    "writes",
    "commits",
    "rollbacks",
    "read_errors",
    "write_errors",
    "busy",
    "refused",
)

WRONG = ("stale", "went_back", "rolled_back", "unseen")


def word_of(number: int, says: int, *, doomed: bool = False) -> int:
    return number << 8 | says << 1 | (DOOMED if doomed else 0)


def says(word: int) -> int:
    """What the word says: ABSENT, PRESENT, or for an article its shelf from 1 on."""
    return word >> 1 & 0x7F


def number_of(word: int) -> int:
    return (word & (DOOMED - 1)) >> 8


class Ledger:
    """The shared memory: arrays of 64-bit numbers, each of which is read and written whole.

    Attributes:
        told: by slot, the newest word that some writer was told to be committed.
        seen: by slot, the newest word that some reader got from the database.
        attempted: by slot, the newest word that may be committed.
        numbered: by slot, the last number given to a word.
        traps, arrived: by thread, what steps.py makes of them.
        control: [whether to stop].
    """

    def __init__(self, path: Path) -> None:
        sizes = {
            "told": SLOTS,
            "seen": SLOTS,
            "attempted": SLOTS,
            "numbered": SLOTS,
            "traps": WORKERS,
            "arrived": WORKERS,
            "control": 8,
            "counts": WORKERS * len(COUNTERS),
        }
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(file, 8 * sum(sizes.values()))
        memory = memoryview(mmap.mmap(file, 0)).cast("q")
        os.close(file)
        for name, size in sizes.items():
            setattr(self, name, memory[:size])
            memory = memory[size:]

    told: "memoryview[int]"
    seen: "memoryview[int]"
    attempted: "memoryview[int]"
    numbered: "memoryview[int]"
    traps: "memoryview[int]"
    arrived: "memoryview[int]"
    control: "memoryview[int]"
    counts: "memoryview[int]"

    def counts_of(self, worker: int) -> "memoryview[int]":
        start = worker * len(COUNTERS)
        return self.counts[start : start + len(COUNTERS)]

    def totals(self) -> dict[str, int]:
        return {name: sum(self.counts[n :: len(COUNTERS)]) for n, name in enumerate(COUNTERS)}

    @property
    def reads(self) -> int:
        return sum(self.counts[0 :: len(COUNTERS)])

    @property
    def wrong(self) -> int:
        """How many reads were."""
        totals = self.totals()
        return sum(totals[name] for name in WRONG)

    @property
    def stopping(self) -> bool:
        return self.control[0] != 0

    def publish(self, words: Iterable[tuple[int, int]]) -> None:
        """These are committed, somebody knows."""
        for slot, word in words:
            self.told[slot] = max(self.told[slot], word)

    def settle(self, slot: int, found: int | None) -> None:
        """Nobody is writing the slot, and this word (or no row at all) is in the database."""
        attempted = self.attempted[slot]
        if found is not None:
            word = found
        elif says(attempted) == ABSENT:
            word = attempted
        else:
            word = self.told[slot]  # absent for longer than the last attempt
        self.publish([(slot, word)])
        self.attempted[slot] = word
