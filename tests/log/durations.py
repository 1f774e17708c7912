"""Each request once, with no other duration than its own: also where the server stands still.

The API of the example under one uvicorn worker, whose users see how long each request takes. The
worker is stopped again and again, at any moment, for a tenth of a second; half of all requests come
from so many users at once that it can't keep up. What is logged must be neither less than the view
awaited nor more than the user saw, and there must be one line for each request.
"""

import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "example"
if str(EXAMPLE) not in sys.path:
    sys.path.append(str(EXAMPLE))

from demonstration.cases import api_log  # noqa: E402 - the example is no package of ours
from demonstration.crowd import allow_connections  # noqa: E402
from demonstration.servers import ONE_LOOP  # noqa: E402
from demonstration.serving import serve_quotes  # noqa: E402
from demonstration.site import Site  # noqa: E402
from demonstration.tally import Tally  # noqa: E402

STOP_SECONDS = 0.1
#: So often as often, on average.
EVERY_SECONDS = 0.25
#: Users at once, and the seconds that the view awaits for each.
FEW, MANY = (100, 0.2), (2_000, 1.0)
ROUND_SECONDS = 15.0
WORKER = re.compile(r"^OUT \[(\d+)\]", re.MULTILINE)


def durations(requests: int, seed: int) -> int:
    """Look at so many requests; how many were wrong or missing."""
    allow_connections(MANY[0])
    choice = random.Random(seed)
    tally = Tally(api_log.KINDS)
    stops = turn = 0
    while tally.counts[api_log.WRONG].tried < requests:
        users, awaited = (FEW, MANY)[turn % 2]
        turn += 1
        stops += _round(tally, users, awaited, choice)
        asked, wrong = tally.counts[api_log.WRONG], tally.counts[api_log.UNLOGGED]
        print(
            f"{users:,} users: so far {wrong.tried:,} requests, {wrong.wrong} not logged once,"
            f" {asked.wrong} wrong durations, {stops} stops of {STOP_SECONDS} s",
            flush=True,
        )
    for reason in tally.reasons([api_log.WRONG, api_log.UNLOGGED]):
        print(reason)
    return tally.counts[api_log.WRONG].wrong + tally.counts[api_log.UNLOGGED].wrong


def _round(tally: Tally, users: int, awaited: float, choice: random.Random) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="hf-durations-") as folder,
        serve_quotes(ONE_LOOP, "after", Path(folder), 1) as site,
    ):
        with _stopped_now_and_then(_worker(site), choice) as stops:
            path = f"/quote/?seconds={awaited}"
            seen, _ = api_log.crowd(site, users, ROUND_SECONDS, 1.0, path)
        log = api_log.written(site.basket_log, len(seen["took"]))
        assert "dropped" not in log, "the log's queue was full, as it says itself"
        api_log.judge(tally, seen["took"], log, awaited)
    return len(stops)


def _worker(site: Site) -> int:
    """The process that answers, as the log names it."""
    with site.visitor() as visitor:
        visitor.get("/threads/")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        log = site.basket_log
        if log.exists() and (found := WORKER.search(log.read_text())):
            return int(found[1])
        time.sleep(0.1)
    raise TimeoutError("the first request was not logged within 30 s")


@contextmanager
def _stopped_now_and_then(process: int, choice: random.Random) -> Iterator[list[float]]:
    over = threading.Event()
    stops: list[float] = []

    def stop() -> None:
        while not over.wait(choice.expovariate(1 / EVERY_SECONDS)):
            os.kill(process, signal.SIGSTOP)
            try:
                stops.append(STOP_SECONDS)
                over.wait(STOP_SECONDS)
            finally:
                os.kill(process, signal.SIGCONT)

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        yield stops
    finally:
        over.set()
        stopping.join()
