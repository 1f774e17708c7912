"""Runs in a row that must find what they look for: in peers, and where a safeguard is missing."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.consistency.ledger import WRONG
from tests.consistency.safeguards import SAFEGUARDS
from tests.consistency.store import REDIS

ROOT = Path(__file__).parents[2]
PEERS = ("cache_page", "cache_page_on_commit", "cachalot", "cacheops", "cacheops_insideout")
#: Between two of a writer's changes, where nothing but the way of caching is in question.
PAUSE = 0.01


def _peers() -> Iterator[list[str]]:
    yield ["--subject", "none"]
    for peer in (*PEERS, "ours", "views"):
        yield ["--subject", peer, "--store", REDIS]


def _safeguards() -> Iterator[list[str]]:
    yield ["--subject", "protocol"]
    yield from map(arguments_of, SAFEGUARDS)


def arguments_of(name: str) -> list[str]:
    """What to run to see what goes wrong without this safeguard."""
    missing = SAFEGUARDS[name]
    found = ["--without", name, "--subject", missing.subject, "--store", missing.store]
    found += ["--isolation", missing.isolation, "--scenario", missing.scenario]
    return [*found, "--pause", str(missing.pause), *missing.more]


SWEEPS = {"peers": _peers, "safeguards": _safeguards}
RIGHT = {"none", "ours", "views", "protocol"}


def sweep(name: str, *, reads: int, seconds: float, seed: int) -> int:
    """Run them, and print a table. 1: one of them found nothing, or something where none is."""
    print(f"--seed {seed}; each of {reads:,} reads or {seconds:.0f} s, what is rare longer\n")
    print(
        "| `python -m tests.consistency` | reads | hit rate | commits | stale | went back"
        " | rolled back | own unseen | wrong at the end |"
    )
    print("| --- |" + " ---: |" * 8, flush=True)
    missed = 0
    for arguments in SWEEPS[name]():
        if name == "peers":
            arguments += ["--scenario", "calm", "--pause", str(PAUSE)]
        rare = SAFEGUARDS[arguments[1]].rare if "--without" in arguments else 1
        limits = ["--reads", str(reads * rare), "--seconds", str(seconds * rare)]
        limits += ["--seed", str(seed)]
        with tempfile.TemporaryDirectory(prefix="hf-sweep-") as folder:
            result = Path(folder) / "result"
            command = [sys.executable, "-m", "tests.consistency", *arguments, *limits]
            done = subprocess.run(
                [*command, "--add-to", result],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if not result.exists():
                print(f"| `{' '.join(arguments)}` | broke: {done.stderr[-500:]} |")
                missed += 1
                continue
            found = json.loads(result.read_text())
        print(_row(arguments, found), flush=True)
        missed += (found["wrong"] > 0) == (arguments[1] in RIGHT and "--without" not in arguments)
    return int(missed > 0)


def _row(arguments: list[str], found: dict[str, Any]) -> str:
    counts = found["counts"]
    figures = [f"{counts['reads']:,}", f"{100 * found['hit_rate']:.0f} %", f"{counts['commits']:,}"]
    figures += [f"{counts[kind]:,}" for kind in WRONG]
    return f"| `{' '.join(arguments)}` | {' | '.join(figures)} | {len(found['still_wrong'])} |"
