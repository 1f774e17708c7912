"""One process of readers and writers, until it is told to stop, or killed."""

import contextlib
import faulthandler
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from tests.consistency import steps
from tests.consistency.envelopes import ENVELOPES, some_envelope
from tests.consistency.hold import Busy, Hold
from tests.consistency.ledger import COUNTERS, Ledger
from tests.consistency.library.queries import Words
from tests.consistency.readings import READINGS, Reading, Wrong, showing
from tests.consistency.slots import SLOTS, kind_of
from tests.consistency.steps import here
from tests.consistency.writes import WAYS

READER, WRITER = "reader", "writer"
INDEX = {name: number for number, name in enumerate(COUNTERS)}


@dataclass(frozen=True)
class Plan:
    """What the processes of one run have in common.

    Attributes:
        read: calls a cached function of the subject: its name, and the number it is called with.
        readings, ways, envelopes: by name, those that are used.
        repeatable: whether transactions are REPEATABLE READ. READ COMMITTED otherwise.
        pause: seconds between two changes of one writer; on average.
        delayed: the share of labelled steps that take longer.
        log: where what was wrong is written.
    """

    read: Callable[[str, int], Words]
    readings: tuple[str, ...]
    ways: tuple[str, ...]
    envelopes: tuple[str, ...]
    repeatable: bool
    pause: float
    delayed: float
    log: Path


class _Thread:
    """What readers and writers share: a row of counters, and a look at what they read."""

    def __init__(self, plan: Plan, ledger: Ledger, worker: int, seed: int) -> None:
        self.plan, self.ledger, self.worker = plan, ledger, worker
        self.choice = random.Random(seed)
        self.counts = ledger.counts_of(worker)
        self.complaints: set[str] = set()

    def count(self, what: str) -> None:
        self.counts[INDEX[what]] += 1

    def read(
        self,
        reading: Reading,
        number: int,
        floors: tuple[list[int], list[int]] | None = None,
    ) -> tuple[Wrong | None, bool]:
        """Read, and say what is wrong with it, and whether the database wasn't asked."""
        floors = floors or reading.floors(self.ledger, number)
        here.asked = False
        words = self.plan.read(reading.name, number)
        hit = not here.asked
        wrong = reading.wrong(self.ledger, number, floors, words)
        if not hit:
            reading.saw(self.ledger, words)
        self.counts[0] += 1
        if hit:
            self.counts[1] += 1
        return wrong, hit

    def complain(self, how: str, text: str) -> None:
        self.count(how)
        self.note(f"{how}: {text}")

    def note(self, text: str) -> None:
        line = f"{time.monotonic():.3f} process {os.getpid()} worker {self.worker}: {text}\n"
        with self.plan.log.open("a") as log:
            log.write(line)

    def failed(self, how: str, error: BaseException) -> None:
        """Count it; and say once in this process where each kind of error comes from."""
        self.count(how)
        kind = f"{how} {type(error).__name__}: {str(error).partition(os.linesep)[0][:200]}"
        if type(error).__name__ not in self.complaints:
            self.complaints.add(type(error).__name__)
            self.note(f"{kind}\n{''.join(traceback.format_exception(error))}")


class Reader(_Thread):
    def run(self) -> None:
        readings = [READINGS[name] for name in self.plan.readings]
        while not self.ledger.stopping:
            try:
                if self.choice.random() < (0.5 if self.plan.repeatable else 0.1):
                    self.in_transaction(readings)
                else:
                    for _ in range(20):
                        self.one(self.choice.choice(readings))
            except Exception as error:
                self.failed("read_errors", error)
                _recover()

    def some(self, reading: Reading) -> int:
        return int(self.choice.random() ** 2 * reading.calls)

    def one(self, reading: Reading, floors: tuple[list[int], list[int]] | None = None) -> None:
        number = self.some(reading)
        self.look(reading, number, floors)

    def look(
        self, reading: Reading, number: int, floors: tuple[list[int], list[int]] | None
    ) -> None:
        wrong, hit = self.read(reading, number, floors)
        if wrong is not None:
            self.complain(wrong.how, describe(reading, number, wrong, hit=hit))

    def in_transaction(self, readings: list[Reading]) -> None:
        """Several reads; of one snapshot, where transactions are REPEATABLE READ."""
        wanted = [(reading, self.some(reading)) for reading in self.choice.choices(readings, k=4)]
        floors = [reading.floors(self.ledger, number) for reading, number in wanted]
        with transaction.atomic():
            for (reading, number), noted in zip(wanted, floors, strict=True):
                # Time for others to write, so that the snapshot is an old one.
                if self.plan.delayed and self.choice.random() < 0.1:
                    time.sleep(self.choice.random() * 0.01)
                self.look(reading, number, noted if self.plan.repeatable else None)


