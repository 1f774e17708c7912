"""What tests of the watch start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.scope.scope import Scope
from tests.watch.project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Project(tmp_path)
    found.watch.start()
    yield found
    found.watch.stop()


@pytest.fixture
def requests() -> Iterator[list[Scope]]:
    found = [Scope(object(), f"GET /{name}/") for name in "abc"]
    yield found
    for scope in found:
        scope.close()
