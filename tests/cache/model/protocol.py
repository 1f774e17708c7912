"""The protocol of tags, as its steps: one result, one tag, and a database that they are read from.

The database holds one number for each writer, which raises it by one; all have the one tag, as the
rows of a table have the table's. Readers begin with a hit, if there is one; else they load, and
store. Keys and tags don't meddle with each other, so that one of each is enough. What the engines
do in one step is one step here, and what they do in several is several.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.cache.model.search import DONE, SERVED, Process, Step

#: Of a tag: added, and without a number yet.
PENDING = -1
_INFINITE = 10**9

#: Its writer, and the number that it was made with.
Mark = tuple[str, int]
#: A value and its stamp.
Result = tuple[tuple[int, ...], tuple[int, int]]


class Store(NamedTuple):
    """What is in the store. *number* None: the tag isn't known."""

    epoch: int = 0
    sequence: int = 1
    quiet: bool = False
    number: int | None = 0
    floor: int = 0
    marks: frozenset[Mark] = frozenset()
    result: Result | None = None


class World(NamedTuple):
    """What all see. *left* counts what may still go wrong: how often, by what."""

    database: tuple[int, ...]
    store: Store
    left: tuple[tuple[str, int], ...] = ()
    dump: Store | None = None
    epochs: int = 0
    #: Marks that have been there for longer than any commit takes, where that is seen to in steps.
    over: frozenset[Mark] = frozenset()
    settles: bool = True


@dataclass(frozen=True)
class Rules:
    """What the protocol is made of. Each False takes one safeguard out."""

    marks_before_commit: bool = True
    bumps_after_commit: bool = True
    mark_must_be_acknowledged: bool = True
    marks_become_bumps: bool = True
    marks_outlive_the_commit: bool = True
    hits_look_at_marks: bool = True
    hits_look_at_numbers: bool = True
    stamps_before_the_load: bool = True
    stamps_at_begin: bool = True
    unknown_tags_read_as_new: bool = True
    lost_state_is_a_new_epoch: bool = True
    new_epochs_are_quiet: bool = True
    # Where a step covers one item only:
    hits_read_marks_first: bool = True
    numbers_only_grow: bool = True
    marks_go_last: bool = True
    new_items_begin_empty: bool = True


def number_of(rules: Rules, kind: str, store: Store) -> int:
    """What a hit compares with; of an unknown tag, what was forgotten last, or all there can be."""
    if store.number is not None and store.number != PENDING:
        return store.number
    if not rules.unknown_tags_read_as_new:
        return 0
    return _INFINITE if kind == "one item" else store.floor


def holds(rules: Rules, kind: str, store: Store, stamp: tuple[int, int]) -> bool:
    """All that a hit looks at, at one moment."""
    return (
        stamp[0] == store.epoch
        and not (rules.hits_look_at_marks and store.marks)
        and not (rules.hits_look_at_numbers and number_of(rules, kind, store) > stamp[1])
    )


def marked(store: Store, writer: str) -> Store:
    """With a new number, and a mark of that writer with it."""
    number = store.sequence + 1
    marks = without(store, writer).marks | {(writer, number)}
    return store._replace(sequence=number, marks=marks)


def without(store: Store, writer: str) -> Store:
    """Without that writer's marks."""
    return store._replace(marks=frozenset(mark for mark in store.marks if mark[0] != writer))


def bumped(store: Store) -> Store:
    """With a new number, which is the tag's."""
    return store._replace(sequence=store.sequence + 1, number=store.sequence + 1)


def _with(world: World, store: Store) -> World:
    return world._replace(store=store)


Outcomes = Iterable[tuple[World, Process]]


