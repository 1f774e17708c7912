"""Runs one server through all its places, and keeps what was found."""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.in_process import drive, visits_of
from tests.conformance.places import BY_NAME, Place
from tests.conformance.running import Running, environment_of, running
from tests.conformance.servers import Server
from tests.conformance.traffic import Leak, Traffic
from tests.conformance.verdict import Tally, judge, owed, read_readings

SEED = int(os.environ.get("CONFORMANCE_SEED", time.time_ns() % 1_000_000))
"""Printed with every result; set CONFORMANCE_SEED to run the same order of requests again."""

TIMES = float(os.environ.get("CONFORMANCE_TIMES", "1"))
"""How many storms of the usual size; more takes longer, and gives luck more to do."""

READINGS_SETTLE_SECONDS = 6.0


@dataclass
class Outcome:
    """One column, filled."""

    server: Server
    subject: str
    tallies: dict[str, Tally]
    leak: Leak
    bearable: int
    requests: int
    seconds: float
    seed: int
    log: str = field(repr=False, default="")

    @property
    def noise(self) -> list[str]:
        """Holdfast's complaints in the server's log: scopes left open, callbacks that raised."""
        return [
            line
            for line in self.log.splitlines()
            if "was never closed" in line or ("on_close(" in line and "raised" in line)
        ]

    @property
    def failures(self) -> int:
        failed = sum(tally.failures for tally in self.tallies.values())
        kept = max(0, self.leak.requests - self.bearable)
        return failed + self.leak.scopes + kept + len(self.noise)

    @property
    def summary(self) -> str:
        """One line, with the seed that repeats the run."""
        return (
            f"{self.requests} requests, {self.failures} failures, {self.leak.scopes} scopes left, "
            f"{self.seconds:.1f} s, seed {self.seed}"
        )

    def complaint(self, rows: list[str]) -> str:
        """What went wrong at `rows`, a line each; empty if nothing did."""
        return "\n".join(
            f"{self.server.title}, {BY_NAME[row].title}: {self.tallies[row]} (seed {self.seed})"
            for row in rows
            if row in self.tallies and self.tallies[row].failures
        )


def run(server: Server, subject: str = "", rows: list[str] | None = None) -> Outcome:
    """Start `server`, send it everything, stop it, judge. Takes some 5 to 12 seconds.

    `rows` are those to visit, by default all that the server has. Raises ServerDidNotStartError.
    """
    started = time.monotonic()
    subject = subject or ("holdfast" if server.wrapped else "holdfast-middleware")
    wanted = server.rows() if rows is None else rows
    traffic = Traffic(server, 0, SEED)
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        folder = Path(name)
        if server.interface == "client":
            visits = visits_of(wanted, SEED, TIMES)
            environment = environment_of(server, subject, folder, SEED)
            traffic.sent, leak = drive(server, visits, environment, folder)
            traffic.requests, log = len(visits), ""
            due = _due(traffic, wanted)
        else:
            with running(server, subject, folder, SEED) as target:
                traffic.port = target.port
                leak, due = asyncio.run(_all_traffic(target, traffic, wanted))
            log = target.log.read_text(errors="replace")
        readings = read_readings(folder / "records")
    # Without the wrapper, a scope that ends with an error is over for the middleware above ours.
    lenient = ("access_log",) if server.wrapped else ("access_log", "outside")
    tallies = judge(readings, traffic.sent, due, wanted, lenient)
    for place, what in traffic.wrong:
        if place in tallies:
            tallies[place].note("unanswered", what)
    return Outcome(
        server,
        subject,
        tallies,
        leak,
        traffic.bearable,
        traffic.requests,
        time.monotonic() - started,
        SEED,
        log,
    )


def _due(traffic: Traffic, wanted: list[str]) -> set[tuple[str, str, str]]:
    ambient = [name for name in wanted if BY_NAME[name].ambient]
    return owed(traffic.sent, ambient, wrapped=traffic.server.wrapped)


async def _all_traffic(
    target: Running, traffic: Traffic, wanted: list[str]
) -> tuple[Leak, set[tuple[str, str, str]]]:
    server = target.server
    places: list[Place] = [BY_NAME[name] for name in wanted if not BY_NAME[name].ambient]
    if server.together > 1 and server.workers == 1:
        await traffic.hold_and_pass(places, width=min(4, server.together - 2))
    await traffic.storm(places, TIMES)
    await traffic.keep_alive()
    if "pipelined" in wanted:
        await traffic.pipelines()
    await traffic.collect()
    due = _due(traffic, wanted)
    deadline = time.monotonic() + READINGS_SETTLE_SECONDS
    while time.monotonic() < deadline:
        taken = {(r.place, r.part, r.own) for r in read_readings(target.records)}
        if due <= taken:
            break
        await asyncio.sleep(0.1)
        await traffic.collect(1)
    return await traffic.leak(), due
