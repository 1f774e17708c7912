"""The column without a server: Django's test clients, many at a time in one process."""

import json
import random
import subprocess
from pathlib import Path

from tests.conformance.places import BY_NAME, Place
from tests.conformance.servers import Server
from tests.conformance.traffic import Leak
from tests.conformance.verdict import Sent

SECONDS = 60.0


class DriverFailedError(Exception):
    """The process that drives the test clients ended with an error; the message is its output."""


def visits_of(wanted: list[str], seed: int, times: float) -> list[Place]:
    """The places of `wanted`, each `times` its usual number, shuffled."""
    places = [BY_NAME[name] for name in wanted if not BY_NAME[name].ambient]
    visits = [place for place in places for _ in range(max(1, round(place.requests * times)))]
    random.Random(seed).shuffle(visits)
    return visits


def drive(
    server: Server, visits: list[Place], environment: dict[str, str], folder: Path
) -> tuple[list[Sent], Leak]:
    """Make the visits in a process of its own. Blocks until it has ended, at most a minute."""
    jobs = [
        (place.name, f"client-{number}", place.runs == "async" and place.name != "async_to_sync")
        for number, place in enumerate(visits, 1)
    ]
    given, report = folder / "jobs", folder / "report"
    given.write_text(json.dumps(jobs))
    done = subprocess.run(
        [part.format(jobs=given, report=report) for part in server.command],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise DriverFailedError(done.stdout + done.stderr)
    held = json.loads(report.read_text())
    leak = Leak({held["pid"]: (held["scopes"], held["requests"])})
    return [Sent(place, marker) for place, marker, _ in jobs], leak
