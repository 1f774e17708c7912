"""One run: a database, a store, processes that read and write, and what befalls them."""

import contextlib
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.consistency import databases, safeguards, store, subjects
from tests.consistency.faults import Crew, Faults
from tests.consistency.ledger import WRONG, Ledger, word_of
from tests.consistency.subjects.settings import APPS
from tests.consistency.subjects.settings import settings as subject_settings

#: By scenario, what happens and how often as much as the others.
SCENARIOS: dict[str, dict[str, float]] = {
    "calm": {},
    "kills": {"kill": 1},
    "stops": {"stop": 1},
    "accidents": {"accident": 1, "stop": 5},
    "deaths": {"death": 1},
    "flushes": {"flush": 1},
    "restores": {"restore": 1},
    "all": {"kill": 5, "stop": 10, "accident": 0.3},
}


@dataclass(frozen=True)
class Order:
    """What to run. See the command's help."""

    subject: str = "ours"
    store: str = store.EMBEDDED
    database: str = databases.POSTGRESQL
    isolation: str = "rc"
    scenario: str = "all"
    without: str | None = None
    reads: int = 100_000
    seconds: float = 600.0
    seed: int = 0
    pause: float = 0.01
    delayed: float = 0.02
    longest: float = 0.5
    until_wrong: bool = False
    readings: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    envelopes: tuple[str, ...] = ()

    @property
    def isolates(self) -> bool:
        """Whether a transaction reads from one snapshot: SQLite's do."""
        return self.isolation == "rr" or self.database != databases.POSTGRESQL

    @property
    def reads_from(self) -> str:
        """The database, and how it isolates where that can be chosen."""
        return self.isolation if self.database == databases.POSTGRESQL else self.database


@dataclass
class Found:
    """What came of it."""

    order: Order
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    made: dict[str, int] = field(default_factory=dict)
    still_wrong: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def hit_rate(self) -> float:
        return self.counts["hits"] / max(1, self.counts["reads"])

    @property
    def wrong(self) -> int:
        """How many reads were wrong."""
        return sum(self.counts[kind] for kind in WRONG) + len(self.still_wrong)

    def as_json(self) -> str:
        return json.dumps(asdict(self) | {"wrong": self.wrong, "hit_rate": self.hit_rate})


def run(order: Order) -> Found:
    """Run it in this process, which must not have set up Django, and in children of it.

    Raises:
        Stuck: a process hung, or ended by itself. The log is on standard error.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hf-consistency-")))
        database = stack.enter_context(databases.running(order.database, order.isolation, folder))
        place = stack.enter_context(store.running(order.store))
        _configure(order, database, place.url)
        return _run(order, place, folder)


def _configure(order: Order, database: dict[str, Any], url: str) -> None:
    settings.configure(
        **{
            "SECRET_KEY": "consistency",
            "ALLOWED_HOSTS": ["*"],
            "USE_TZ": True,
            "INSTALLED_APPS": [
                "django.contrib.contenttypes",
                "tests.consistency.library.apps.LibraryConfig",
                *APPS.get(order.subject, ()),
            ],
            "DATABASES": {"default": database},
        }
        | subject_settings(order.subject, url, longest=order.longest)
    )
    django.setup()


def _run(order: Order, place: store.Place, folder: Path) -> Found:
    # What needs Django's settings.
    from tests.consistency import worker
    from tests.consistency.envelopes import envelopes_on
    from tests.consistency.writes import ways_on

    worker.watch_the_database()
    prepared = subjects.subject(order.subject).prepare(order.subject)
    if order.without:
        assert prepared.tags, "there is no protocol of ours in it"
        safeguards.take_out(order.without, prepared.tags)
    ledger = Ledger(folder / "ledger")
    plan = worker.Plan(
        prepared.read,
        order.readings or prepared.readings,
        order.ways or ways_on(order.database, prepared.ways),
        order.envelopes or envelopes_on(order.database, prepared.envelopes),
        repeatable=order.isolates,
        pause=order.pause,
        delayed=order.delayed,
        log=folder / "log",
    )
    in_child(lambda: fill(ledger))
    roles = [
        [(0, worker.READER), (1, worker.READER)],
        [(2, worker.READER)],
        [(3, worker.WRITER), (4, worker.READER)],
        [(5, worker.WRITER)],
    ]
    lives = iter(range(1, 10**9))
    crew = Crew(
        ledger,
        lambda number: worker.start(plan, ledger, roles[number], order.seed * 1000 + next(lives)),
        [[row for row, _ in of_process] for of_process in roles],
        {
            number: row
            for number, each in enumerate(roles)
            for row, role in each
            if role == worker.WRITER
        },
        lambda: in_child(lambda: settle(ledger)),
    )
    started = time.monotonic()
    found = Found(order)
    try:
        crew.begin()
        found.made = _rage(order, crew, place)
        crew.end()
        found.seconds = time.monotonic() - started
        found.log = _told(plan.log)
        found.counts = ledger.totals()
        # What was marked by those who are dead is over by then.
        time.sleep(0.2)
        found.still_wrong = in_child(lambda: worker.still_wrong(plan, ledger))
    except BaseException:
        crew.kill()
        for path in [plan.log, *folder.glob("*.stacks")]:
            if path.exists():
                sys.stderr.write(f"{path.name}:\n{path.read_text()[-20_000:]}\n")
        raise
    return found


def _told(log: Path) -> list[str]:
    """What was complained of, each time with the write that should have been seen."""
    if not log.exists():
        return []
    journal = log.with_suffix(".journal")
    writes = journal.read_text().splitlines() if journal.exists() else []
    told: dict[str, str] = {}
    for line in log.read_text().splitlines():
        told[line] = ""
        if expected := re.search(r" not( \d+:0x\w+ );", line):
            told[line] = "\n".join(write for write in writes if expected[1] in write)
    shown = {write: line for line, write in reversed(told.items())}
    return [
        line if not told[line] or shown[told[line]] != line else f"{line}\n      {told[line]}"
        for line in told
    ]


def _rage(order: Order, crew: Crew, place: store.Place) -> dict[str, int]:
    """Make the scenario's faults until there were enough reads."""
    choice = random.Random(order.seed)
    faults = Faults(crew, place, choice, longest=order.longest)
    weights = {
        name: weight
        for name, weight in SCENARIOS[order.scenario].items()
        if name in {"kill", "stop", "death"} or place.accidents
    }
    deadline = time.monotonic() + order.seconds
    last, progress = -1, time.monotonic()
    while (reads := crew.ledger.reads) < order.reads and time.monotonic() < deadline:
        if order.until_wrong and crew.ledger.wrong:
            break
        if reads > last:
            last, progress = reads, time.monotonic()
        elif time.monotonic() > progress + 30:
            raise TimeoutError("nobody has read for 30 seconds")
        time.sleep(choice.random() * 0.1)
        if weights:
            (name,) = choice.choices([*weights], [*weights.values()])
            getattr(faults, name)()
        crew.check()
    return faults.made


