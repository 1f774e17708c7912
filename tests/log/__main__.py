"""Run the request log's matrix: `python -m tests.log [server ...]`; or `durations`, or `fuzz`.

Every server, every way for a request to end, and how far the events' times are from the client's.
With no servers named it also writes docs/log/matrix.md. Takes two minutes; the times mean something
on a machine that does nothing else.

`python -m tests.log durations [requests]` compares the durations of so many requests (100,000) with
what their users saw, while the server is stopped again and again.

`python -m tests.log fuzz [times]` has Hypothesis send hostile headers, bodies, encodings and
addresses, so many times (100) as often as the tests do.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.conformance.table import text
from tests.log import table
from tests.log.servers import COLUMNS, KILLED_WHEN_LATE, late, run

_TIMED = 40


def main(names: list[str]) -> int:
    """Run them one after another: the times are to be each server's own."""
    if names[:1] == ["fuzz"]:
        return fuzz(names[1] if names[1:] else "100")
    if names[:1] == ["durations"]:
        from tests.log.durations import durations

        # Whoever ends this ends its server, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return int(durations(int(names[1]) if names[1:] else 100_000, seed=1) > 0)
    results = {}
    for name in names or COLUMNS:
        column = run(COLUMNS[name], tries=_TIMED)
        ends = late(name)[0] if name in KILLED_WHEN_LATE else None
        results[name] = table.Result(column, ends and [event["outcome"] for event in ends])
        print(f"{name}: {len(column.events)} events", flush=True)
    if not names:
        table.PAGE.write_text(table.page(results))
        for each in table.tables(results):
            print(text(each))
    print(text(table.times(results)))
    failed = table.failures(results)
    print(f"{failed} failures")
    return int(failed > 0)


def fuzz(times: str) -> int:
    """Run the tests that Hypothesis drives, and let them take as long as they take."""
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", "-m", "hypothesis"]
    here = str(Path(__file__).parent)
    return subprocess.call([*command, here], env={**os.environ, "FUZZ_TIMES": times})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