class Writer:
    """The steps of a transaction: write, mark, COMMIT or ROLLBACK, bump or unmark."""

    def __init__(self, rules: Rules, *, one_step: bool, outages: bool) -> None:
        self.rules = rules
        self.one_step = one_step
        self.outages = outages

    def steps(self) -> Mapping[str, Step]:
        return {
            "mark": self.mark,
            "commit": self.commit,
            "bump": self.bump,
            "raise": self.raise_,
            "unmark": self.unmark,
            "rolled-back": self.unmark,
        }

    def mark(self, world: World, me: Process) -> Outcomes:
        if not self.rules.marks_before_commit:
            yield world, me._replace(at="commit")
            return
        store = world.store
        yield _with(world, marked(store, me.name)), me._replace(at="commit", seen=store.epoch)
        if self.outages:
            goes_on = "rolled-back" if self.rules.mark_must_be_acknowledged else "commit"
            yield world, me._replace(at=goes_on)

    def commit(self, world: World, me: Process) -> Outcomes:
        place = int(me.name[-1]) - 1
        rows = list(world.database)
        rows[place] += 1
        yield world._replace(database=tuple(rows)), me._replace(at="bump", seen=None)
        yield world, me._replace(at="rolled-back", seen=None)

    def bump(self, world: World, me: Process) -> Outcomes:
        store = world.store
        if not self.rules.bumps_after_commit:
            yield world, me._replace(at="unmark")
        elif self.one_step:
            yield _with(world, without(bumped(store), me.name)), me._replace(at=DONE)
        else:
            # A number, and the mark anew, if it isn't there any more.
            taken = marked(store, me.name)
            if not self.rules.marks_go_last:
                taken = without(taken, me.name)
            yield (
                _with(world, taken),
                me._replace(at="raise", stamp=(store.epoch, taken.sequence)),
            )

    def raise_(self, world: World, me: Process) -> Outcomes:
        """A compare-and-set that is done again until it is through: so one step."""
        store, (epoch, number) = world.store, me.stamp
        last = "unmark" if me.value is None else "settle: unmark"
        if store.epoch != epoch:
            yield world, me._replace(at=DONE)
            return
        if self.rules.numbers_only_grow:
            number = max(number, store.number or 0)
        raised = store._replace(number=number)
        yield _with(world, raised), me._replace(at=last, stamp=None, seen=None)

    def unmark(self, world: World, me: Process) -> Outcomes:
        yield _with(world, without(world.store, me.name)), me._replace(at=DONE)


class Settler:
    """Where it takes several steps: who has found a mark that is over, and makes it a bump."""

    def steps(self) -> Mapping[str, Step]:
        return {"settle": self.settle, "settle: unmark": self.unmark}

    def settle(self, world: World, me: Process) -> Outcomes:
        store = world.store
        for mark in sorted(store.marks & world.over):
            taken = store._replace(sequence=store.sequence + 1)
            stamp = (store.epoch, taken.sequence)
            yield _with(world, taken), me._replace(at="raise", stamp=stamp, value=mark)

    def unmark(self, world: World, me: Process) -> Outcomes:
        left = world.store.marks - {me.value}
        yield _with(world, world.store._replace(marks=left)), me._replace(at=DONE)


