"""The example as it is served: real servers on free ports, a database for each test module."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from demonstration.servers import SERVERS
from demonstration.serving import environment_in, prepare_database, serve
from demonstration.site import Site
from tests.services.postgres import postgres_url

__all__ = ["postgres_url"]


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is made once, and copied: making it takes seconds."""
    folder = tmp_path_factory.mktemp("prepared")
    prepare_database(environment_in(folder))
    return folder


@pytest.fixture(scope="module")
def environment(_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that point the example at a fresh SQLite database with a few articles."""
    folder = tmp_path_factory.mktemp("example")
    for file in _prepared.glob("*.sqlite3*"):
        shutil.copy(file, folder)
    return environment_in(folder)


@pytest.fixture(scope="module")
def newsroom(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The example with Holdfast under `gunicorn -k gevent`."""
    folder = tmp_path_factory.mktemp("newsroom")
    with serve(SERVERS["gunicorn-gevent"], "after", folder, environment, seed=1) as site:
        yield site
