"""The API log: async views behind the usual logging class, which was never asked to be async."""

import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from demonstration.running import EXAMPLE
from demonstration.site import Site
from demonstration.tally import Tally

TITLE = "The API log"
MEANING = "async views behind a log of all requests"
WRONG = "logged with another's duration"
UNLOGGED = "request not logged once"
THREAD = "user who cost a thread"
FAILED = "failed otherwise"
KINDS = (WRONG, UNLOGGED, THREAD, FAILED)
UNEXPECTED = (UNLOGGED, FAILED)

USERS = 100
COUNTED_SECONDS = 1.0
SETTLE_SECONDS = 0.5
#: The views await so long.
AWAITED_SECONDS = 1.0
#: More than the client saw, a request can't have taken, however busy the machine is; and not less
#: than its view awaited. But event loops count milliseconds.
TOLERANCE_SECONDS = 0.002
#: What a server may have for itself: its loop, its log, a few for what may block.
FEW_THREADS = 10
#: How long a log may pause while there is more to be written.
PAUSE_SECONDS = 5.0
OUT = re.compile(r"^OUT .*[?&]name=([\d-]+).* (\d+\.\d+) \d{3}\b", re.MULTILINE)


def drive(site: Site) -> Tally:
    seen, threads = crowd(site, USERS, COUNTED_SECONDS, SETTLE_SECONDS)
    tally = Tally(KINDS)
    judge(tally, seen["took"], written(site.basket_log, len(seen["took"])))
    for user in range(USERS):
        tally.note(THREAD, wrong=user < threads - FEW_THREADS)
    for number in range(len(seen["took"])):
        tally.note(FAILED, wrong=number < seen["failed"])
    return tally


def written(log: Path, requests: int) -> str:
    """The log, once it has so many requests, or nothing more is written to it.

    Whoever keeps writing off the requests' path comes a moment after them.
    """
    length, ends = -1, 0.0
    while True:
        text = log.read_text()
        if len(text) != length:
            length, ends = len(text), time.monotonic() + PAUSE_SECONDS
        if len(OUT.findall(text)) >= requests or time.monotonic() > ends:
            return text
        time.sleep(0.1)


def judge(tally: Tally, took: dict[str, float], log: str, awaited: float = AWAITED_SECONDS) -> None:
    """Compare what was logged of each request with what its user saw."""
    logged: dict[str, list[float]] = {}
    for name, seconds in OUT.findall(log):
        logged.setdefault(name, []).append(float(seconds))
    for name, seconds in took.items():
        found = logged.get(name, [])
        tally.note(UNLOGGED, wrong=len(found) != 1, reason=f"logged {len(found)} times")
        for one in found:
            least, most = awaited - TOLERANCE_SECONDS, seconds + TOLERANCE_SECONDS
            told = f"logged as {one:.3f} s, seen as {seconds:.3f} s"
            tally.note(WRONG, wrong=not least <= one <= most, reason=told)


def crowd(  # noqa: PLR0913, PLR0917 - as much as a crowd can be told
    site: Site,
    users: int,
    seconds: float,
    settle: float,
    path: str = "/quote/?seconds=1",
    patience: float = 30.0,
) -> tuple[dict, int]:
    """What *users* at once saw, and how many threads the server had at most meanwhile."""
    command = [sys.executable, "-m", "demonstration.crowd", str(site.port), "--path", path]
    how = ["--users", str(users), "--seconds", str(seconds), "--settle", str(settle)]
    how += ["--patience", str(patience)]
    with subprocess.Popen([*command, *how], cwd=EXAMPLE, stdout=subprocess.PIPE) as process:
        most = Most(site)
        with most:
            printed, _ = process.communicate()
    return json.loads(printed), most.threads


class Most:
    """Asks a server how many threads it has, again and again."""

    def __init__(self, site: Site) -> None:
        self.threads = 0
        self._site = site
        self._stop = threading.Event()
        self._asking = threading.Thread(target=self._ask)

    def __enter__(self) -> None:
        self._asking.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._asking.join()

    def _ask(self) -> None:
        with self._site.visitor() as visitor:
            while not self._stop.wait(0.1):
                found = visitor.get("/threads/").data or {}
                self.threads = max(self.threads, found.get("threads", 0))
