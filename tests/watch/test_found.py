"""Bugs of published packages, found by running them: python -m tests.watch.found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not os.environ.get("HOLDFAST_FOUND_BUGS"),
    reason="takes a minute, and an environment of its own; HOLDFAST_FOUND_BUGS=1 runs it",
)
@pytest.mark.timeout(600)
def test_each_of_them_is_found():
    run = subprocess.run(
        [sys.executable, "-m", "tests.watch.found"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "NOT FOUND" not in run.stdout