class Reader:
    """The steps of a read: a hit, or stamp, load and put."""

    def __init__(self, rules: Rules, kind: str, isolation: str) -> None:
        self.rules = rules
        self.kind = kind
        self.isolation = isolation

    def steps(self) -> Mapping[str, Step]:
        return {
            "begin": self.begin,
            "snapshot": self.snapshot,
            "hit": self.hit,
            "hit-check": self.hit_check,
            "hit-marks": self.hit_marks,
            "hit-numbers": self.hit_numbers,
            "stamp": self.stamp,
            "load": self.load,
            "put": self.put,
            "item-add": self.item_add,
            "item-read": self.item_read,
            "item-write": self.item_write,
        }

    def begin(self, world: World, me: Process) -> Outcomes:
        me = me._replace(need=world.database)
        if self.isolation == "read committed":
            # Nothing happened yet that a later beginning would not have found as well.
            yield from self.hit(world, me)
            return
        # The stamp is taken at BEGIN, before the snapshot; or, wrongly, at the query.
        if self.rules.stamps_at_begin and not world.store.quiet:
            stamp = (world.store.epoch, world.store.sequence)
            yield world, me._replace(at="snapshot", stamp=stamp)
        else:
            yield world, me._replace(at="snapshot")

    def snapshot(self, world: World, me: Process) -> Outcomes:
        yield world, me._replace(at="hit", value=world.database)

    # A hit

    def hit(self, world: World, me: Process) -> Outcomes:
        store = world.store
        if store.result is None:
            yield world, self._miss(me)
        elif self.kind == "one step":
            value, stamp = store.result
            if holds(self.rules, self.kind, store, stamp):
                yield world, me._replace(at=SERVED, value=value)
            else:
                yield world, self._miss(me)
        elif self.kind == "cluster":
            yield world, me._replace(at="hit-check", seen=store.result)
        else:
            yield (
                world,
                me._replace(
                    at="hit-marks" if self.rules.hits_read_marks_first else "hit-numbers",
                    seen=(store.result, None),
                ),
            )

    def hit_check(self, world: World, me: Process) -> Outcomes:
        value, stamp = me.seen
        if holds(self.rules, self.kind, world.store, stamp):
            yield world, me._replace(at=SERVED, value=value)
        else:
            yield world, self._miss(me)

    def hit_marks(self, world: World, me: Process) -> Outcomes:
        result, number = me.seen
        store = world.store
        marked = bool(store.marks) and self.rules.hits_look_at_marks
        if marked or store.epoch != result[1][0]:
            yield world, self._miss(me)
        elif number is None:
            yield world, me._replace(at="hit-numbers", seen=(result, store.epoch))
        else:
            yield world, self._judged(me, result, number)

    def hit_numbers(self, world: World, me: Process) -> Outcomes:
        result, asked = me.seen
        number = number_of(self.rules, self.kind, world.store)
        if asked is None:
            yield world, me._replace(at="hit-marks", seen=(result, number))
        elif world.store.epoch != asked:
            yield world, self._miss(me)  # the items of another epoch have other names
        else:
            yield world, self._judged(me, result, number)

    def _judged(self, me: Process, result: Result, number: int) -> Process:
        if number <= result[1][1] or not self.rules.hits_look_at_numbers:
            return me._replace(at=SERVED, value=result[0], seen=None)
        return self._miss(me)

    def _miss(self, me: Process) -> Process:
        at_begin = self.isolation == "repeatable read" and self.rules.stamps_at_begin
        if at_begin:
            return me._replace(at="put", seen=None)
        first = "stamp" if self.rules.stamps_before_the_load else "load"
        return me._replace(at=first, seen=None)

    # A load

    def stamp(self, world: World, me: Process) -> Outcomes:
        store = world.store
        stamp = None if store.quiet else (store.epoch, store.sequence)
        loaded = not self.rules.stamps_before_the_load or self.isolation == "repeatable read"
        yield world, me._replace(at="put" if loaded else "load", stamp=stamp)

    def load(self, world: World, me: Process) -> Outcomes:
        after = "put" if self.rules.stamps_before_the_load else "stamp"
        yield world, me._replace(at=after, value=world.database)

    def put(self, world: World, me: Process) -> Outcomes:
        if me.stamp is None:
            yield world, me._replace(at=DONE)
            return
        if self.kind == "one item" and world.store.number in {None, PENDING}:
            yield world, me._replace(at="item-add", seen=world.store.sequence)
            return
        if self.kind == "one step" and not holds(self.rules, self.kind, world.store, me.stamp):
            yield world, me._replace(at=DONE)
        else:
            # What the other engines look at beforehand saves work only: stored all the same.
            stored = world.store._replace(result=(me.value, me.stamp))
            yield _with(world, stored), me._replace(at=DONE)

    # An item for a tag that has none (Memcached)

    def item_add(self, world: World, me: Process) -> Outcomes:
        store = world.store
        if store.epoch != me.stamp[0]:
            yield world, me._replace(at=DONE)
        elif self.rules.new_items_begin_empty:
            added = PENDING if store.number is None else store.number
            yield (
                _with(world, store._replace(number=added)),
                me._replace(at="item-read", seen=added),
            )
        else:
            # Wrongly: the sequence was read before the item was added.
            number = me.seen if store.number is None else store.number
            yield _with(world, store._replace(number=number)), me._replace(at="put", seen=None)

    def item_read(self, world: World, me: Process) -> Outcomes:
        if me.seen != PENDING:
            yield world, me._replace(at="put", seen=None)
        else:
            yield world, me._replace(at="item-write", seen=world.store.sequence)

    def item_write(self, world: World, me: Process) -> Outcomes:
        store = world.store
        # A compare-and-set: what was added is there still.
        if store.number == PENDING and store.epoch == me.stamp[0]:
            yield _with(world, store._replace(number=me.seen)), me._replace(at="put", seen=None)
        else:
            yield world, me._replace(at="put", seen=None)