class Writer(_Thread):
    def run(self) -> None:
        while not self.ledger.stopping:
            _writing.hold = hold = Hold(self.ledger)
            try:
                self.write(hold)
            except Busy:
                self.count("busy")
            except (IntegrityError, ObjectDoesNotExist):
                # Two changes in one transaction may contradict each other.
                self.count("refused")
                _recover()
            except Exception as error:
                # The second: SQLite, where another has written since this transaction read.
                if "serialize" in str(error) or "database is locked" in str(error):
                    self.count("refused")
                else:
                    self.failed("write_errors", error)
                _recover()
            finally:
                _writing.hold = None
                try:
                    hold.let_go()
                except Exception as error:
                    self.failed("write_errors", error)
                    _recover()
            if self.plan.pause:
                time.sleep(self.choice.expovariate(1 / self.plan.pause))

    def write(self, hold: Hold) -> None:
        ways = self.choice.choices(self.plan.ways, [_often(way) for way in self.plan.ways], k=2)
        name = some_envelope(self.choice, self.plan.envelopes)
        changes = [WAYS[way](hold, self.choice) for way in ways]
        self.count("writes")
        title = f"{name} of {' and '.join(ways)}"
        ENVELOPES[name](
            hold,
            changes,
            lambda: self.look_within(hold, title),
            lambda: self.look_after(hold, f"{title}, in on_commit"),
        )
        self.count("commits" if hold.written else "rollbacks")
        self.tell(title, hold)
        self.look_after(hold, title)

    def tell(self, title: str, hold: Hold) -> None:
        """Write down what was written, for whoever wants to know how a stale read came about."""
        words = "".join(f" {slot}:{word:#x}" for slot, word in hold.written.items())
        with self.plan.log.with_suffix(".journal").open("a") as journal:
            journal.write(f"{time.monotonic():.3f} worker {self.worker}: {title},{words} \n")

    def some_showing(self, hold: Hold) -> Iterator[tuple[Reading, int]]:
        for slot in self.choice.sample(sorted(hold.written), min(2, len(hold.written))):
            there = [one for one in showing(slot) if one[0].name in self.plan.readings]
            if there:
                yield self.choice.choice(there)

    def look_within(self, hold: Hold, title: str) -> None:
        """What this transaction wrote must be what this transaction reads."""
        for reading, number in self.some_showing(hold):
            if reading.summed or reading.counted or reading.newest:
                continue
            words = self.plan.read(reading.name, number)
            self.counts[0] += 1
            for slot in reading.shown(number):
                own = hold.written.get(slot)
                if own is not None and words.get(slot, own) != own:
                    expected = f"{kind_of(slot).name} {slot}: {own:#x}, got {words.get(slot):#x}"
                    self.complain("unseen", f"{reading.name}({number}) within {title}: {expected}")

    def look_after(self, hold: Hold, title: str) -> None:
        """What was written must be what the writer reads now, or something newer."""
        wanted = list(self.some_showing(hold))
        # All of them before the first read: that may begin a transaction, and its snapshot.
        floors = [reading.floors(self.ledger, number) for reading, number in wanted]
        for (reading, number), noted in zip(wanted, floors, strict=True):
            wrong, hit = self.read(reading, number, noted)
            if wrong is not None:
                how = "unseen" if wrong.slot in hold.written or reading.summed else wrong.how
                text = describe(reading, number, wrong, hit=hit)
                self.complain(how, f"{text}, after {title}")


