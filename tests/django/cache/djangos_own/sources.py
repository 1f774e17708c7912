"""Django's own tests, of the release that is installed and as Django published them.

They aren't in the wheel. They are in the source distribution, whose hash stands in
`constraints/django-*.txt`; pip fetches it, and checks that hash, once for an environment.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NoReturn

import django
import pytest

REPOSITORY = Path(__file__).resolve().parents[4]
KEPT = Path(sys.prefix) / "djangos-own-tests"


def djangos_tests() -> Path:
    """The folder `tests` of the installed release. Skips, in CI fails, where it can't be had."""
    folder = KEPT / django.__version__
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    KEPT.mkdir(exist_ok=True)
    work = KEPT / f"fetching-{os.getpid()}"
    work.mkdir()
    try:
        (work / "django.txt").write_text(_pin())
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
        how = ["--no-binary", "django", "--no-build-isolation", "--require-hashes"]
        what = ["-r", work / "django.txt", "-d", work]
        done = subprocess.run([*pip, *how, *what], capture_output=True, text=True, check=False)
        if done.returncode:
            _give_up(f"pip can't fetch Django's sources: {done.stderr.strip()[-500:]}")
        with tarfile.open(next(work.glob("*.tar.gz"))) as sources:
            sources.extractall(work, filter="data")
        tests = next(work.glob("*/tests"))
        try:
            tests.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was quicker
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pin() -> str:  # noqa: RET503 - giving up raises
    """The installed Django, with its hashes, as the constraints have it."""
    line = re.compile(
        rf"^django=={re.escape(django.__version__)} (?:\\\n *--hash=\S+ ?)+", re.MULTILINE
    )
    for constraints in sorted((REPOSITORY / "constraints").glob("django-*.txt")):
        found = line.search(constraints.read_text())
        if found:
            return found[0]
    _give_up(f"no constraints name Django {django.__version__}")


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI nothing may be missing: {reason}", pytrace=False)
    pytest.skip(reason)
