"""Find bugs of published packages by running them.

    python -m tests.watch.found
    python -m tests.watch.found --only django-haystack --under requests

Makes an environment with the packages as PyPI has them, and runs a small site of each twice: by
`isolated_requests`, where two requests meet on purpose, and under `holdfast watch -- gunicorn`,
where two users visit at the same time until it shows. Prints both requests, the stacks and the
place, and ends with 1 if a bug was not found.
"""

import argparse
import sys
import time

from tests.watch.found.bugs import BUGS
from tests.watch.found.environment import python
from tests.watch.found.requests import by_requests
from tests.watch.found.server import under_server

WAYS = {"requests": by_requests, "server": under_server}


def main() -> int:
    """Run what was asked for; 0 if all were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.watch.found", description=__doc__)
    parser.add_argument("--only", action="append", metavar="PACKAGE", help="this package alone")
    parser.add_argument("--under", choices=WAYS, action="append", help="this way alone")
    asked = parser.parse_args()
    bugs = [bug for bug in BUGS if not asked.only or bug.package.split()[0] in asked.only]
    if not bugs:
        parser.error(f"there are: {', '.join(bug.package.split()[0] for bug in BUGS)}")
    program = python()
    rows = []
    for bug in bugs:
        for way in asked.under or WAYS:
            if way == "server" and not bug.under_server:
                continue
            print(f"\n######## {bug.package}, {way}", flush=True)
            begun = time.monotonic()
            found = WAYS[way](program, bug)
            seconds = time.monotonic() - begun
            is_there = bug.place in found.places
            print(found.story or found.said)
            if found.raised:
                print(f"  and a request failed: {found.raised}")
            rows.append((is_there, bug, way, found, seconds))
    print("\n######## summary")
    for is_there, bug, way, found, seconds in rows:
        print(
            f"{'found' if is_there else 'NOT FOUND':9} {bug.package:33} {way:8} {seconds:5.1f} s  "
            f"{bug.place}  ({len(found.places)} places)"
        )
    return int(not all(row[0] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