class Events:
    """What happens by itself."""

    def __init__(self, rules: Rules, kind: str) -> None:
        self.rules = rules
        self.kind = kind

    def __call__(self, world: World, processes: tuple[Process, ...]) -> Iterator[tuple[str, World]]:
        left = dict(world.left)
        store = world.store
        standing = {process.name: process.at for process in processes}
        for mark in sorted(store.marks - world.over):
            if self._over(mark[0], standing):
                label = f"the mark of {mark[0]} is over"
                if self.kind == "one item":
                    if not world.settles:
                        continue
                    yield label, world._replace(over=world.over | {mark})
                else:
                    yield label, _with(world, self._settled(store, mark))
        if store.quiet and not self._waiting(processes, store.epoch):
            yield "the quiet is over", _with(world, store._replace(quiet=False))
        for what in ("forgotten", "flushed", "dumped", "restored"):
            if left.get(what):
                changed = self._disturbed(world, what)
                if changed is not None:
                    rest = {**left, what: left[what] - 1}
                    yield what, changed._replace(left=tuple(sorted(rest.items())))

    def _over(self, writer: str, standing: Mapping[str, str]) -> bool:
        if not self.rules.marks_outlive_the_commit:
            return True
        return standing[writer] not in {"mark", "commit"}

    def _settled(self, store: Store, mark: Mark) -> Store:
        gone = store._replace(marks=store.marks - {mark})
        return bumped(gone) if self.rules.marks_become_bumps else gone

    @staticmethod
    def _waiting(processes: tuple[Process, ...], epoch: int) -> bool:
        """Whether some commit is still to come that was marked in an earlier epoch."""
        return any(
            process.at == "commit" and process.seen is not None and process.seen < epoch
            for process in processes
        )

    def _disturbed(self, world: World, what: str) -> World | None:
        store = world.store
        if what == "dumped":
            return world._replace(dump=store)
        if what == "forgotten":
            if store.number is None:
                return None
            if self.kind == "one item":
                return _with(world, store._replace(number=None))
            floor = max(store.floor, store.number) if self.rules.unknown_tags_read_as_new else 0
            return _with(world, store._replace(number=None, floor=floor))
        return self._lost(world, what)

    def _lost(self, world: World, what: str) -> World | None:
        """Emptied, or back with what was dumped."""
        dump, epochs = world.dump, world.epochs + 1
        if what == "restored":
            if dump is None:
                return None
            if not self.rules.lost_state_is_a_new_epoch:
                return world._replace(store=dump, epochs=epochs)
            kept = dump.result
        else:
            # What lies on other servers stays.
            kept = None if self.kind == "one step" else world.store.result
        world = world._replace(epochs=epochs)
        return _with(
            world,
            Store(epoch=epochs, quiet=self.rules.new_epochs_are_quiet, result=kept),
        )
