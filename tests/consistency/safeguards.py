"""Our protocol with one of its safeguards taken out: then stale reads must be found.

What is taken out is taken out here, in the harness, before anything is opened; nothing in the
product can be told to go without it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tests.consistency.store import EMBEDDED, REDIS

Take = Callable[[type], None]


@dataclass(frozen=True)
class Safeguard:
    """One of them, and where its absence shows.

    Attributes:
        take_out: given the class of the store's tags.
        store, isolation, scenario, pause: what to run to see it.
        subjects: what has it.
    """

    take_out: Take
    store: str = EMBEDDED
    isolation: str = "rc"
    scenario: str = "calm"
    pause: float = 0.002
    subjects: tuple[str, ...] = ("protocol", "ours")


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


@_safeguard("bump")
def no_bump(tags: type) -> None:
    """The mark is taken back after COMMIT, and no bump follows."""
    unmark = tags.unmark
    tags.bump = lambda self, names, writer=None: unmark(self, names, writer or b"nobody")


@_safeguard("bump-of-the-dead", scenario="kills", pause=0.1)
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


@_safeguard("floor", scenario="calm")
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

    TagTable.limit = 30


@_safeguard("stamp-at-begin", isolation="rr")
def stamp_at_the_query(tags: type) -> None:
    """Under REPEATABLE READ the stamp is that of the query, not that of the older snapshot."""
    from tests.consistency.subjects import stamping

    stamping.at_begin = False


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