def _often(way: str) -> float:
    # What makes everything untrue at once would leave nothing to be found out about the others.
    return 0.1 if way == "raw_block" else 1


def describe(reading: Reading, number: int, wrong: Wrong, *, hit: bool) -> str:
    found = "nothing" if wrong.found is None else f"{wrong.found:#x}"
    return (
        f"{reading.name}({number}) shows {found} for {kind_of(wrong.slot).name},"
        f" not {wrong.slot}:{wrong.expected:#x} ; from the {'cache' if hit else 'database'}"
    )


# What the harness hangs into Django, below all that a subject may hang in


class _Writing(threading.local):
    hold: Hold | None = None


_writing = _Writing()


def watch_the_database() -> None:
    """Know when the database is asked, and when a COMMIT is acknowledged."""
    commit, execute, execute_many = (
        BaseDatabaseWrapper._commit,
        CursorWrapper._execute,
        CursorWrapper._executemany,
    )

    def watched_commit(self: BaseDatabaseWrapper) -> None:
        steps.reached("before commit")
        commit(self)
        if _writing.hold is not None and not _writing.hold.by_statement:
            _writing.hold.committed()
        steps.reached("after commit")

    def watched(original: Callable[..., object]) -> Callable[..., object]:
        def ask(self: CursorWrapper, *arguments: object) -> object:
            here.asked = True
            commits = _writing.hold is not None and not self.db.in_atomic_block
            if commits:
                steps.reached("before commit")
            answer = original(self, *arguments)
            steps.reached("after commit" if commits else "queried")
            return answer

        return ask

    BaseDatabaseWrapper._commit = watched_commit
    CursorWrapper._execute = watched(execute)
    CursorWrapper._executemany = watched(execute_many)


def _recover() -> None:
    """Go on after an error, with a connection that works."""
    with contextlib.suppress(DatabaseError):
        if connection.in_atomic_block or connection.errors_occurred or not connection.is_usable():
            connection.close()
    if not connection.in_atomic_block and connection.connection is not None:
        with contextlib.suppress(DatabaseError):
            if not connection.get_autocommit():
                connection.close()
    time.sleep(0.01)


# Processes


def start(plan: Plan, ledger: Ledger, roles: list[tuple[int, str]], seed: int) -> int:
    """Fork a process with a thread for each role: its row in the ledger, and what it does."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with plan.log.with_suffix(f".{os.getpid()}.stacks").open("w") as stacks:
            faulthandler.register(signal.SIGUSR1, stacks, all_threads=True)
            _serve(plan, ledger, roles, seed)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _serve(plan: Plan, ledger: Ledger, roles: list[tuple[int, str]], seed: int) -> None:
    sys.setswitchinterval(0.001)
    steps.install(ledger, plan.delayed, seed)

    def run(row: int, role: str) -> None:
        here.worker = row
        kind = Reader if role == READER else Writer
        kind(plan, ledger, row, seed * 100 + row).run()
        connection.close()

    others = [threading.Thread(target=run, args=role, daemon=True) for role in roles[1:]]
    for thread in others:
        thread.start()
    run(*roles[0])
    for thread in others:
        thread.join()


def still_wrong(plan: Plan, ledger: Ledger) -> list[str]:
    """After all is over: every read that isn't what the database has."""
    hold = Hold(ledger)
    for slot, word in hold.truth(range(SLOTS)).items():
        ledger.settle(slot, word)
    found = []
    for name in plan.readings:
        reading = READINGS[name]
        for number in range(reading.calls):
            here.asked = False
            words = plan.read(name, number)
            hit = not here.asked
            wrong = reading.wrong(ledger, number, reading.floors(ledger, number), words)
            if wrong is not None:
                found.append(describe(reading, number, wrong, hit=hit))
    return found
