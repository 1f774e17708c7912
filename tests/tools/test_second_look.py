"""A second look at failing tests tells bad luck from faults, and hides neither."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "second_look.sh"
TESTS = """
from pathlib import Path
def test_sound():
    Path("runs").open("a").write("sound ")
def test_unlucky():
    Path("runs").open("a").write("unlucky ")
    assert len(Path("runs").read_text().split()) > 2
def test_broken():
    assert {broken}
"""


@pytest.fixture
def look(tmp_path):
    def look(*, broken: bool = False, most: int = 5, status: int | None = None):
        (tmp_path / "test_all.py").write_text(TESTS.format(broken=not broken))
        words = [sys.executable, "-m", "pytest", "-q", "-o", "cache_dir=kept", "test_all.py"]
        first = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
        assert first.returncode == 1
        words = [SCRIPT, sys.executable, "kept", str(status or first.returncode), str(most)]
        second = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        unsteady = tmp_path / "kept" / "unsteady"
        return second.returncode, unsteady.read_text().split() if unsteady.exists() else []

    return look


def test_what_passes_alone_stops_nothing_and_is_named(look, tmp_path):
    assert look() == (0, ["test_all.py::test_unlucky"])
    # What had passed didn't run again.
    assert (tmp_path / "runs").read_text().split() == ["sound", "unlucky", "unlucky"]


def test_what_fails_again_has_failed(look):
    assert look(broken=True) == (1, [])


def test_many_failures_are_no_bad_luck(look):
    assert look(most=0) == (1, [])


def test_a_run_that_was_broken_off_is_not_made_good(look):
    assert look(status=2) == (2, [])
