"""Our protocol with one of its safeguards taken out: then stale reads must be found.

What is taken out is taken out here, in the harness, before anything is opened; nothing in the
product can be told to go without it.
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.consistency.store import EMBEDDED, REDIS

Take = Callable[[type], None]
#: To be read where a few keys, asked for by all, show more than many.
HOT = ("--readings", "stocks,all_votes,bookmarks,notices")


@dataclass(frozen=True)
class Safeguard:
    """One of them, and where its absence shows.

    Attributes:
        take_out: given the class of the store's tags.
        subject, store, isolation, scenario, pause, more: what to run to see it.
        rare: how many times as long as others it takes to see it.
    """

    take_out: Take
    subject: str = "protocol"
    store: str = EMBEDDED
    isolation: str = "rc"
    scenario: str = "calm"
    pause: float = 0.002
    more: tuple[str, ...] = ()
    rare: int = 1


SAFEGUARDS: dict[str, Safeguard] = {}


def _safeguard(name: str, **where: Any) -> Callable[[Take], Take]:
    def add(take_out: Take) -> Take:
        SAFEGUARDS[name] = Safeguard(take_out, **where)
        return take_out

    return add


@_safeguard("mark")
def no_mark(tags: type) -> None:
    """Only a bump after COMMIT: between the two, the old value is served, and stored."""

    def mark(self: Any, names: Any, writer: bytes) -> None:
        """Say nothing."""

    tags.mark = mark


@_safeguard("mark-at-hit")
def no_mark_at_hit(tags: type) -> None:
    """A mark keeps results from being stored, and not from being served."""
    from holdfast.stores.lmdb.tag_table import EPOCH, FLOOR, SEQUENCE, STATE, _number

    def valid_in(self: Any, txn: Any, stamp: bytes, keys: Any) -> tuple[bool, list[bytes]]:
        environment = self._environment
        state = txn.get(STATE, None, environment.meta)
        numbers = [
            (raw and _number(raw)) for key in keys for raw in [txn.get(key, None, environment.tags)]
        ]
        newest = max((number or state[FLOOR] for number in numbers), default=b"")
        return stamp[EPOCH] == state[EPOCH] and newest <= stamp[SEQUENCE], []

    tags.valid_in = valid_in


@_safeguard("mark-outlives-commit", more=("--delayed", "0.3", *HOT))
def no_mark_for_long(tags: type) -> None:
    """The mark's time is over before the COMMIT is."""
    mark = tags.mark

    def mark_shortly(self: Any, names: Any, writer: bytes) -> None:
        self.commit_timeout = 0.001
        mark(self, names, writer)

    tags.mark = mark_shortly


@_safeguard("bump")
def no_bump(tags: type) -> None:
    """The mark is taken back after COMMIT, and no bump follows."""
    unmark = tags.unmark
    tags.bump = lambda self, names, writer=None: unmark(self, names, writer or b"nobody")


@_safeguard("bump-of-the-dead", scenario="deaths", pause=0.02)
def no_bump_of_the_dead(tags: type) -> None:
    """The mark of a writer that was killed goes, when its time is over, without a bump."""
    from holdfast.stores.lmdb.tag_table import TagTable

    def settle(self: Any, txn: Any, keys: Any) -> None:
        from holdfast.stores.lmdb import tag_table

        for key in self.over(txn, keys):
            number = tag_table._number(self._get(txn, key))
            txn.put(key, number, db=self._databases[b"tags"])

    TagTable.settle = settle


@_safeguard("stamp-before-load")
def stamp_after_load(tags: type) -> None:
    """What is stored is stamped when it is stored, as if it had been loaded then."""
    put = tags.put

    def put_as_new(self: Any, *arguments: Any) -> bool:
        key, value, ttl, _, names = arguments
        now = self.stamp()
        return now is not None and put(self, key, value, ttl, now, names)

    tags.put = put_as_new


@_safeguard("epoch", store=REDIS, scenario="restores")
def no_epoch(tags: type) -> None:
    """A server that comes back with older data is taken for the one that went."""
    _in_scripts("if found[1] and found[3] == run() then", "if found[1] then")


@_safeguard("quarantine", store=REDIS, scenario="flushes", pause=0.05)
def no_quarantine(tags: type) -> None:
    """After a flush everything is stored at once, although the marks are gone."""
    _in_scripts("'f', 0, 'q', 1)", "'f', 0)")


