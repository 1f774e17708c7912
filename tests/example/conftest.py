"""The example as it is served: real servers on free ports, a database for each test module."""

from collections.abc import Iterator

import pytest

from demonstration.servers import SERVERS
from demonstration.serving import environment_in, prepare_database, serve
from demonstration.site import Site
from tests.services.postgres import postgres_url

__all__ = ["postgres_url"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables that point the example at a fresh SQLite database with a few articles."""
    found = environment_in(tmp_path_factory.mktemp("example"))
    prepare_database(found)
    return found


@pytest.fixture(scope="module")
def newsroom(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The example with Holdfast under `gunicorn -k gevent`."""
    folder = tmp_path_factory.mktemp("newsroom")
    with serve(SERVERS["gunicorn-gevent"], "after", folder, environment, seed=1) as site:
        yield site
