"""The usual ways to keep a cache true, in the same search: what they lose, and when."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tests.cache.model.search import DONE, SERVED, Findings, Process, Step, search


class World(NamedTuple):
    """What all see.

    *result* is a value and its stamp, *lease* whose load may be stored, *bumped* the tag's number.
    """

    database: tuple[int, ...]
    result: tuple[tuple[int, ...], int] | None = None
    lease: str | None = None
    sequence: int = 1
    bumped: int = 0


Outcomes = Iterable[tuple[World, Process]]


def commit(world: World, me: Process, after: str) -> Outcomes:
    rows = list(world.database)
    rows[int(me.name[1]) - 1] += 1
    yield world._replace(database=tuple(rows)), me._replace(at=after)


def delete(world: World, me: Process, after: str) -> Outcomes:
    """A result, and whatever lease there is."""
    yield world._replace(result=None, lease=None), me._replace(at=after)


def bump(world: World, me: Process, after: str) -> Outcomes:
    number = world.sequence + 1
    yield world._replace(sequence=number, bumped=number), me._replace(at=after)


def _hit(world: World, me: Process, missed: str, *, stamped: bool) -> Outcomes:
    me = me._replace(need=me.need or world.database)
    found = world.result
    if found is not None and (not stamped or found[1] >= world.bumped):
        yield world, me._replace(at=SERVED, value=found[0])
    else:
        yield world, me._replace(at=missed)


def begin(world: World, me: Process, after: str) -> Outcomes:
    yield world, me._replace(at=after, need=world.database)


def load(world: World, me: Process, after: str) -> Outcomes:
    yield world, me._replace(at=after, value=world.database)


def stamp(world: World, me: Process, after: str) -> Outcomes:
    yield world, me._replace(at=after, stamp=world.sequence)


def store(world: World, me: Process, after: str) -> Outcomes:
    yield world._replace(result=(me.value, me.stamp or 0)), me._replace(at=after)


def take_lease(world: World, me: Process, after: str) -> Outcomes:
    if world.lease is None:
        yield world._replace(lease=me.name), me._replace(at=after)
    else:
        yield world, me._replace(at=DONE)  # waits for the other's, or loads without storing


def store_leased(world: World, me: Process, after: str) -> Outcomes:
    if world.lease == me.name:
        yield (
            world._replace(result=(me.value, 0), lease=None),
            me._replace(at=after),
        )
    else:
        yield world, me._replace(at=after)


def chain(actions: Mapping[str, object]) -> dict[str, Step]:
    """Steps one after the other, by their names."""
    names = [*actions, DONE]
    steps: dict[str, Step] = {}
    for place, (name, action) in enumerate(actions.items()):
        steps[name] = lambda world, me, action=action, after=names[place + 1]: action(
            world, me, after
        )
    return steps


def plain_hit(world: World, me: Process, after: str) -> Outcomes:
    yield from _hit(world, me, after, stamped=False)


def stamped_hit(world: World, me: Process, after: str) -> Outcomes:
    yield from _hit(world, me, after, stamped=True)


_PLAIN = {"begin": begin, "hit": plain_hit, "load": load, "store": store}

#: By name: what a writer does, and what a reader does.
WAYS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "delete in post_save": ({"delete": delete, "commit": commit}, _PLAIN),
    "delete on commit": ({"commit": commit, "delete": delete}, _PLAIN),
    "stamp after the load, bump after COMMIT": (
        {"commit": commit, "bump": bump},
        {"begin": begin, "hit": stamped_hit, "load": load, "stamp": stamp, "store": store},
    ),
    "stamp before the load, bump after COMMIT": (
        {"commit": commit, "bump": bump},
        {"begin": begin, "hit": stamped_hit, "stamp": stamp, "load": load, "store": store},
    ),
    "a lease that deleting voids, on commit": (
        {"commit": commit, "delete": delete},
        {
            "begin": begin,
            "hit": plain_hit,
            "lease": take_lease,
            "load": load,
            "store": store_leased,
        },
    ),
}


def run(
    way: tuple[dict[str, object], dict[str, object]], *, writers: int, readers: int, warm: bool
) -> Findings:
    """Try everything."""
    writer, reader = way
    rows = (0,) * writers
    world = World(rows, (rows, 1) if warm else None)
    first = next(iter(writer))
    processes = [Process(f"W{n + 1}", first) for n in range(writers)]
    processes += [Process("R", "begin") for _ in range(readers)]

    def settled_wrong(world: World, processes: tuple[Process, ...]) -> bool:
        if any(process.alive for process in processes) or world.result is None:
            return False
        value, number = world.result
        stamped = "stamp" in reader
        return value != world.database and not (stamped and number < world.bumped)

    def nothing(world: World, processes: tuple[Process, ...]) -> Iterator[tuple[str, World]]:
        return iter(())

    return search(world, processes, {**chain(writer), **chain(reader)}, nothing, settled_wrong)
