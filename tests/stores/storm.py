"""A storm of kill -9: processes that write, evict and lock, and are killed at random points of it.

    python -m tests.stores.storm --kills 1000

After each kill it is checked that everything the dead one was told to be written is there, whole;
that the next writer and the next to lock get their turn; and how long they waited. Prints what was
found as JSON, and ends with 1 if anything was wrong.
"""

import argparse
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from typing import Any

from holdfast.stores import Store, open_store

KEYS = 20
WORKERS = 3
# What a worker says in memory that outlives it: what it is about to do, then per key what it was
# told to be done (a deletion as a negative number), and how often it was told to have counted.
NOTE = struct.Struct(f"<qq{KEYS}qq")
SLOT = struct.Struct("<q")
COUNTED = 8 * (2 + KEYS)


def body(number: int, size: int) -> bytes:
    """A value that shows whether it is whole."""
    filling = random.Random(number).randbytes(size)
    return b"%d|" % number + hashlib.sha256(filling).digest() + filling


def number_in(value: bytes) -> int | None:
    """The number of a whole value; None, if it was torn."""
    number, _, rest = value.partition(b"|")
    return int(number) if hashlib.sha256(rest[32:]).digest() == rest[:32] else None


class Worker:
    """One process that writes its own keys, and counts, evicts and locks with the others."""

    def __init__(
        self, directory: str, index: int, life: int, seed: int, known: dict[bytes, int]
    ) -> None:
        self.name = b"w%d" % index
        self.note = mmap.mmap(-1, NOTE.size)
        NOTE.pack_into(self.note, 0, -1, 0, *(known.get(self.key(n), 0) for n in range(KEYS)), 0)
        self.pid = os.fork()
        if not self.pid:
            try:
                self._work(directory, random.Random(seed * 7919 + life), life)
            finally:
                os._exit(9)

    def key(self, which: int) -> bytes:
        return b"%s:%d" % (self.name, which)

    def _work(self, directory: str, choice: random.Random, life: int) -> None:
        state, cache = stores(directory)
        number = life * 10**7
        owner = b"%d-%d" % (os.getpid(), life)
        while True:
            number += 1
            kind = choice.random()
            which = choice.randrange(KEYS)
            if kind < 0.5:
                self._about(which, number)
                ttl = choice.choice([None, 600])
                state.set(self.key(which), body(number, choice.randrange(6000)), ttl, topic=b"t")
                self._done(which, number)
            elif kind < 0.6:
                self._about(which, -number)
                state.delete(self.key(which), topic=b"t")
                self._done(which, -number)
            elif kind < 0.75:
                state.increment(b"count", initial=0)
                (counted,) = SLOT.unpack_from(self.note, COUNTED)
                SLOT.pack_into(self.note, COUNTED, counted + 1)
            elif kind < 0.9:
                cache.set(b"c%d" % choice.randrange(2000), body(number, choice.randrange(20_000)))
            elif state.acquire(b"lock", owner, 600, timeout=0.02) is not None:
                time.sleep(choice.random() * 0.002)
                state.release(b"lock", owner)

    def _about(self, which: int, number: int) -> None:
        SLOT.pack_into(self.note, 8, number)
        SLOT.pack_into(self.note, 0, which)

    def _done(self, which: int, number: int) -> None:
        SLOT.pack_into(self.note, 16 + 8 * which, number)
        SLOT.pack_into(self.note, 0, -1)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def buried(self) -> tuple[int, int, list[int], int]:
        """What it was about to do (or -1), what it was told to be done, how often it counted."""
        os.waitpid(self.pid, 0)
        about, number, *told = NOTE.unpack_from(self.note)
        return about, number, told[:-1], told[-1]


def stores(directory: str) -> tuple[Store, Store]:
    """One for state, and a cache that is always too small."""
    url = f"lmdb://{directory}"
    return open_store(url, size="64MB"), open_store(url, purpose="cache", size="2MB")


class Storm:
    """Runs the workers, kills them, and looks."""

    def __init__(self, directory: str, seed: int) -> None:
        self.directory, self.seed = directory, seed
        self.state, self.cache = stores(directory)
        self.choice = random.Random(seed)
        self.lives = 0
        self.wrong: list[str] = []
        self.writing: list[float] = []
        self.locking: list[float] = []
        self.counted = 0
        # Per worker and key: what was last known to be there.
        self.known: dict[bytes, int] = {}

    def start(self, index: int) -> Worker:
        self.lives += 1
        return Worker(self.directory, index, self.lives, self.seed, self.known)

    def run(self, kills: int) -> dict[str, Any]:
        workers = [self.start(index) for index in range(WORKERS)]
        try:
            self.rage(workers, kills)
        finally:
            for worker in workers:
                worker.kill()
        for worker in workers:
            self.look_after(worker)
        return self.report(kills)

    def rage(self, workers: list[Worker], kills: int) -> None:
        for _ in range(kills):
            time.sleep(self.choice.random() * 0.03)
            index = self.choice.randrange(WORKERS)
            workers[index].kill()
            begun = time.perf_counter()
            self.state.set(b"next", b"writer")
            self.writing.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            if self.state.acquire(b"lock", b"storm", 600, timeout=5) is None:
                self.wrong.append("the lock is stuck")
            else:
                self.locking.append(time.perf_counter() - begun)
                self.state.release(b"lock", b"storm")
            self.look_after(workers[index])
            workers[index] = self.start(index)

    def look_after(self, worker: Worker) -> None:
        about, number, told, counted = worker.buried()
        self.counted += counted
        for which, last in enumerate(told):
            value = self.state.get(worker.key(which))
            found = 0 if value is None else number_in(value)
            expected = {max(last, 0)}
            if which == about:
                expected.add(max(number, 0))
            if found is None:
                self.wrong.append(f"{worker.key(which)!r} is torn")
            elif found not in expected:
                self.wrong.append(f"{worker.key(which)!r} is {found} and not of {expected}")
            self.known[worker.key(which)] = found or 0

    def report(self, kills: int) -> dict[str, Any]:
        total = int(self.state.get(b"count") or 0)
        if not self.counted <= total <= self.counted + kills + WORKERS:
            self.wrong.append(f"{total} were counted, {self.counted} were told")
        after = None
        entries = 0
        while True:
            page = self.cache.scan(b"", after=after)
            for key, value in self.cache.get_many(page.keys).items():
                entries += 1
                if number_in(value) is None:
                    self.wrong.append(f"{key!r} of the cache is torn")
            after = page.after
            if after is None:
                break
        noted = self.state.changes(b"t", 0, limit=100_000).changes
        positions = [change.position for change in noted]
        if positions != list(range(positions[0], positions[0] + len(positions))):
            self.wrong.append("the log of changes has a gap")
        return {
            "seed": self.seed,
            "kills": kills + WORKERS,
            "counted": total,
            "cached": entries,
            "cache_bytes": self.cache.stats()["bytes"],
            "slowest_write_ms": round(max(self.writing) * 1000, 1),
            "slowest_lock_ms": round(max(self.locking) * 1000, 1),
            "wrong": self.wrong,
        }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        report = Storm(directory, given.seed).run(given.kills)
    print(json.dumps(report))
    sys.exit(bool(report["wrong"]))


if __name__ == "__main__":
    main()
