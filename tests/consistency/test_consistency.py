"""Short runs of the harness; the long ones are `python -m tests.consistency`.

What must be found is looked for until it is found, so these take as long as it takes to start.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.consistency.sweeps import arguments_of

ROOT = Path(__file__).parents[2]

needs_postgresql = pytest.mark.needs("postgresql")


def run(folder, *arguments, expected):
    """The result of a run, in a process of its own: it sets up a Django of its own."""
    result = folder / "result"
    done = subprocess.run(
        [sys.executable, "-m", "tests.consistency", "--add-to", result, *map(str, arguments)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return json.loads(result.read_text()), done.stdout


@needs_postgresql
def test_without_a_cache_nothing_is_ever_found(tmp_path):
    how = ("--subject", "none", "--scenario", "calm", "--reads", 3000, "--pause", 0.002)
    found, said = run(tmp_path, *how, expected=0)
    assert found["counts"]["commits"] > 5, said
    assert found["counts"]["hits"] == 0


@needs_postgresql
@pytest.mark.needs("redis")
@pytest.mark.parametrize("peer", ["cache_page", "cachalot", "cacheops"])
def test_stale_reads_of_peers_are_found(peer, tmp_path):
    pytest.importorskip("cachalot", reason="make test installs what Holdfast is compared with")
    how = ("--subject", peer, "--store", "redis", "--scenario", "calm", "--until-wrong")
    found, _ = run(tmp_path, *how, "--reads", 300_000, "--pause", 0.002, expected=1)
    assert found["counts"]["hits"] > 0


@needs_postgresql
@pytest.mark.parametrize("name", ["mark", "stamp-before-load", "own-writes"])
def test_without_one_of_its_safeguards_the_protocol_fails(name, tmp_path):
    how = [*arguments_of(name), "--until-wrong", "--reads", 3_000_000, "--seconds", 60]
    run(tmp_path, *how, expected=1)


@needs_postgresql
@pytest.mark.parametrize("isolation", ["rc", "rr"])
def test_the_protocol_serves_nothing_stale_under_kills_and_stops(isolation, tmp_path):
    how = ("--subject", "protocol", "--isolation", isolation, "--scenario", "all")
    found, said = run(tmp_path, *how, "--reads", 15_000, "--pause", 0.003, expected=0)
    assert found["hit_rate"] > 0.3, said
    assert found["counts"]["read_errors"] == 0, said


@pytest.mark.parametrize("database", ["sqlite", "sqlite-rollback-deferred"])
def test_nothing_stale_is_served_of_sqlite_either(database, tmp_path):
    how = ("--subject", "ours", "--database", database, "--scenario", "all")
    limits = ("--reads", 5_000, "--seconds", 5, "--pause", 0.01)
    found, said = run(tmp_path, *how, *limits, expected=0)
    # One that is stopped while it holds the file's lock leaves little time to the others.
    assert found["hit_rate"] > 0, said
    assert found["counts"]["read_errors"] == 0, said
