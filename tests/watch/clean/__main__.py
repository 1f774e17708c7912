"""Many requests to the example as it should be, under the watch: it must find nothing.

    python -m tests.watch.clean --requests 1000000 --seed 1

Runs the example (the newsroom with Django, and the baskets without a framework) under several real
servers, each started by `holdfast watch`, with users who overlap. Prints the seed, how many
requests each server has answered, what the watch told as shared on purpose, and any lost write or
leak: each of those is a false alarm, or a bug of the example. Ends with 1 if there was one, or a
wrong answer.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "example"))

from demonstration.running import EXAMPLE, ask_health, connect  # noqa: E402
from demonstration.servers import SERVERS, Application  # noqa: E402
from demonstration.serving import DJANGO, PLAIN, environment_in, prepare_database  # noqa: E402
from holdfast.testing.ports import free_port  # noqa: E402
from tests.watch.clean.traffic import Tally, baskets, newsroom  # noqa: E402

Users = Callable[[int, int, int, random.Random], Awaitable[Tally]]


@dataclass(frozen=True)
class Part:
    """One server with one application, and its share of the requests."""

    server: str
    application: Application
    what: str
    users: Users
    share: int

    def __str__(self) -> str:
        return f"{self.what} on {self.server}"


PARTS = tuple(
    Part(server, (DJANGO if what == "newsroom" else PLAIN)["after"], what, users, share)
    for server, what, users, share in (
        ("gunicorn-gevent", "newsroom", newsroom, 7),
        ("gunicorn-gthread", "newsroom", newsroom, 7),
        ("waitress", "newsroom", newsroom, 6),
        ("uvicorn", "newsroom", newsroom, 6),
        ("hypercorn", "newsroom", newsroom, 4),
        ("granian-wsgi", "newsroom", newsroom, 5),
        ("gunicorn-gevent", "baskets", baskets, 25),
        ("gunicorn-gthread", "baskets", baskets, 10),
        ("uvicorn", "baskets", baskets, 30),
    )
)


def main() -> int:
    """Run all parts; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.watch.clean", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="in all")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--users", type=int, default=12, help="at once, of each server")
    parser.add_argument("--only", help="parts whose name has this in it")
    asked = parser.parse_args()
    parts = [part for part in PARTS if not asked.only or asked.only in str(part)]
    print(f"seed {asked.seed}, Python {sys.version.split()[0]}", flush=True)
    shares = sum(part.share for part in parts)
    requests = bugs = wrong = 0
    for part in parts:
        wanted = asked.requests * part.share // shares
        chance = random.Random(f"{asked.seed} {part}")
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="holdfast-clean-") as folder:
            tally, found = _run(part, wanted, asked.users, chance, Path(folder))
        seconds = time.monotonic() - begun
        told = [one for one in found if one["kind"] != "shared on purpose?"]
        shared = sorted({one["place"] for one in found if one not in told})
        requests += tally.requests
        bugs += len(told)
        wrong += len(tally.wrong)
        print(
            f"{part!s:32} {tally.requests:9,} requests in {seconds:5.0f} s,"
            f" {len(told)} bugs told, {len(tally.wrong)} wrong answers,"
            f" {tally.broken} connections made anew; shared on purpose?"
            f" {', '.join(shared) or '-'}",
            flush=True,
        )
        for status, count in sorted(Counter(tally.statuses).items()):
            if status >= 400:
                print(f"  {count} answers {status}")
        for one in tally.wrong[:3]:
            print(f"  {one}")
        for one in told:
            print(json.dumps(one, indent=1))
    print(f"{requests:,} requests, {bugs} bugs told, {wrong} wrong answers, seed {asked.seed}")
    return int(bugs + wrong > 0)


def _run(
    part: Part, requests: int, users: int, chance: random.Random, folder: Path
) -> tuple[Tally, list[dict]]:
    environment = {**environment_in(folder), "SHOW_ERRORS": "1"}
    if part.what == "newsroom":
        prepare_database(environment)
    port = free_port()
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "holdfast", "watch", "--json", "--"),
                *SERVERS[part.server].command(part.application, port),
            ],
            cwd=EXAMPLE,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    try:
        _up(process, lambda: (ask_health if part.what == "newsroom" else connect)(port), said)
        tally = asyncio.run(_users(part, port, requests, users, chance))
        process.terminate()
        out, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    return tally, json.loads(out)["crossings"]


async def _users(part: Part, port: int, requests: int, users: int, chance: random.Random) -> Tally:
    return await part.users(port, requests, users, chance)


def _up(process: "subprocess.Popen[bytes]", ask: Callable[[], object], said: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            ask()
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the server did not come up:\n{said.read_text()}") from None
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
