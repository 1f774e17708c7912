"""Runs a program of a user's with the observers aboard, and reads what they wrote."""

import subprocess
import sys
import textwrap
from pathlib import Path

from holdfast.aboard import environment
from holdfast.probe import events, markers
from holdfast.probe.change import Change

#: What programs begin with: requests, as a server would have them.
BEGINNING = """\
import contextlib, threading, time
from holdfast.probe.aboard import requests

@contextlib.contextmanager
def request(name):
    one = requests.begin(f"{RUN}-{name}")
    try:
        yield one
    finally:
        requests.end(one)
        requests.enter(None)

def together(*calls):
    barrier = threading.Barrier(len(calls))
    def run(number, call):
        with request(f"{number}-0"):
            barrier.wait()
            call()
    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

ARRIVED, INSIDE, MOST = [], [], [0]

def arrive():
    ARRIVED.append(1)

def stay():
    '''Stay until the other one comes, and then so long that he has to wait; or is in, too.'''
    for seconds in staying():
        time.sleep(seconds)

async def astay():
    import asyncio
    for seconds in staying():
        await asyncio.sleep(seconds)

def staying():
    INSIDE.append(1)
    MOST[0] = max(MOST[0], len(INSIDE))
    until = time.monotonic() + 20
    while len(ARRIVED) < 2 and time.monotonic() < until:
        yield 0.005
    if not CHANGED:
        yield 0.3
    while CHANGED and MOST[0] < 2 and time.monotonic() < until:
        yield 0.005
    INSIDE.pop()

def tell():
    print("quick" if MOST[0] == 2 else "slow")
"""
RUN = "abcdefghij"


def observed(
    folder: Path,
    code: str,
    *,
    change: Change | None = None,
    observe: bool = True,
    before: str = "",
):
    """The events of a program, and what it printed. Warnings in it are errors.

    Args:
        folder: an empty one.
        code: the program, which may be indented; `BEGINNING` comes before it.
        before: comes before all, even before that.
    """
    told = folder / "told"
    told.mkdir(parents=True, exist_ok=True)
    users = folder / "own"
    users.mkdir(exist_ok=True)
    program = users / "program.py"
    about = f"RUN, CHANGED = {RUN!r}, {change is not None}"
    lines = [before, about, BEGINNING, textwrap.dedent(code)]
    program.write_text("\n".join(lines))
    settings = {
        "folder": str(told),
        "roots": [str(users)],
        "run": RUN,
        "markers": markers.pattern(RUN),
        "change": (change or Change()).as_settings(),
        "observe": observe,
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        env=environment({"holdfast.probe.aboard": settings}),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return list(events.read(told)), done.stdout.strip()


def of_kind(found, kind):
    return [one for one in found if isinstance(one, events.Span) and one.kind == kind]


def line_of(folder: Path, text: str) -> str:
    """`path:line` of the program's first line that holds *text*."""
    program = folder / "own" / "program.py"
    lines = program.read_text().splitlines()
    number = next(at for at, line in enumerate(lines, 1) if text in line)
    return f"{program.resolve()}:{number}"


def troubles(found):
    return [one.what for one in found if isinstance(one, events.Trouble)]