def fill(ledger: Ledger) -> None:
    """Make the tables, and what is in them at first."""
    from django.core.management import call_command

    from tests.consistency import slots
    from tests.consistency.library.models import Article, Feature, Label, Shelf, Stock

    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # the library, which has no migrations

    def word(slot: int, says: int = 1) -> int:
        made = word_of(1, says)
        ledger.told[slot] = ledger.attempted[slot] = made
        ledger.numbered[slot] = 1
        return made

    for number in range(slots.SHELVES):
        Shelf(pk=number + 1, word=word(slots.SHELF[number])).save()
    for number in range(slots.LABELS):
        Label(pk=number + 1).save()
    for number in range(slots.ARTICLES):
        shelf = 1 + number % slots.SHELVES
        fields = {"pk": number + 1, "shelf_id": shelf, "word": word(slots.ARTICLE[number], shelf)}
        if number % slots.FEATURED:
            Article(**fields).save()
        else:
            Feature(**fields, extra=word(slots.FEATURE[number])).save()
    for number in range(slots.STOCKS):
        shelf = 1 + number % slots.SHELVES
        Stock(pk=number + 1, shelf_id=shelf, word=word(slots.STOCK[number])).save()
        ledger.told[slots.VOTES[number]] = ledger.attempted[slots.VOTES[number]] = 2


def settle(ledger: Ledger) -> None:
    """Find out whether changes were committed that nobody was told of, as far as that is over."""
    from tests.consistency import slots
    from tests.consistency.hold import Busy, Hold

    hold = Hold(ledger)
    for slot in range(slots.SLOTS):
        if ledger.attempted[slot] > ledger.told[slot]:
            with contextlib.suppress(Busy):
                hold.claim(slot)
    hold.let_go()


def in_child(function: Callable[[], Any]) -> Any:
    """Run it in a process of its own: this one opens no connections, which its children share."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            os.close(ours)
            with os.fdopen(theirs, "w") as answer:
                json.dump(function(), answer)
            status = 0
        except BaseException as error:
            import traceback

            traceback.print_exception(error)
        finally:
            os._exit(status)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        text = answer.read()
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError("a child failed; see above")
    return json.loads(text)


def lines(found: Found, complaints: int = 10) -> Iterator[str]:
    """What to print of a run."""
    order, counts = found.order, found.counts
    what = f"{order.subject} on {order.store}, {order.reads_from}, {order.scenario}"
    if order.without:
        what += f", without {order.without}"
    yield (
        f"{what}, seed {order.seed}: {counts['reads']:,} reads in {found.seconds:.0f} s,"
        f" hit rate {100 * found.hit_rate:.0f} %, {counts['writes']:,} writes"
        f" ({counts['commits']:,} committed, {counts['refused']:,} refused)"
    )
    yield (
        f"  stale {counts['stale']}, went back {counts['went_back']},"
        f" rolled back seen {counts['rolled_back']}, own writes unseen {counts['unseen']},"
        f" wrong at the end {len(found.still_wrong)};"
        f" failed reads {counts['read_errors']}, failed writes {counts['write_errors']}"
    )
    if found.made:
        yield f"  {', '.join(f'{name}: {count}' for name, count in sorted(found.made.items()))}"
    for line in [*found.log[: complaints * 4], *found.still_wrong[:complaints]]:
        yield f"    {line}"
