"""The example is what it asks of others: no check of Django's or Holdfast's has a complaint."""

from pathlib import Path

import pytest

from demonstration.running import running
from demonstration.servers import SERVERS, Application
from demonstration.serving import manage
from demonstration.visitor import Visitor
from holdfast.testing.ports import free_port


def test_system_checks_find_nothing_to_complain_about(environment: dict[str, str]) -> None:
    manage(environment, "check", "--fail-level", "WARNING")


def test_migrations_are_complete(environment: dict[str, str]) -> None:
    manage(environment, "makemigrations", "--check", "--dry-run")


def test_filling_twice_adds_nothing(environment: dict[str, str]) -> None:
    manage(environment, "fill")


@pytest.mark.needs("postgresql")
def test_system_checks_pass_on_postgresql(environment: dict[str, str], postgres_url: str) -> None:
    manage({**environment, "DATABASE_URL": postgres_url}, "check", "--database", "default")


def test_start_up_check_names_the_locals_that_the_usual_configuration_makes_too_early(
    environment: dict[str, str], tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    usual = Application("newsroom.wsgi", "newsroom.asgi", "before/gunicorn_conf.py")
    with (
        running(SERVERS["gunicorn-gevent"].command(usual, port), port, log, environment),
        Visitor(port) as visitor,
    ):
        assert visitor.get("/").status == 200
    logged = log.read_text()
    assert "W101: before.label_cache._cache is a threading.local" in logged
    assert "W101: before.user_log._serving is a threading.local" in logged
