"""Real processes that begin together."""

import subprocess
import sys
import textwrap
from collections.abc import Sequence

PATIENCE = 100

# Prepended to each program.
BEGIN = """
def begin():
    print("ready", flush=True)
    sys.stdin.readline()


import sys
"""


def run_together(program: str, arguments: Sequence[Sequence[str]]) -> list[str]:
    """What each of the processes prints, one for each line of arguments.

    Each calls `begin()` once it is ready; that returns when all of them are.
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", BEGIN + textwrap.dedent(program), *line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in arguments
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=PATIENCE)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes)
        return outputs
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
