"""One search each: which engine, how many writers and readers, what goes wrong."""

from dataclasses import dataclass, field

from tests.cache.model import others
from tests.cache.model.protocol import (
    Events,
    Reader,
    Rules,
    Settler,
    Store,
    World,
    Writer,
    holds,
)
from tests.cache.model.search import Findings, Process, search

#: How much one step covers. In one: everything (LMDB, Redis). In a cluster: all that concerns tags,
#: and apart from it the result. In Memcached: one item.
KINDS = {"LMDB, Redis": "one step", "Redis Cluster": "cluster", "Memcached": "one item"}


@dataclass(frozen=True)
class Run:
    """What is tried.

    Attributes:
        kind: of `KINDS`.
        writers, readers: how many.
        warm: whether there is a result to begin with.
        isolation: of the readers.
        goes_wrong: how often what may happen: "forgotten" (or evicted), "flushed", "dumped",
            "restored", "outage".
        settles: whether there is somebody, where it takes several steps, who finds marks over.
        rules: what the protocol is made of.
    """

    kind: str = "one step"
    writers: int = 1
    readers: int = 2
    warm: bool = True
    isolation: str = "read committed"
    goes_wrong: tuple[str, ...] = ()
    settles: bool = True
    rules: Rules = field(default_factory=Rules)

    def search(self) -> Findings:
        rules, kind = self.rules, self.kind
        writer = Writer(rules, one_step=kind != "one item", outages="outage" in self.goes_wrong)
        steps = {
            **writer.steps(),
            **Reader(rules, kind, self.isolation).steps(),
            **Settler().steps(),
        }
        rows = (0,) * self.writers
        store = Store(result=(rows, (0, 1)) if self.warm else None)
        counted = {what: self.goes_wrong.count(what) for what in self.goes_wrong}
        world = World(rows, store, tuple(sorted(counted.items())), settles=self.settles)
        processes = [Process(f"W{n + 1}", "mark") for n in range(self.writers)]
        processes += [Process("R", "begin") for _ in range(self.readers)]
        if kind == "one item" and self.settles:
            processes.append(Process("S", "settle"))

        def settled_wrong(world: World, processes: tuple[Process, ...]) -> bool:
            store = world.store
            # A settler that has found nothing to do has nothing under way.
            busy = any(
                process.alive and process.name != "R" and process.at != "settle"
                for process in processes
            )
            if busy or store.marks or store.result is None:
                return False
            value, stamp = store.result
            return holds(rules, kind, store, stamp) and value != world.database

        return search(world, processes, steps, Events(rules, kind), settled_wrong)


def other(name: str, *, writers: int = 1, readers: int = 2, warm: bool = True) -> Findings:
    """One of the usual ways, by its name in `others.WAYS`."""
    return others.run(others.WAYS[name], writers=writers, readers=readers, warm=warm)
