"""A tracked database, on SQLite and on PostgreSQL, and functions whose loads are counted."""

import copy
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection, connections

from holdfast import configuration
from holdfast.cache import cached
from holdfast.django.tracking import switch
from holdfast.django.tracking.counters import events
from holdfast.django.tracking.start import start, stop
from tests.django.tracking.emptying import empty
from tests.services.postgres import postgres_url

SUMMARY = """
    CREATE VIEW shop_summary AS
    SELECT a.id, a.title, w.name AS author_name
    FROM shop_article a JOIN shop_author w ON w.id = a.author_id
"""


@pytest.fixture(scope="session")
def _sqlite(_database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(SUMMARY)


@pytest.fixture(scope="session")
def _postgres(_database: None, postgres_url: str) -> dict[str, Any]:
    url = urlsplit(postgres_url)
    given = connections.configure_settings(
        {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": url.username,
                "HOST": url.hostname,
                "PORT": url.port,
            }
        }
    )["default"]
    given["TEST"] = {"NAME": None, "MIRROR": None, "CHARSET": None, "COLLATION": None}
    with on_database(given):
        call_command("migrate", "contenttypes", verbosity=0)  # others refer to it
        call_command("migrate", verbosity=0, run_syncdb=True)
        with connection.cursor() as cursor:
            cursor.execute(SUMMARY)
    return given


class on_database:  # noqa: N801 - reads as a statement
    """The default database is another one in this block, for all threads."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __enter__(self) -> None:
        connections["default"].close()
        self._old = connections.settings["default"], connections["default"]
        connections.settings["default"] = copy.deepcopy(self._given)
        connections["default"] = connections.create_connection("default")

    def __exit__(self, *raised: object) -> None:
        connections["default"].close()
        connections.settings["default"], connections["default"] = self._old


def tracked() -> Iterator[None]:
    configuration.apply({"CACHE": {"TRACKING": True}, "STORES": {"cache": "memory://"}})
    start()
    events.clear()
    yield
    stop()
    configuration.apply({})
    assert not switch.in_database


@pytest.fixture
def on_sqlite(_sqlite: None) -> Iterator[None]:
    yield from tracked()
    empty()
    connection.close()


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest) -> Iterator[None]:
    with on_database(request.getfixturevalue("_postgres")):
        yield from tracked()
        empty()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def shop(request: pytest.FixtureRequest) -> None:
    """The tracked database."""
    request.getfixturevalue("on_postgres" if request.param == "postgresql" else "on_sqlite")


class Counted:
    """A cached function that counts how often it was loaded."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.loads = 0
        self.read = read
        Counted.made += 1

        @cached(ttl=None, name=f"counted {Counted.made}", tier=True, early=0)
        def load() -> Any:
            self.loads += 1
            return self.read()

        self._load = load

    made = 0

    def __call__(self) -> Any:
        return self._load()

    def is_kept(self) -> bool:
        """Whether the result is served again; what is served is compared with the database."""
        before = self.loads
        result = self()
        kept = self.loads == before
        fresh = self.read()
        assert result == fresh, f"stale: {result!r} is served, and {fresh!r} is true"
        return kept


@pytest.fixture
def counted() -> Callable[..., Counted]:
    """Makes a cached function of one that reads, having it loaded and found once.

    One that *is_new* was never called.
    """

    def make(read: Callable[[], Any], *, is_new: bool = False) -> Counted:
        made = Counted(read)
        if is_new:
            return made
        made()
        before = made.loads
        made()
        assert made.loads == before, f"it isn't kept at all: {events.queries()[:1]}"
        return made

    return make


__all__ = ["postgres_url"]