@_safeguard("floor")
def no_floor(tags: type) -> None:
    """A tag that was forgotten is taken for one that was never bumped; and few are remembered."""
    from holdfast.stores.lmdb.tag_table import TagTable

    remember_few(tags)
    forget = TagTable._forget

    def forget_and_forget_that(self: Any, txn: Any, new: int) -> None:
        from holdfast.stores.lmdb import tag_table

        forget(self, txn, new)
        meta = self._databases[b"meta"]
        epoch, sequence, _, quiet = tag_table._STATE.unpack(txn.get(tag_table.STATE, db=meta))
        txn.put(tag_table.STATE, tag_table._STATE.pack(epoch, sequence, 0, quiet), db=meta)

    TagTable._forget = forget_and_forget_that


def remember_few(tags: type) -> None:
    """No safeguard less, but tags are forgotten all the time."""
    from holdfast.stores.lmdb.tag_table import TagTable

    TagTable.limit = 4


@_safeguard(
    "stamp-at-begin", subject="ours", isolation="rr", more=("--delayed", "0.1", *HOT), rare=5
)
def stamp_at_the_query(tags: type) -> None:
    """Under REPEATABLE READ the stamp is that of the query, not that of the older snapshot."""
    from holdfast.django.tracking import reading, snapshots
    from tests.consistency.subjects import stamping

    stamping.at_begin = False
    snapshots._of_snapshot = lambda: (False, None)
    reading.Reading._too_old = _nothing  # type: ignore[method-assign]


@_safeguard("check-in-process", subject="ours")
def no_check_in_process(tags: type) -> None:
    """What is kept in the process is believed until its time is over."""
    tags.sequence = lambda _: b"always the same"
    tags.valid = _yes


@_safeguard("own-writes", subject="ours")
def no_look_at_own_writes(tags: type) -> None:
    """A transaction that has written is served, and stores, what everybody is, and does."""
    from holdfast.django.tracking.reading import Reading
    from holdfast.django.tracking.snapshots import OfTransactions

    for name in ("may_serve", "may_share", "may_wait"):
        setattr(OfTransactions, name, _yes)
    Reading._depend = lambda _, recording, depends: recording.add_all(depends)  # type: ignore[method-assign]


@_safeguard("late-comers", subject="ours", more=("--delayed", "0.3", *HOT), rare=5)
def no_look_at_who_came_when(tags: type) -> None:
    """Who comes after a load was stored takes its result, if its leader has yet to let go."""
    from holdfast.cache.call import Call

    begin = Call.__init__

    def begin_early(self: Any, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        self.came = 0

    Call.__init__ = begin_early  # type: ignore[method-assign]


@_safeguard("put-looks", subject="ours", more=("--delayed", "0.3", *HOT), rare=20)
def no_look_at_put(tags: type) -> None:
    """Everything is stored. No hit serves what is untrue, but those who wait for a load get it."""

    def put_in(self: Any, txn: Any, *what: Any) -> bool:
        key, record, ttl, _, _ = what
        self._table.set(txn, key, record, ttl, None)
        return True

    tags.put_in = put_in


@_safeguard("strict", subject="ours")
def no_refusal(tags: type) -> None:
    """The COMMIT goes ahead although the store did not answer: here one in five times."""
    from holdfast.django.tracking import outbox
    from holdfast.django.tracking.transaction import Transaction
    from holdfast.stores.errors import StoreUnavailable

    mark = tags.mark

    def mark_if_reached(self: Any, names: Any, writer: bytes) -> None:
        if random.random() < 0.2:
            raise StoreUnavailable("out of this writer's reach")
        mark(self, names, writer)

    tags.mark = mark_if_reached
    Transaction.outage = staticmethod(_nothing)  # type: ignore[method-assign]
    outbox.write = _nothing


@_safeguard("anything", subject="ours", more=("--ways", "raw_block", "--readings", "stock,stocks"))
def no_doubt(tags: type) -> None:
    """SQL that isn't understood is taken to write nothing."""
    from holdfast.django.tracking import writing

    write_tags = writing.write_tags
    writing.write_tags = lambda statement, binding: (
        set() if statement.writes_anything else write_tags(statement, binding)
    )


def _yes(*ignored: Any) -> bool:
    return True


def _nothing(*ignored: Any) -> None:
    return None


def take_out(name: str, tags: type) -> None:
    SAFEGUARDS[name].take_out(tags)


def _in_scripts(text: str, other: str) -> None:
    """Write something else in Redis's scripts, wherever they are."""
    from holdfast.stores.redis import tag_scripts
    from holdfast.stores.redis.scripts import Script

    found = 0
    for name, script in list(vars(tag_scripts).items()):
        if isinstance(script, Script) and text in script.text:
            setattr(tag_scripts, name, replace(script, text=script.text.replace(text, other)))
            found += 1
    if not found:
        sys.exit(f"the scripts have no {text!r} any more: see safeguards.py")
