"""Read and write in several processes, have things go wrong, and look for stale reads.

    python -m tests.consistency --subject ours --store redis --reads 1000000

Prints, with the seed, how many reads there were, how many were hits, and how many were wrong: stale
(older than a change whose COMMIT was acknowledged before the read began), gone back (older than
what somebody had read from the database before), of a transaction that was rolled back, or without
the reader's own writes. Ends with 1 if anything was wrong.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from tests.consistency import safeguards, store, subjects
from tests.consistency.run import SCENARIOS, Order, lines, run


def main() -> int:
    asked = _parser().parse_args()
    if asked.total:
        return _total(asked.total)
    order = Order(
        **{name: value for name, value in vars(asked).items() if name not in {"add_to", "total"}}
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
    """Sum up the slices of a long run."""
    runs = [json.loads(line) for line in path.read_text().splitlines()]
    titles = sorted({(each["order"]["subject"], each["order"]["without"] or "") for each in runs})
    for title in titles:
        own = [r for r in runs if (r["order"]["subject"], r["order"]["without"] or "") == title]
        sums = {name: sum(each["counts"][name] for each in own) for name in own[0]["counts"]}
        faults = sum(sum(each["made"].values()) for each in own)
        rate = 100 * sums["hits"] / max(1, sums["reads"])
        ends = sum(len(each["still_wrong"]) for each in own)
        print(f"{' without '.join(filter(None, title))}: {len(own)} runs, {faults:,} faults")
        print(f"  hit rate {rate:.0f} %, wrong at the end {ends}, {sums}")
    return int(any(each["wrong"] for each in runs))


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
    add("--isolation", choices=["rc", "rr"], default=default.isolation)
    add("--scenario", choices=[*SCENARIOS], default=default.scenario)
    add("--without", choices=[*safeguards.SAFEGUARDS], help="a safeguard to be taken out")
    add("--reads", type=int, default=default.reads, help="when to stop")
    add("--seconds", type=float, default=default.seconds, help="when to stop at the latest")
    add("--seed", type=int, default=random.randrange(10**6), help="of all that is random")
    add("--pause", type=float, default=default.pause, help="seconds between writes, on average")
    add("--delayed", type=float, default=default.delayed, help="share of steps that take longer")
    for some in ("readings", "ways", "envelopes"):
        add(f"--{some}", type=_names, default=(), metavar="NAME,...", help="only these of them")
    add("--until-wrong", action="store_true", help="stop as soon as a read was wrong")
    add("--add-to", type=Path, metavar="FILE", help="write the result as a line of JSON, too")
    add("--total", type=Path, metavar="FILE", help="sum up what several runs added there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
