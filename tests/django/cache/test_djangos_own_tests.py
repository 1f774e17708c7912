"""Django's own tests of its cache pass on both backends, on every store, whoever makes the calls.

They are those of the installed release, unmodified; `djangos_own/run.py` says which, and which
can't apply and why. Each case here is one run of them, in a process of its own. The runs mostly
sleep until entries expire, so they are made side by side.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.django.cache.djangos_own.sources import REPOSITORY, djangos_tests
from tests.services.memcached import running_memcached
from tests.services.redis import running_redis

WAYS = ["directly", "ByProcesses", "ByThreads", "ByEventLoops"]
PLACES = ["embedded", "lmdb", "redis", "memcached"]
AT_ONCE = 4

#: Beside CANNOT_APPLY: what Django's tests themselves skip where a backend has no limit of entries.
SKIPPED = {
    "memcached": {"test_cull", "test_cull_delete_when_store_empty", "test_zero_cull"},
}
#: Fewer would mean that they were not found. 5.2 has 347 and 58 of them.
EXPECTED = {"all": 340, "calls": 55}


class Runs:
    """Runs of Django's tests: each begun once, some at a time."""

    def __init__(self, stack: ExitStack, folder: Callable[[str], Path]) -> None:
        self._stack = stack
        self._folder = folder
        self._pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        self._tests = djangos_tests()
        self._servers: dict[str, Any] = {}
        self._begun: dict[tuple[str, str], Future[dict[str, Any]]] = {}

    def begin(self, place: str, way: str) -> Future[dict[str, Any]]:
        if (place, way) not in self._begun:
            kind = "Embedded" if place == "embedded" else "Guarded"
            self._begun[place, way] = self._pool.submit(
                run_djangos_tests, self._tests, backend(kind, way), self._location(place, way), way
            )
        return self._begun[place, way]

    def _location(self, place: str, way: str) -> str:
        if place in {"embedded", "lmdb"}:
            folder = self._folder(f"{place}-{way}")
            return str(folder) if place == "embedded" else f"lmdb://{folder}"
        if place not in self._servers:
            running = {"redis": running_redis, "memcached": running_memcached}[place]
            self._servers[place] = self._stack.enter_context(running())
        return f"{self._servers[place].url}?prefix={way}:"


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runs]:
    with ExitStack() as stack:
        runs = Runs(stack, tmp_path_factory.mktemp)
        # All that were asked for, at once. Processes of pytest-xdist share them out already.
        for item in [] if "PYTEST_XDIST_WORKER" in os.environ else request.session.items:
            if item.path == request.path and not any(unusable(item)):
                runs.begin(item.callspec.params["place"], item.callspec.params["way"])
        yield runs


def unusable(item: Any) -> Iterator[bool]:
    """Whether this item's server is missing here; then the item is skipped, or fails."""
    from tests.conftest import TOOLS

    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            yield TOOLS[tool]() is not None


def backend(kind: str, way: str) -> str:
    if way == "directly":
        return f"holdfast.django.cache.{kind}Cache"
    return f"tests.django.cache.djangos_own.callers.{kind}{way}"


def run_djangos_tests(tests: Path, backend: str, location: str, way: str) -> dict[str, Any]:
    scope = "all" if way == "directly" else "calls"
    module = "tests.django.cache.djangos_own.run"
    done = subprocess.run(
        [sys.executable, "-m", module, tests, backend, location, scope],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    return {**json.loads(lines[-1]), "expected": EXPECTED[scope]}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(place, marks=pytest.mark.needs(place) if place in PLACES[2:] else ())
        for place in PLACES
    ],
)
def test_djangos_own_tests_pass(runs: Runs, place: str, way: str) -> None:
    report = runs.begin(place, way).result()

    assert not report["failed"], "\n\n".join(report["failed"])
    assert {line.split(" ")[0] for line in report["skipped"]} == SKIPPED.get(place, set())
    assert report["run"] >= report["expected"]
