"""All searches, the long ones too, as a table: python -m tests.cache.model [--quick]."""

import argparse
import dataclasses

from tests.cache.model.others import WAYS
from tests.cache.model.protocol import Rules
from tests.cache.model.runs import KINDS, Run, other
from tests.cache.model.search import Findings
from tests.cache.model.test_model import ISOLATIONS, LACKS


def line(what: str, found: Findings) -> None:
    print(f"| {what} | {found.states:,} | {found.stale:,} | {found.permanent:,} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.cache.model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one writer only")
    quick = parser.parse_args().quick
    print("| what | states | stale reads | wrong for good |\n|---|---|---|---|")
    for name, kind in KINDS.items():
        for writers in (1,) if quick else (1, 2):
            for isolation in ISOLATIONS:
                for warm in (True, False):
                    # Two writers and somebody who settles marks are too many steps for Memcached.
                    settles = kind != "one item" or writers == 1
                    run = Run(kind, writers, 2, warm, isolation, settles=settles)
                    who = f"{writers} writer{'s' * (writers > 1)}, 2 readers"
                    start = "warm" if warm else "cold"
                    line(f"{name}: {who}, {isolation}, {start}", run.search())
        for goes_wrong in (("forgotten",), ("flushed",), ("dumped", "restored"), ("outage",)):
            readers = 1 if kind == "one item" else 2
            run = Run(kind, readers=readers, goes_wrong=goes_wrong)
            line(f"{name}: {' and '.join(goes_wrong)}", run.search())
    for way in WAYS:
        line(way, other(way))
    for safeguard, run in LACKS.items():
        without = dataclasses.replace(run, rules=Rules(**{safeguard: False}))
        line(f"without: {safeguard.replace('_', ' ')}", without.search())


if __name__ == "__main__":
    main()
