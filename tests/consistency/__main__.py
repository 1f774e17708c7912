"""Read and write in several processes, have things go wrong, and look for stale reads.

    python -m tests.consistency --subject ours --store redis --reads 1000000

Prints, with the seed, how many reads there were, how many were hits, and how many were wrong: stale
(older than a change whose COMMIT was acknowledged before the read began), gone back (older than
what somebody had read from the database before), of a transaction that was rolled back, or without
the reader's own writes. Ends with 1 if anything was wrong.

    python -m tests.consistency --parts results --reads 10000000 --seed 1 --at-once 2

is a long run in parts, of ours only: in all stores, with everything that may befall them. Started
again, it goes on where the file ends; at the end it prints the sum. `--cycle` names other parts: on
SQLite, or with versions in the database.

    python -m tests.consistency --sweep safeguards --reads 200000 --seconds 60 --seed 1

runs our protocol with each of its safeguards taken out (or --sweep peers: what else there is), and
ends with 1 if nothing was found to be wrong with one of them.
"""

import argparse
import random
import signal
import sys
from pathlib import Path

from tests.consistency import databases, parts, safeguards, store, subjects
from tests.consistency.run import SCENARIOS, Order, lines, run
from tests.consistency.sweeps import SWEEPS, sweep
from tests.consistency.totals import totals

NOT_OF_ONE_RUN = {"add_to", "total", "parts", "cycle", "at_once", "sweep"}


def main() -> int:
    # Whoever ends this ends its servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    asked = _parser().parse_args()
    if asked.total:
        return _total(asked.total)
    if asked.parts:
        parts.run_parts(
            asked.parts, asked.reads, seed=asked.seed, at_once=asked.at_once, cycle=asked.cycle
        )
        return _total(asked.parts)
    if asked.sweep:
        limits = {"reads": asked.reads, "seconds": asked.seconds, "seed": asked.seed}
        return sweep(asked.sweep, **limits)
    order = Order(
        **{name: value for name, value in vars(asked).items() if name not in NOT_OF_ONE_RUN}
    )
    print(f"seed {order.seed}", flush=True)
    found = run(order)
    for line in lines(found):
        print(line)
    if asked.add_to:
        with asked.add_to.open("a") as file:
            file.write(found.as_json() + "\n")
    return int(found.wrong > 0)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _total(path: Path) -> int:
    """Sum up what several runs have added to the file."""
    runs = parts.lines_of(path)
    for line in totals(runs):
        print(line)
    return int(any(run["wrong"] for run in runs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.consistency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = Order()
    add = parser.add_argument
    add("--subject", choices=[*subjects.SUBJECTS], default=default.subject)
    add("--store", choices=[store.EMBEDDED, store.REDIS, store.MEMCACHED], default=default.store)
    add("--database", choices=databases.DATABASES, default=default.database)
    add("--isolation", choices=["rc", "rr"], default=default.isolation, help="of PostgreSQL")
    add("--scenario", choices=[*SCENARIOS], default=default.scenario)
    add("--without", choices=[*safeguards.SAFEGUARDS], help="a safeguard to be taken out")
    add("--reads", type=int, default=default.reads, help="when to stop")
    add("--seconds", type=float, default=default.seconds, help="when to stop at the latest")
    add("--seed", type=int, default=random.randrange(10**6), help="of all that is random")
    add("--pause", type=float, default=default.pause, help="seconds between writes, on average")
    add("--delayed", type=float, default=default.delayed, help="share of steps that take longer")
    add("--longest", type=float, default=default.longest, help="seconds a process is stopped for")
    for some in ("readings", "ways", "envelopes"):
        add(f"--{some}", type=_names, default=(), metavar="NAME,...", help="only these of them")
    add("--until-wrong", action="store_true", help="stop as soon as a read was wrong")
    add("--add-to", type=Path, metavar="FILE", help="write the result as a line of JSON, too")
    add("--total", type=Path, metavar="FILE", help="sum up what several runs added there")
    add("--parts", type=Path, metavar="FILE", help="a long run, in parts, each added to the file")
    add("--cycle", choices=[*parts.CYCLES], default="all", help="what the parts are")
    add("--sweep", choices=[*SWEEPS], help="several runs, each of which has to find something")
    add("--at-once", type=int, default=1, metavar="N", help="how many parts run at a time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
